"""The operators of `op_db`: every entry in every dtype that the CPU supports."""

import torch
from torch.testing._internal import common_methods_invocations
from torch.testing._internal.common_methods_invocations import op_db

from tests.conformance import compare, outcome
from tests.conformance.case import Case, Mismatch, Unsupported
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE
from tests.conformance.suites import gradients

NAME = "ops"
DRAWS = 6  # few values drawn may be the same by chance
GRADIENT_DTYPES = (torch.float64, torch.complex128)


# Entries that draw would seed torch anew in each call, which hides that they draw.
common_methods_invocations.wrapper_set_seed = lambda op, *args, **kwargs: op(*args, **kwargs)


def entries():
    return {op.full_name: op for op in op_db}


def dtype_name(dtype):
    return str(dtype).removeprefix("torch.")


def _checks(op, dtype):
    yield "forward"
    if op.supports_out:
        yield "out"
    if op.inplace_variant is not None:
        yield "inplace"
    if op.method_variant is not None:
        yield "method"
    yield "noncontiguous"
    yield "views"
    if dtype in GRADIENT_DTYPES and op.supports_autograd and dtype in op.backward_dtypes:
        yield "backward"
        if op.supports_gradgrad:
            yield "double_backward"
    if dtype == torch.float32:
        yield "autocast"


def cases(name, op):
    for dtype in sorted(op.dtypes, key=dtype_name):
        for check in _checks(op, dtype):
            yield Case(NAME, name, dtype_name(dtype), check)
    if op.error_inputs_func is not None:
        yield Case(NAME, name, "-", "errors")


def run(case, op, subject):
    CHECKS[case.check](case, op, subject)


def call(subject, function, sample):
    given, args, kwargs = subject.take_sample(sample, function)
    return subject.call(function, given, *args, **kwargs)


def draws(op, function, sample):
    """Whether values are undefined or drawn: then only geometry is compared."""
    if op.name in outcome.UNDEFINED or op.full_name in outcome.UNDEFINED:
        return True
    first, *others = (Outcome.of(lambda: call(REFERENCE, function, sample), seed)
                      for seed in range(1, DRAWS + 1))
    return first.error is None and any(
        other.error is None and compare.differ(first.value, other.value) for other in others)


def _beside_reference(op, function, sample, subject, what):
    wanted = Outcome.of(lambda: call(REFERENCE, function, sample))
    found = Outcome.of(lambda: call(subject, function, sample))
    outcome.same(found, wanted, what, values=not draws(op, function, sample))
    return wanted


def forward(case, op, subject):
    dtype = getattr(torch, case.dtype)
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs, dtype)):
        _beside_reference(op, op.op, sample, subject, f"sample {index}").get()


def noncontiguous(case, op, subject):
    dtype = getattr(torch, case.dtype)
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs, dtype)):
        _beside_reference(op, op.op, sample.noncontiguous(), subject, f"sample {index}").get()


def _in_larger_storage(tensor):
    """The same values as a view with an offset into a storage that is larger on both sides."""
    if tensor.layout is not torch.strided or tensor.is_conj() or tensor.is_neg():
        return tensor
    whole = torch.zeros(tensor.numel() + 8, dtype=tensor.dtype)
    view = whole[3:3 + tensor.numel()].view(tensor.shape)
    return view.copy_(tensor)


def views(case, op, subject):
    dtype = getattr(torch, case.dtype)
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs, dtype)):
        inside = sample.transform(lambda t: _in_larger_storage(t)
                                  if isinstance(t, torch.Tensor) else t)
        _beside_reference(op, op.op, inside, subject, f"sample {index}").get()
        if op.inplace_variant is not None and not sample.broadcasts_input:
            _written_whole(op, inside, subject, f"sample {index} written in place")


def _written_whole(op, sample, subject, what):
    """In-place through a view: nothing outside of it may change."""
    def run_on(where):
        taken = where.take_sample(sample, op.inplace_variant)
        where.call(op.inplace_variant, taken[0], *taken[1], **taken[2])
        count = taken[0].untyped_storage().nbytes() // taken[0].element_size()
        return taken[0].as_strided((count,), (1,), 0)

    outcome.same(Outcome.of(lambda: run_on(subject)), Outcome.of(lambda: run_on(REFERENCE)), what,
                 values=not draws(op, op.op, sample))


def inplace(case, op, subject):
    dtype = getattr(torch, case.dtype)
    ran = False
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs, dtype)):
        if sample.broadcasts_input:
            continue
        ran = True

        def run_on(where, sample=sample):
            taken = where.take_sample(sample, op.inplace_variant)
            result = where.call(op.inplace_variant, taken[0], *taken[1], **taken[2])
            if isinstance(result, torch.Tensor) and result is not taken[0]:
                raise Mismatch("an in-place call returned another tensor")
            return taken[0]

        outcome.same(Outcome.of(lambda: run_on(subject)), Outcome.of(lambda: run_on(REFERENCE)),
                     f"sample {index}", values=not draws(op, op.op, sample))
    if not ran:
        raise Unsupported("every sample broadcasts its input")


def method(case, op, subject):
    dtype = getattr(torch, case.dtype)
    variants = [op.method_variant, *(alias.method_variant for alias in op.aliases),
                *(alias.op for alias in op.aliases)]
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs, dtype)):
        for variant in filter(None, variants):
            _beside_reference(op, variant, sample, subject, f"sample {index}").get()


def _errors(case, op, subject):
    raised = False
    for index, wrong in enumerate(op.error_inputs("cpu")):
        sample = wrong.sample_input
        wanted = Outcome.of(lambda: call(REFERENCE, op.op, sample))
        if wanted.error is None:  # torch's own test of it sets more up
            continue
        raised = True
        outcome.same(Outcome.of(lambda: call(subject, op.op, sample)), wanted,
                     f"error input {index}")
    if not raised:
        raise Unsupported("CPU torch takes every one of them")


def autocast(case, op, subject):
    """bfloat16 autocast computes the same within its precision; no dtype but it and the usual."""
    for index, sample in enumerate(outcome.samples(case, op.sample_inputs, torch.float32)):
        wanted = Outcome.of(lambda: call(REFERENCE, op.op, sample)).get()
        with torch.autocast(torch.device(subject.device).type, dtype=torch.bfloat16):
            found = Outcome.of(lambda: call(subject, op.op, sample)).get()
        _near(found, wanted, f"sample {index}", values=not draws(op, op.op, sample))


def _near(found, wanted, what, values):
    for a, b in zip(compare.tensors(found), compare.tensors(wanted)):
        if a.shape != b.shape:
            raise Mismatch(f"{what}: shape {tuple(a.shape)}, wanted {tuple(b.shape)}")
        if a.dtype not in (torch.bfloat16, b.dtype):
            raise Mismatch(f"{what}: dtype {a.dtype}, wanted bfloat16 or {b.dtype}")
        if not values or not b.is_floating_point() or b.layout is not torch.strided:
            continue
        found_, wanted_ = a.detach().cpu().double(), b.detach().cpu().double()
        usual = wanted_.isfinite() & found_.isfinite()
        if usual.any():
            scale = wanted_[usual].abs().max()
            off = (found_ - wanted_)[usual].abs().max()
            if off > 0.05 * scale + 0.05:
                raise Mismatch(f"{what}: off by {off:.3g} at values up to {scale:.3g}")


def out(case, op, subject):
    from tests.conformance.suites import outputs

    outputs.check(case, op, subject, call, draws)


def backward(case, op, subject):
    gradients.check(case, op, subject, double=False)


def double_backward(case, op, subject):
    gradients.check(case, op, subject, double=True)


CHECKS = {"forward": forward, "out": out, "inplace": inplace, "method": method,
          "noncontiguous": noncontiguous, "views": views, "backward": backward,
          "double_backward": double_backward, "errors": _errors, "autocast": autocast}
