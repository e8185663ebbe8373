"""Autocast policies of a CUDA device, from torch's own lists: which dtype an operator computes in.

The reference is the operator on the CPU with arguments cast by hand, so on the CPU a case shows
only that the operator can be run so at all.
"""

import torch
from torch.testing._internal.autocast_test_lists import AutocastTestLists

from tests.conformance import compare, outcome
from tests.conformance.case import Case, Mismatch
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE

NAME = "autocast"
# list of AutocastTestLists: (dtype its operators compute in; None: as promotion says, module)
LISTS = {
    "torch_fp16": (torch.float16, torch),
    "torch_fp32": (torch.float32, torch),
    "torch_need_autocast_promote": (torch.float32, torch),
    "torch_expect_builtin_promote": (None, torch),
    "nn_fp16": (torch.float16, torch._C._nn),
    "nn_fp32": (torch.float32, torch._C._nn),
    "linalg_fp16": (torch.float16, torch._C._linalg),
    "methods_fp16": (torch.float16, None),
    "methods_fp32": (torch.float32, None),
    "methods_expect_builtin_promote": (None, None),
}


def entries():
    torch.manual_seed(11)
    lists = AutocastTestLists("cpu")
    found = {}
    for name in LISTS:
        for index, item in enumerate(getattr(lists, name)):
            found[f"{name}.{item[0]}.{index}"] = (name, item)
    return found


def cases(name, _):
    yield Case(NAME, name, "float16", "policy")


def _cast(value, dtype):
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(item, dtype) for item in value)
    return value


def _parts(name, item):
    """(function to call, arguments, keyword arguments, dtype it computes in, dtype it returns)."""
    computes, module = LISTS[name]
    operator, arguments = item[0], item[1]
    keywords = next((more for more in item[2:] if isinstance(more, dict)), {})
    returns = next((more for more in item[2:] if isinstance(more, torch.dtype)), None)
    function = getattr(module if hasattr(module, operator) and module else torch.Tensor, operator)
    return function, arguments, keywords, computes, returns or computes


def run(case, entry, subject):
    function, arguments, keywords, computes, returns = _parts(*entry)
    by_hand = _cast(arguments, computes) if computes else arguments
    wanted = Outcome.of(lambda: function(*by_hand, **keywords))
    wanted.get()
    if subject.device == REFERENCE.device:
        return
    with torch.autocast(torch.device(subject.device).type, dtype=torch.float16):
        found = Outcome.of(lambda: subject.call(function, *subject.take(arguments),
                                                **subject.take(keywords)))
    if isinstance(found.get(), torch.Tensor) and returns and found.value.dtype != returns:
        raise Mismatch(f"dtype {found.value.dtype}, wanted {returns}")
    draws = compare.differ(wanted.value, Outcome.of(lambda: function(*by_hand, **keywords),
                                                    seed=1).get())
    outcome.same(found, wanted, "result", values=not draws)
