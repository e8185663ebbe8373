"""Random numbers: seeds, states, generators, reproducibility. Values are a device's own."""

import torch

from tests.conformance.case import Mismatch
from tests.conformance.suites import programs

_suite = programs.Suite("rng", values=True)
NAME, entries, cases, run = _suite.NAME, _suite.entries, _suite.cases, _suite.run
program = _suite.program

FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def demand(holds, what):
    if not holds:
        raise Mismatch(what)


DRAWN = {
    "rand": lambda d, t, g: torch.rand(64, device=d, dtype=t, generator=g),
    "randn": lambda d, t, g: torch.randn(64, device=d, dtype=t, generator=g),
    "randint": lambda d, t, g: torch.randint(0, 90, (64,), device=d, dtype=t, generator=g),
    "uniform_": lambda d, t, g: torch.empty(64, device=d, dtype=t).uniform_(-1, 1, generator=g),
    "normal_": lambda d, t, g: torch.empty(64, device=d, dtype=t).normal_(2, 3, generator=g),
    "bernoulli_": lambda d, t, g: torch.empty(64, device=d, dtype=t).bernoulli_(0.5, generator=g),
    "exponential_": lambda d, t, g: torch.empty(64, device=d, dtype=t).exponential_(generator=g),
    "cauchy_": lambda d, t, g: torch.empty(64, device=d, dtype=t).cauchy_(generator=g),
    "log_normal_": lambda d, t, g: torch.empty(64, device=d, dtype=t).log_normal_(generator=g),
    "geometric_": lambda d, t, g: torch.empty(64, device=d, dtype=t).geometric_(0.2, generator=g),
    "random_": lambda d, t, g: torch.empty(64, device=d, dtype=t).random_(0, 50, generator=g),
    "bernoulli": lambda d, t, g: torch.full((64,), 0.5, device=d, dtype=t).bernoulli(generator=g),
    "poisson": lambda d, t, g: torch.poisson(torch.full((64,), 4.0, device=d, dtype=t), g),
    "multinomial": lambda d, t, g: torch.multinomial(torch.ones(64, device=d, dtype=t), 32,
                                                     generator=g),
}


def _add(name, draw):
    def repeats(where, dtype):
        torch.manual_seed(7)
        first, second = draw(where.device, dtype, None), draw(where.device, dtype, None)
        torch.manual_seed(7)
        again = draw(where.device, dtype, None)
        demand(torch.equal(first, again), "the same seed gave other numbers")
        demand(not torch.equal(first, second), "two draws gave the same numbers")
        return first.shape, first.dtype

    def of_a_generator(where, dtype):
        one = torch.Generator(where.device).manual_seed(5)
        other = torch.Generator(where.device).manual_seed(5)
        torch.manual_seed(1)
        usual = draw(where.device, dtype, None)
        torch.manual_seed(1)
        first = draw(where.device, dtype, one)
        demand(torch.equal(first, draw(where.device, dtype, other)), "generators differ")
        demand(torch.equal(usual, draw(where.device, dtype, None)), "the default one was used")
        state = one.get_state()
        second = draw(where.device, dtype, one)
        one.set_state(state)
        demand(torch.equal(second, draw(where.device, dtype, one)), "the state was not restored")
        return second.shape

    repeats.__name__, of_a_generator.__name__ = f"{name}_repeats", f"{name}_of_a_generator"
    program(*FLOATS)(repeats)
    program(*FLOATS)(of_a_generator)


for _name, _draw in DRAWN.items():
    _add(_name, _draw)


@program(torch.float32)
def forked(where, dtype):
    torch.manual_seed(3)
    before = torch.rand(4, device=where.device)
    torch.manual_seed(3)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        torch.rand(100, device=where.device)
    demand(torch.equal(before, torch.rand(4, device=where.device)), "fork_rng changed the state")
    return before.shape


@program(torch.float32)
def dropped_out(where, dtype):
    torch.manual_seed(3)
    x = torch.ones(4000, device=where.device, requires_grad=True)
    y = torch.nn.functional.dropout(x, 0.25)
    y.sum().backward()
    demand(torch.equal(x.grad, y.detach()), "the gradient has another mask")
    kept = float((y != 0).float().mean())
    demand(abs(kept - 0.75) < 0.05, f"{kept} kept of 0.75")
    return float(y.max())


@program(torch.float32)
def initial_seeds(where, dtype):
    generator = torch.Generator(where.device)
    generator.manual_seed(12)
    return generator.initial_seed(), str(generator.device.type) == torch.device(where.device).type


@program(torch.int64)
def permutations(where, dtype):
    torch.manual_seed(3)
    found = torch.randperm(500, device=where.device)
    return found.sort().values, found.dtype
