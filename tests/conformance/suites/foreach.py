"""The operators on lists of tensors, fast and slow paths, in every dtype."""

from torch.testing._internal import common_methods_invocations as databases

from tests.conformance.case import Case
from tests.conformance.suites import ops

NAME = "foreach"
_DATABASES = ("unary", "binary", "pointwise", "reduce", "other")


def entries():
    return {op.full_name: op for kind in _DATABASES
            for op in getattr(databases, f"foreach_{kind}_op_db")}


def cases(name, op):
    for dtype in sorted(op.dtypes, key=ops.dtype_name):
        if op.method_variant is not op.inplace_variant:
            yield Case(NAME, name, ops.dtype_name(dtype), "forward")
        if op.inplace_variant is not None:
            yield Case(NAME, name, ops.dtype_name(dtype), "inplace")
        if dtype in ops.GRADIENT_DTYPES and op.supports_autograd:
            yield Case(NAME, name, ops.dtype_name(dtype), "backward")
    if op.error_inputs_func is not None:
        yield Case(NAME, name, "-", "errors")


def run(case, op, subject):
    ops.CHECKS[case.check](case, op, subject)


