"""A side of `step`: a process that measures when it is told to, so that sides can be interleaved.

Reads one JSON request a line from stdin, answers one JSON line on stdout:
    {"case": "gpt", "steps": 20, "read": 10}  → seconds a step, counters a step; on the device
        also the CPU seconds of this process and the Worker's seconds a step
With "torch_compile": true the model is what torch.compile(model) gives.
"""

import functools
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from workloads import models
from workloads.serving import serve

WARMUP_STEPS = 6
_COUNTERS = ("calls", "template_calls", "flushes", "bytes_sent", "round_trips", "pushed_hits",
             "recipe_misses", "diverged")


def counters():
    """Of the plug-in; {} on stock torch."""
    module = sys.modules.get("moai._C")
    if module is None:
        return {}
    found = module.statistics()
    return {name: found.get(name, 0) for name in _COUNTERS}


def worker_busy_s():
    """As of the last drain; 0 on stock torch."""
    module = sys.modules.get("moai._C")
    return module.statistics().get("worker_busy_ns", 0) / 1e9 if module else 0


def change(before, after, count):
    return {name: (after[name] - before[name]) / count for name in after}


def drain(device):
    if device == "cuda":
        torch.cuda.synchronize()


def _vectors(batch, inputs):
    return torch.randn(batch, inputs), torch.randint(0, 10, (batch,))


def _images(batch, side):
    return torch.randn(batch, 3, side, side), torch.randint(0, 10, (batch,))


def _tokens(batch, tokens, vocabulary):
    ids = torch.randint(0, vocabulary, (batch, tokens + 1))
    return ids[:, :-1].contiguous(), ids[:, 1:].flatten()


# name: (model, batch, what a reader wants to know of its size)
CASES = {
    "mlp": (lambda: models.MLP(64, 128), lambda: _vectors(32, 64), "64-128-128-10, batch 32"),
    "cnn": (lambda: models.CNN(16), lambda: _images(16, 16), "3-16-32 channels, 16x3x16x16"),
    "cnn-20ms": (lambda: models.CNN(48), lambda: _images(32, 32),
                 "3-48-96 channels, 32x3x32x32"),
    "gpt-small": (lambda: models.GPT(101, 32, 4, 2, 16), lambda: _tokens(2, 16, 101),
                  "2 layers of 32, batch 2 of 16 tokens"),
    "gpt": (lambda: models.GPT(101, 64, 4, 2, 32), lambda: _tokens(4, 32, 101),
            "2 layers of 64, batch 4 of 32 tokens"),
    "gpt-20ms": (lambda: models.GPT(512, 256, 8, 4, 64), lambda: _tokens(8, 64, 512),
                 "4 layers of 256, batch 8 of 64 tokens"),
}


class Trained:
    """A model with its optimizer and one batch."""

    def __init__(self, case, device, torch_compile):
        torch.manual_seed(0)
        model, batch, _ = CASES[case]
        self.net = model().to(device)
        if torch_compile:
            self.net = torch.compile(self.net)
        self.x, self.y = (t.to(device) for t in batch())
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-4, foreach=True)

    def step(self):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.net(self.x), self.y)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        return loss


class TrivialStep:
    """One operator whose result is read."""

    def __init__(self, device):
        self.x = torch.zeros(1, device=device)

    def step(self):
        return self.x + 1


def measure_steps(subject, device, steps, read):
    """`read`: the loss is read every so many steps; 0: never. Drained at both ends."""

    def run(count):
        for i in range(1, count + 1):
            loss = subject.step()
            if read and i % read == 0:
                loss.item()

    run(max(WARMUP_STEPS, 2 * read))
    drain(device)
    busy, cpu = worker_busy_s(), time.process_time()
    before, begin = counters(), time.perf_counter()
    run(steps)
    after = counters()  # of the steps alone, without the drain
    drain(device)
    found = {"step_s": (time.perf_counter() - begin) / steps, **change(before, after, steps)}
    if before:
        found["front_s"] = (time.process_time() - cpu) / steps
        found["worker_s"] = (worker_busy_s() - busy) / steps
    return found


@functools.cache
def subject(case, device, torch_compile=False):
    return TrivialStep(device) if case == "trivial" else Trained(case, device, torch_compile)


def answer(request, device):
    measured = subject(request["case"], device, request.get("torch_compile", False))
    return measure_steps(measured, device, request["steps"], request["read"])


if __name__ == "__main__":
    serve(answer)
