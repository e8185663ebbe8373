"""Moments and ranges of every drawing operator people train with.

Each row draws COUNT numbers; mean and variance must lie within SIGMAS standard errors of the
distribution's, the numbers within its range.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F

COUNT = 200_000
SIGMAS = 6


@dataclass
class Draw:
    """`kurtosis`: fourth central moment ÷ variance², for the error of the variance."""

    name: str
    sample: Callable  # device -> tensor
    mean: float
    variance: float
    kurtosis: float
    low: float
    high: float


def _empty(device):
    return torch.empty(COUNT, device=device)


def _ones(device):
    return torch.ones(COUNT, device=device)


def _two_point(p):
    """Kurtosis of a variable with two values, of probability p and 1 - p."""
    return (1 - 3 * p * (1 - p)) / (p * (1 - p))


_EVEN = 1.8  # kurtosis of a uniform distribution
_INF = math.inf
_RRELU_LOW, _RRELU_HIGH = 0.125, 1 / 3
DRAWS = [
    Draw("rand", lambda d: torch.rand(COUNT, device=d), 0.5, 1 / 12, _EVEN, 0, 1),
    Draw("uniform_", lambda d: _empty(d).uniform_(-2, 6), 2, 64 / 12, _EVEN, -2, 6),
    Draw("randn", lambda d: torch.randn(COUNT, device=d), 0, 1, 3, -8, 8),
    Draw("normal_", lambda d: _empty(d).normal_(3, 2), 3, 4, 3, -13, 19),
    Draw("normal", lambda d: torch.normal(_ones(d), 2 * _ones(d)), 1, 4, 3, -15, 17),
    Draw("bernoulli_", lambda d: _empty(d).bernoulli_(0.2), 0.2, 0.16, _two_point(0.2), 0, 1),
    Draw("bernoulli", lambda d: torch.bernoulli(0.3 * _ones(d)), 0.3, 0.21, _two_point(0.3), 0, 1),
    Draw("randint", lambda d: torch.randint(-3, 8, (COUNT,), device=d), 2, 10, _EVEN, -3, 7),
    Draw("random_", lambda d: _empty(d).random_(0, 101), 50, (101**2 - 1) / 12, _EVEN, 0, 100),
    Draw("randperm", lambda d: torch.randperm(COUNT, device=d), (COUNT - 1) / 2,
         (COUNT**2 - 1) / 12, _EVEN, 0, COUNT - 1),
    Draw("multinomial",
         lambda d: torch.multinomial(torch.tensor([1.0, 0, 3], device=d), COUNT, True),
         1.5, 0.75, _two_point(0.25), 0, 2),
    Draw("exponential_", lambda d: _empty(d).exponential_(2), 0.5, 0.25, 9, 0, _INF),
    Draw("dropout", lambda d: F.dropout(_ones(d), 0.25), 1, 1 / 3, _two_point(0.25), 0, 4 / 3),
    Draw("rrelu", lambda d: -F.rrelu(-_ones(d), training=True), (_RRELU_LOW + _RRELU_HIGH) / 2,
         (_RRELU_HIGH - _RRELU_LOW)**2 / 12, _EVEN, _RRELU_LOW, _RRELU_HIGH),
]


def _digest(tensor):
    return hashlib.sha256(tensor.cpu().numpy().tobytes()).hexdigest()


def _measure(draw, device):
    torch.manual_seed(11)
    first = draw.sample(device)
    torch.manual_seed(11)
    repeated = _digest(first) == _digest(draw.sample(device))
    x = first.double()
    return {"mean": x.mean().item(), "variance": x.var().item(), "min": x.min().item(),
            "max": x.max().item(), "repeated": repeated, "hash": _digest(first)}


def measure(device):
    """By name of the draw: moments, range, and the hash of the numbers."""
    return {draw.name: _measure(draw, device) for draw in DRAWS}


def faults(draw, measured):
    """What is wrong with the numbers, in words; an empty list when nothing is."""
    found = []
    if not measured["repeated"]:
        found.append("the same seed drew other numbers")
    slack = 1e-6 * max(abs(draw.mean), 1)  # the ends are rounded to float32
    if measured["min"] < draw.low - slack or measured["max"] > draw.high + slack:
        found.append(f"range {measured['min']:g} … {measured['max']:g}")
    mean_error = math.sqrt(draw.variance / COUNT)
    if abs(measured["mean"] - draw.mean) > SIGMAS * mean_error:
        found.append(f"mean {measured['mean']:g} instead of {draw.mean:g}")
    variance_error = draw.variance * math.sqrt((draw.kurtosis - 1) / COUNT)
    if abs(measured["variance"] - draw.variance) > SIGMAS * variance_error:
        found.append(f"variance {measured['variance']:g} instead of {draw.variance:g}")
    return found
