"""The optimizers of `optim_db` with their options: the parameters after five steps."""

import copy

import torch
from torch.testing._internal.common_optimizers import optim_db

from tests.conformance import outcome
from tests.conformance.case import Case, Unsupported
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE

NAME = "optimizers"
STEPS = 5
DTYPES = ("float32", "float64")
FLAGS = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True},
         "differentiable": {"differentiable": True}, "capturable": {"capturable": True}}


def entries():
    return {info.optim_cls.__name__: info for info in optim_db}


def cases(name, info):
    checks = ["loop", "state_dict"]
    checks += [flag for flag in ("foreach", "fused", "differentiable")
               if flag in info.supported_impls]
    for dtype in DTYPES:
        for check in checks:
            yield Case(NAME, name, dtype, check)


def _flags(case, info):
    if case.check == "loop" and "foreach" not in info.supported_impls:
        return {}
    return FLAGS.get(case.check, {})


def _ways(case, info):
    found = [way for way in info.optim_inputs_func(device="cpu")
             if not way.kwargs.get("capturable")]
    if not found:
        raise Unsupported("no options")
    for way in found:
        yield way.desc, {**copy.deepcopy(way.kwargs), **_flags(case, info)}


def _values(info, dtype):
    """Of the parameters. Muon takes matrices only."""
    shapes = ((4, 3), (2, 2)) if info.optim_cls is torch.optim.Muon else ((4, 3), (3,), ())
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
            for shape in shapes]


def _train(where, info, dtype, options, save_after):
    parameters = [p.requires_grad_() for p in where.take(_values(info, dtype))]
    options = where.take(options)
    if options.get("differentiable"):
        parameters = [p.clone() for p in parameters]
    optimizer = info.optim_cls(parameters, **options)
    targets = where.take([p.flip(0) if p.dim() else p + 1 for p in _values(info, dtype)])

    def closure():
        optimizer.zero_grad()
        loss = sum(((p - t) ** 2).sum() for p, t in zip(parameters, targets))
        for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = gradient.detach()
        if info.only_supports_sparse_grads:
            for p in parameters:
                p.grad = p.grad.to_sparse()
        return loss

    for step in range(STEPS):
        if step == save_after:
            state = copy.deepcopy(optimizer.state_dict())
            optimizer = info.optim_cls(parameters, **options)
            optimizer.load_state_dict(state)
        if info.step_requires_closure:
            where.call(optimizer.step, closure)
            continue
        closure()
        where.call(optimizer.step)
    return [p.detach() for p in parameters]


def run(case, info, subject):
    save_after = 2 if case.check == "state_dict" else -1
    for description, options in _ways(case, info):
        wanted, found = (
            Outcome.of(lambda: _train(where, info, getattr(torch, case.dtype), options,
                                      save_after)) for where in (REFERENCE, subject))
        wanted.get()
        outcome.same(found, wanted, description or "default")
