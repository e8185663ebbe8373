"""out=: given tensors are filled, resized when empty, refused when they do not fit."""

import torch

from tests.conformance import compare, outcome
from tests.conformance.case import Mismatch, Unsupported
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE


def _filled(tensor):
    if tensor.is_floating_point() or tensor.is_complex():
        return tensor.fill_(float("nan"))
    return tensor.fill_(1)


def _fitting(wanted):
    return _filled(torch.empty_strided(wanted.shape, wanted.stride(), dtype=wanted.dtype))


def _empty(wanted):
    return torch.empty(0, dtype=wanted.dtype)


def _strided(wanted):
    """Of the right shape, its dimensions laid out in reverse order and apart."""
    whole = torch.empty(*reversed([2 * size for size in wanted.shape]), dtype=wanted.dtype)
    every_other = whole[tuple(slice(0, None, 2) for _ in range(whole.dim()))]
    return _filled(every_other.permute(*reversed(range(every_other.dim()))))


def _integer(wanted):
    return torch.zeros(wanted.shape, dtype=torch.int32)


def _wrong_shape(wanted):
    return torch.ones((*wanted.shape, 2), dtype=wanted.dtype)


GIVEN = {"fitting": _fitting, "empty": _empty, "strided": _strided, "integer": _integer,
         "wrong shape": _wrong_shape}
# Given these, an operator gives what it gives without out=; where CPU torch does not (a strided
# out= of tril is left as it was), its answer is no reference.
SAME_RESULT = {"fitting", "empty", "strided"}


def _written(subject, op, sample, wanted, make):
    """The given tensors after a call with out=, and whether they lie elsewhere now."""
    given = subject.take([make(tensor) for tensor in compare.tensors(wanted)])
    before = [(t.data_ptr(), t.stride()) for t in given]
    taken = subject.take_sample(sample, op.op)
    single = isinstance(wanted, torch.Tensor)
    returned = subject.call(op.op, taken[0], *taken[1], **taken[2],
                            out=given[0] if single else tuple(given))
    if any(a is not b for a, b in zip(compare.tensors(returned), given)):
        raise Mismatch("out= returned another tensor")
    fits = make in (_fitting, _strided)
    return given, fits and before != [(t.data_ptr(), t.stride()) for t in given]


def check(case, op, subject, call, draws):
    ran = False
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs,
                                                   getattr(torch, case.dtype))):
        wanted = Outcome.of(lambda: call(REFERENCE, op.op, sample)).get()
        if not compare.tensors(wanted) or "out" in sample.kwargs:
            continue
        ran = True
        values = not draws(op, op.op, sample)
        for kind, make in GIVEN.items():
            found, reference = (
                Outcome.of(lambda: _written(where, op, sample, wanted, make))
                for where in (subject, REFERENCE))
            if kind in SAME_RESULT and reference.error is None:
                compare.same(reference.value[0], compare.tensors(wanted), f"CPU, out {kind}",
                             values, False)
            outcome.same(found, reference, f"sample {index}, out {kind}", values)
    if not ran:
        raise Unsupported("no sample gives a tensor")
