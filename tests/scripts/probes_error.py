"""Errors: at the call where they can be known, else at the next wait; the device stays usable."""

import torch
import torch.nn.functional as F

from probe import DEVICE, device_probe, probe, raises, run_probes


def usable():
    return (torch.ones(2, device=DEVICE) + 1).sum().item() == 4


@probe
def wrong_shapes_raise_at_the_call_with_the_text_of_torch():
    a = torch.ones(2, 3, device=DEVICE)
    raises(RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", lambda: a @ a)
    raises(RuntimeError, "The size of tensor a (3) must match the size of tensor b (2)",
           lambda: a + torch.ones(2, device=DEVICE))
    raises(RuntimeError, "shape '[5]' is invalid for input of size 6", lambda: a.view(5))
    assert usable()


@probe
def wrong_types_raise_at_the_call():
    a = torch.ones(2, 2, device=DEVICE)
    raises(RuntimeError, "", lambda: a @ a.long())
    raises(RuntimeError, "", lambda: a.long().add_(0.5))
    assert usable()


@probe
def wrong_dimensions_and_indices_raise_at_the_call():
    a = torch.ones(2, 3, device=DEVICE)
    raises(IndexError, "Dimension out of range", lambda: a.sum(5))
    raises(IndexError, "out of bounds", lambda: a[7])
    assert usable()


@device_probe
def tensors_of_two_devices_do_not_mix():
    error = raises(RuntimeError, "Expected all tensors to be on the same device",
                   lambda: torch.ones(2, device="cuda") + torch.ones(2))
    assert "cuda:0" in str(error) and "cpu" in str(error), error
    assert usable()


@device_probe
def numpy_asks_for_a_copy_to_the_host():
    raises(TypeError, "can't convert cuda:0 device type tensor to numpy",
           lambda: torch.ones(2, device="cuda").numpy())


@device_probe
def a_device_error_raises_at_the_next_wait_and_names_its_operator():
    table, index = torch.ones(2, 2, device="cuda"), torch.tensor([9], device="cuda")
    bad = F.embedding(index, table)  # the values are known on the device alone
    error = raises((RuntimeError, IndexError), "embedding", torch.cuda.synchronize)
    assert "probes_error.py" in str(error), error
    torch.cuda.synchronize()  # raised once
    assert usable()
    bad.fill_(1.0)
    assert bad.sum().item() == 2


@device_probe
def an_update_from_bad_values_is_not_applied_silently():
    weight = torch.ones(2, device="cuda")
    index = torch.tensor([5], device="cuda")
    weight += F.embedding(index, torch.ones(2, 2, device="cuda"))[0]
    raises((RuntimeError, IndexError), "", weight.cpu)
    assert usable()


@device_probe
def too_large_an_allocation_raises_at_the_call():
    raises(torch.cuda.OutOfMemoryError, "memory", lambda: torch.empty(1 << 45, device="cuda"))
    assert torch.OutOfMemoryError is torch.cuda.OutOfMemoryError
    assert usable()


@device_probe
def a_device_that_does_not_exist_is_refused():
    raises(RuntimeError, "invalid device ordinal", lambda: torch.ones(1, device="cuda:1"))
    assert usable()


@probe
def gradients_of_leaves_changed_in_place_are_refused():
    x = torch.ones(2, device=DEVICE, requires_grad=True)
    raises(RuntimeError, "a leaf Variable that requires grad", lambda: x.add_(1))


if __name__ == "__main__":
    run_probes()
