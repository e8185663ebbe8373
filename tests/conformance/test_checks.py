"""Each check has a mutant that it catches: a device with one fault, on the CPU."""

import pytest
import torch

from tests.conformance import catalogue
from tests.conformance.case import Case, Mismatch
from tests.conformance.subject import Subject


class Sound(Subject):
    """A CPU that is another device than the reference."""

    def __init__(self):
        super().__init__("cpu:0")


def _map(value, change):
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_map(item, change) for item in value)
    return value


def _off(tensor):
    with torch.no_grad():
        return tensor + 1 if tensor.dtype != torch.bool else ~tensor


class WrongValues(Sound):
    def call(self, function, *args, **kwargs):
        return _map(super().call(function, *args, **kwargs), _off)


class WrongDtype(Sound):
    def call(self, function, *args, **kwargs):
        return _map(super().call(function, *args, **kwargs), lambda t: t.double())


class WrongLayout(Sound):
    def call(self, function, *args, **kwargs):
        return _map(super().call(function, *args, **kwargs),
                    lambda t: t.mT.contiguous().mT if t.dim() > 1 else t)


class NothingWritten(Sound):
    """In-place calls and out= leave their tensor as it was."""

    def call(self, function, *args, **kwargs):
        out = kwargs.pop("out", None)
        if out is not None:
            super().call(function, *args, **kwargs)
            return out
        copies = _map(list(args), torch.clone)
        super().call(function, *copies, **kwargs)
        return args[0]


class AnotherTensorReturned(Sound):
    def call(self, function, *args, **kwargs):
        return _map(super().call(function, *args, **kwargs), torch.clone)


class StridesForgotten(Sound):
    def _strided(self, plain):
        return super()._strided(plain).as_strided(plain.shape, torch.empty(plain.shape).stride(),
                                                  plain.storage_offset())


class OffsetForgotten(Sound):
    def _strided(self, plain):
        moved = super()._strided(plain)
        return moved.as_strided(plain.shape, plain.stride(), 0)


class WritesBeside(Sound):
    """An in-place call through a view also changes what lies before it."""

    def call(self, function, *args, **kwargs):
        result = super().call(function, *args, **kwargs)
        if isinstance(args[0], torch.Tensor) and args[0].storage_offset():
            args[0].as_strided((1,), (1,), 0).fill_(1)
        return result


class WrongGradient(Sound):
    def grad(self, *args, create_graph=False, **options):
        found = super().grad(*args, create_graph=create_graph, **options)
        return found if create_graph else _map(found, _off)


class NoErrors(Sound):
    def call(self, function, *args, **kwargs):
        try:
            return super().call(function, *args, **kwargs)
        except Exception:
            return torch.zeros(1)


class OtherErrors(Sound):
    def call(self, function, *args, **kwargs):
        try:
            return super().call(function, *args, **kwargs)
        except Exception as error:
            raise KeyError("another class") from error


class AutocastIgnored(Sound):
    def call(self, function, *args, **kwargs):
        with torch.autocast("cpu", enabled=False):
            return super().call(function, *args, **kwargs)


class SavesZeros(Sound):
    def call(self, function, *args, **kwargs):
        if function is torch.save:
            args = ({name: torch.zeros_like(value) for name, value in args[0].items()}, args[1])
        return super().call(function, *args, **kwargs)


class EveryThirdStepLost(Sound):
    def __init__(self):
        super().__init__()
        self._calls = 0

    def call(self, function, *args, **kwargs):
        self._calls += 1
        return None if self._calls % 3 == 0 else super().call(function, *args, **kwargs)


MUTANTS = [
    ("ops/add/float32/forward", WrongValues), ("ops/mul/int64/forward", WrongDtype),
    ("ops/mm/float32/forward", WrongLayout), ("ops/add/float32/out", NothingWritten),
    ("ops/add/float32/out", AnotherTensorReturned), ("ops/add/float32/inplace", NothingWritten),
    ("ops/add/float32/inplace", AnotherTensorReturned), ("ops/mul/float32/method", WrongValues),
    ("ops/mm/float32/noncontiguous", StridesForgotten),
    ("ops/mul/float32/views", OffsetForgotten), ("ops/mul/float32/views", WritesBeside),
    ("ops/mul/float64/backward", WrongGradient),
    ("ops/mul/float64/double_backward", WrongGradient), ("ops/gather/-/errors", NoErrors),
    ("ops/gather/-/errors", OtherErrors), ("ops/mm/float32/autocast", WrongValues),
    ("ops/mm/float32/autocast", WrongDtype), ("foreach/_foreach_add/float32/forward", WrongValues),
    ("foreach/_foreach_add/float32/inplace", NothingWritten),
    ("foreach/_foreach_exp/float64/backward", WrongGradient),
    ("modules/nn.Linear/float32/train", WrongValues),
    ("modules/nn.Linear/float32/eval", WrongValues),
    ("modules/nn.Linear/float64/backward", WrongGradient),
    ("modules/nn.Linear/float32/state_dict", SavesZeros),
    ("optimizers/SGD/float32/loop", EveryThirdStepLost),
    ("optimizers/SGD/float32/foreach", EveryThirdStepLost),
    ("optimizers/Adam/float32/fused", EveryThirdStepLost),
    ("optimizers/Adam/float32/differentiable", EveryThirdStepLost),
    ("optimizers/Adam/float32/state_dict", EveryThirdStepLost),
    ("autocast/torch_fp16.addmm.13/float16/policy", AutocastIgnored),
    ("views/transpose_writes/float32/program", WrongValues),
    ("indexing/masks/float32/program", WrongValues),
    ("rng/permutations/int64/program", WrongValues),
    ("serialization/pickles/float32/program", WrongValues),
]


def _run(text, subject):
    case = Case.parse(text)
    module = catalogue.suite(case.suite)
    module.run(case, module.entries()[case.entry], subject)


@pytest.mark.parametrize("text", sorted({text for text, _ in MUTANTS}))
def test_a_sound_device_passes(text):
    _run(text, Sound())


@pytest.mark.parametrize("text,mutant", MUTANTS,
                         ids=[f"{text}-{mutant.__name__}" for text, mutant in MUTANTS])
def test_a_mutant_is_caught(text, mutant):
    with pytest.raises(Mismatch):
        _run(text, mutant())


def test_every_check_has_a_mutant():
    caught = {(case.suite, case.check) for case in (Case.parse(text) for text, _ in MUTANTS)}
    for name in catalogue.SUITES:
        module = catalogue.suite(name)
        every = {case.check for entry, info in module.entries().items()
                 for case in module.cases(entry, info)}
        assert {check for suite, check in caught if suite == name} == every, name
