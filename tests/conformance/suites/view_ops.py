"""Views: what they share, what they show, what autograd knows of them."""

import torch

from tests.conformance.suites import programs
from tests.conformance.suites.programs import values

_suite = programs.Suite("views")
NAME, entries, cases, run = _suite.NAME, _suite.entries, _suite.cases, _suite.run
program = _suite.program

FLOATS = (torch.float32, torch.float64, torch.bfloat16)

MADE = {
    "view": lambda x: x.view(6, 4),
    "flat": lambda x: x.view(-1),
    "reshape": lambda x: x.reshape(2, 3, 4),
    "transpose": lambda x: x.transpose(0, 1),
    "permute": lambda x: x.view(2, 2, 6).permute(2, 0, 1),
    "t": lambda x: x.t(),
    "mT": lambda x: x.mT,
    "select": lambda x: x.select(0, 2),
    "narrow": lambda x: x.narrow(1, 1, 3),
    "slice": lambda x: x[1:, ::2],
    "expand": lambda x: x[:, :1].expand(4, 3),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x.unsqueeze(0).squeeze(),
    "diagonal": lambda x: x.diagonal(),
    "unfold": lambda x: x.unfold(1, 3, 2),
    "as_strided": lambda x: x.as_strided((3, 2), (4, 1), 2),
    "split": lambda x: x.split(2)[1],
    "chunk": lambda x: x.chunk(3, 1)[2],
    "unbind": lambda x: x.unbind(1)[3],
    "flatten": lambda x: x.flatten(),
    "unflatten": lambda x: x.unflatten(1, (2, 3)),
    "movedim": lambda x: x.movedim(0, 1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "hsplit": lambda x: x.hsplit(2)[1],
    "tensor_split": lambda x: x.tensor_split(3)[1],
    "detach": lambda x: x.detach(),
    "view_as": lambda x: x.view_as(x),
    "expand_as": lambda x: x[:1].expand_as(x),
    "alias": lambda x: torch.ops.aten.alias(x),
}


def _facts(base, view):
    return (view, view.is_contiguous(), view.stride(), view.storage_offset(),
            view.data_ptr() - base.data_ptr(),
            view.untyped_storage().data_ptr() == base.untyped_storage().data_ptr(),
            view._is_view(), view._base is base)


def _add(name, make):
    def shows(where, dtype):
        x = where.tensor(values((4, 6), dtype))
        return _facts(x, make(x))

    def writes(where, dtype):
        x = where.tensor(values((4, 6), dtype))
        view = make(x)
        if name.startswith("expand"):
            view = view[:1] if name == "expand_as" else view[:, :1]
        view.fill_(1)
        before = x.clone()
        x[1].zero_()
        return before, x, make(x), x._version

    shows.__name__, writes.__name__ = f"{name}_shows", f"{name}_writes"
    program()(shows)
    program()(writes)


for _name, _make in MADE.items():
    _add(_name, _make)


@program(*FLOATS)
def differentiated_writes(where, dtype):
    x = where.tensor(values((4, 6), dtype)).requires_grad_()
    y = x.clone()
    y[1:3].mul_(2)
    y.t()[0].add_(x[:, 1])
    y.view(-1)[::7] = 0
    (y * y).sum().backward()
    return x.grad, y


@program(*FLOATS)
def versions_are_checked(where, dtype):
    x = where.tensor(values((4, 6), dtype)).requires_grad_()
    y = x.exp()
    z = y * y
    y[0].zero_()
    try:
        z.sum().backward()
    except RuntimeError as error:
        return "modified by an inplace operation" in str(error)
    return False


@program(*FLOATS)
def leaves_are_protected(where, dtype):
    x = where.tensor(values((4,), dtype)).requires_grad_()
    messages = []
    for write in (lambda: x.zero_(), lambda: x[1:].fill_(0), lambda: x.view(2, 2).add_(1)):
        try:
            write()
        except RuntimeError as error:
            messages.append(str(error))
    with torch.no_grad():
        x[1:].fill_(2)
    return "; ".join(messages), x


@program(torch.float32, torch.int32, torch.complex64)
def other_dtypes(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    y = x.view(torch.uint8)
    y[0, :4] = 0
    return y, x, x.view(torch.int16), x.view(torch.int64)


@program(torch.complex64, torch.complex128)
def complex_parts(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    x.real[0] = 1
    x.imag.mul_(2)
    parts = torch.view_as_real(x)
    parts[1, 1] = 5
    return x, x.conj(), x.conj().imag, x.mH, torch.view_as_complex(parts), x.conj().is_conj()


@program()
def resized(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    kept = x.clone()
    x.resize_(2, 3)
    smaller = x.clone()
    x.resize_(4, 6)
    y = where.tensor(values((3,), dtype))
    y.set_(kept)
    return smaller, x[:1], y, y.data_ptr() == kept.data_ptr()


@program()
def swapped_data(where, dtype):
    x, y = (where.tensor(values((4, 6), dtype, seed)) for seed in (0, 1))
    view = x[1:]
    x.data = y
    x.fill_(1)
    return x, y, view


@program()
def memory_formats(where, dtype):
    x = where.tensor(values((2, 3, 4, 5), dtype))
    last = x.contiguous(memory_format=torch.channels_last)
    return (last, last.is_contiguous(memory_format=torch.channels_last), last.contiguous(),
            last.clone(), torch.empty_like(last).stride(), last.permute(0, 2, 3, 1).is_contiguous(),
            (last + x), last.to(memory_format=torch.contiguous_format))
