"""The device under test: what goes to it, what comes back, what is called on it."""

import torch

# Operators whose further tensors torch wants on the CPU, whatever the device.
HOST_ARGUMENTS = ("tensor_split",)


def synchronize():
    """Waits for the device of this process, where it has been used."""
    device = torch.accelerator.current_accelerator()
    if device is not None and torch.get_device_module(device).is_initialized():
        torch.accelerator.synchronize()


class Subject:
    """Moves samples to a device and calls operators there.

    Tests of the checks put a faulty one in its place (test_checks.py).
    """

    def __init__(self, device):
        self.device = device

    def call(self, function, *args, **kwargs):
        """Every call of what is tested goes through here."""
        return function(*args, **kwargs)

    def grad(self, outputs, inputs, grad_outputs, **options):
        return torch.autograd.grad(outputs, inputs, grad_outputs, allow_unused=True, **options)

    def take(self, value):
        """A copy of `value` with its tensors on the device; shared tensors stay shared."""
        return self._take(value, {})

    def take_sample(self, sample, function):
        """(input, args, kwargs) of an OpInfo sample for `function`."""
        args = tuple(sample.args)
        given, moved, kwargs = self.take((sample.input, args, dict(sample.kwargs)))
        return given, args if getattr(function, "__name__", "") in HOST_ARGUMENTS else moved, kwargs

    def _take(self, value, known):
        if isinstance(value, torch.Tensor):
            if id(value) not in known:
                known[id(value)] = self.tensor(value)
            return known[id(value)]
        if isinstance(value, dict):
            return {key: self._take(item, known) for key, item in value.items()}
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            items = [self._take(item, known) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        return self._device_of(value)

    def _device_of(self, value):
        if isinstance(value, torch.device) and value.type == "cpu":
            return torch.device(self.device)
        if isinstance(value, str) and value == "cpu":
            return self.device
        if isinstance(value, torch.Generator):
            return torch.Generator(self.device).manual_seed(value.initial_seed())
        return value

    def tensor(self, source):
        """`source` on the device with its sizes, strides, offset, conj and neg bits; a leaf."""
        plain = source.detach()
        ordinary = source.layout is torch.strided and type(plain) is torch.Tensor
        if source.device.type != "cpu" or not ordinary:
            moved = plain.to(self.device, copy=True)
        else:
            moved = self._strided(plain)
        return moved.requires_grad_(source.requires_grad)

    def _strided(self, plain):
        conj, neg = plain.is_conj(), plain.is_neg()
        if conj:
            plain = plain.conj()
        if neg:
            plain = torch._neg_view(plain)
        count = plain.untyped_storage().nbytes() // max(plain.element_size(), 1)
        whole = torch.empty(0, dtype=plain.dtype).set_(plain.untyped_storage(), 0, (count,), (1,))
        moved = whole.to(self.device, copy=True).as_strided(
            plain.size(), plain.stride(), plain.storage_offset())
        if neg:
            moved = torch._neg_view(moved)
        return moved.conj() if conj else moved


REFERENCE = Subject("cpu")
