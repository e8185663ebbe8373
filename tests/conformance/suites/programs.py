"""Small programs that use tensors as people do; each runs on the CPU and on the device.

A program is a function of (where, dtype): `where.tensor(t)` moves a CPU tensor, `where.device` is
the device. What it returns is compared.
"""

import torch

from tests.conformance import outcome
from tests.conformance.case import Case
from tests.conformance.outcome import Outcome
from tests.conformance.subject import REFERENCE
from tests.conformance.suites.ops import dtype_name

USUAL = (torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.complex64)


class Suite:
    def __init__(self, name, values=True):
        self.NAME, self._values, self._programs = name, values, {}

    def program(self, *dtypes):
        def add(function):
            self._programs[function.__name__] = (function, dtypes or USUAL)
            return function
        return add

    def entries(self):
        return self._programs

    def cases(self, name, entry):
        for dtype in entry[1]:
            yield Case(self.NAME, name, dtype_name(dtype), "program")

    def run(self, case, entry, subject):
        function, dtype = entry[0], getattr(torch, case.dtype)
        wanted, found = (Outcome.of(lambda: where.call(function, where, dtype))
                         for where in (REFERENCE, subject))
        wanted.get()
        outcome.same(found, wanted, "result", values=self._values)


def values(shape, dtype, seed=0):
    """On the CPU, of a few distinct values in every dtype."""
    generator = torch.Generator().manual_seed(seed)
    if dtype.is_complex:
        return torch.complex(*torch.randn(2, *shape, generator=generator)).to(dtype)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    if dtype is torch.bool:
        return torch.randint(0, 2, shape, generator=generator).to(dtype)
    return torch.randint(-9, 9, shape, generator=generator).to(dtype)
