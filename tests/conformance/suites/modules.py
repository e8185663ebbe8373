"""The modules of `module_db`: made on the CPU, moved with .to(), run, differentiated, saved."""

import copy
import io

import torch
from torch.testing._internal.common_modules import module_db

from tests.conformance import compare, outcome
from tests.conformance.case import Case, Unsupported
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE
from tests.conformance.suites import gradients
from tests.conformance.suites.ops import dtype_name

NAME = "modules"
CHECKS = ("train", "eval", "backward", "state_dict")


def entries():
    found = {}
    for info in module_db:
        name = info.name
        found[name if name not in found else f"{name}.{len(found)}"] = info
    return found


def cases(name, info):
    for dtype in sorted(info.dtypes, key=dtype_name):
        for check in CHECKS:
            yield Case(NAME, name, dtype_name(dtype), check)


def _made(case, info, training):
    """(module on the CPU, its arguments, keyword arguments) for a few ways to make it."""
    torch.manual_seed(case.seed)
    found = info.module_inputs_func(info, device="cpu", dtype=getattr(torch, case.dtype),
                                    requires_grad=case.check == "backward", training=training)
    ways = [way for way in found if way.forward_input is not None]
    if not ways:
        raise Unsupported("nothing to call it with")
    for way in outcome.spread(ways):
        made = info.module_cls(*way.constructor_input.args, **way.constructor_input.kwargs)
        module = made.to(getattr(torch, case.dtype))
        yield module.train(training), way.forward_input.args, way.forward_input.kwargs


def _run_on(where, module, args, kwargs, use):
    moved = where.call(copy.deepcopy(module).to, where.device)
    args, kwargs = where.take((args, kwargs))
    return use(where, moved, args, kwargs)


def _forward(where, module, args, kwargs):
    result = where.call(module, *args, **kwargs)
    return result, dict(module.state_dict())


def _backward(where, module, args, kwargs):
    outputs = gradients.leaves(where.call(module, *args, **kwargs))
    inputs = [*gradients.leaves((args, kwargs)), *module.parameters()]
    inputs = [t for t in inputs if t.requires_grad]
    if not inputs or not outputs:
        raise Unsupported("nothing to differentiate")
    return where.grad(outputs, inputs, where.take(gradients.weights(outputs, 5)))


def _saved(where, module, args, kwargs):
    """What a file holds, read on the CPU, and the result of a module that loaded it."""
    file = io.BytesIO()
    where.call(torch.save, module.state_dict(), file)
    file.seek(0)
    state = torch.load(file, map_location="cpu")
    again = copy.deepcopy(module)
    for value in again.state_dict().values():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            value.zero_()
    again.load_state_dict(state)
    return state, dict(again.state_dict())


USES = {"train": _forward, "eval": _forward, "backward": _backward, "state_dict": _saved}


def run(case, info, subject):
    ran = False
    use = USES[case.check]
    for index, (module, args, kwargs) in enumerate(_made(case, info, case.check != "eval")):
        wanted, second = (Outcome.of(lambda: _run_on(REFERENCE, module, args, kwargs, use), seed)
                          for seed in (1, 2))
        if isinstance(wanted.error, Unsupported):
            continue
        wanted.get()
        ran = True
        found = Outcome.of(lambda: _run_on(subject, module, args, kwargs, use), 1)
        values = not compare.differ(wanted.value, second.get())
        outcome.same(found, wanted, f"way {index}", values, strides=False)
    if not ran:
        raise Unsupported("nothing to differentiate")
