"""First and second derivatives beside those of the CPU."""

import torch

from tests.conformance import compare, outcome
from tests.conformance.case import Unsupported
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE


def leaves(value):
    return [t for t in compare.tensors(value) if t.requires_grad]


def weights(tensors, seed):
    """Random gradients of the outputs, made on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for t in tensors:
        dtype = torch.complex128 if t.is_complex() else torch.float64
        made.append(torch.randn(t.shape, dtype=dtype, generator=generator).to(t.dtype))
    return made


def _derivatives(where, op, sample, double):
    taken = where.take_sample(sample, op.op)
    inputs = leaves(taken)
    result = where.call(op.op, taken[0], *taken[1], **taken[2])
    outputs = leaves(sample.output_process_fn_grad(result))
    if not inputs or not outputs:
        raise Unsupported("nothing to differentiate")
    first = where.grad(outputs, inputs, where.take(weights(outputs, 5)), create_graph=double)
    if not double:
        return first
    again = [t for t in first if t is not None and t.requires_grad]
    if not again:
        return first
    return first, where.grad(again, inputs, where.take(weights(again, 6)))


def check(case, op, subject, double):
    ran = False
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs,
                                                   getattr(torch, case.dtype),
                                                   requires_grad=True)):
        wanted, second = (Outcome.of(lambda: _derivatives(REFERENCE, op, sample, double), seed)
                          for seed in (1, 2))
        if isinstance(wanted.error, Unsupported):
            continue
        wanted.get()
        ran = True
        found = Outcome.of(lambda: _derivatives(subject, op, sample, double), 1)
        values = second.error is None and not compare.differ(wanted.value, second.value)
        outcome.same(found, wanted, f"sample {index}", values, strides=False)
    if not ran:
        raise Unsupported("nothing to differentiate")
