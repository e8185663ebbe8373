"""Host time of single operators: what the script waits for until a call returns.

    python -m workloads.operator_run --device cpu --threads 1 [--replay]

hit: a call like one before. miss: shapes that were never seen. replay (--replay): calls of a window
that both sides keep as a template. Prints JSON: µs by operator, and the counters that prove it.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

from workloads.step_run import change, counters, drain

BURST = 100  # calls between two drains: few enough for no queue to fill
BURSTS = 20
WIDTH = 64


def operators(device):
    """By name, a function of the left operand (n, WIDTH)."""
    b = torch.ones(WIDTH, WIDTH, device=device)
    w = torch.ones(WIDTH, device=device)
    return {"mul": lambda a: a * a, "addmm": lambda a: torch.addmm(w, a, b),
            "layer_norm": lambda a: F.layer_norm(a, (WIDTH,))}


def time_calls(function, inputs, device):
    """Host µs a call, drained at both ends outside of the time."""
    drain(device)
    begin = time.perf_counter()
    for x in inputs:
        function(x)
    us = (time.perf_counter() - begin) / len(inputs) * 1e6
    drain(device)
    return us


def measure_hit(function, device):
    inputs = [torch.ones(WIDTH, WIDTH, device=device)] * BURST
    return statistics.median(time_calls(function, inputs, device) for _ in range(BURSTS))


def measure_miss(function, device):
    inputs = [torch.ones(WIDTH + 1 + n, WIDTH, device=device) for n in range(BURST)]
    return time_calls(function, inputs, device)


def measure_replay(function, device):
    """The burst ends with an optimizer step, so it is a window of its own."""
    parameter = torch.ones(1, device=device, requires_grad=True)
    parameter.grad = torch.ones(1, device=device)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    inputs = [torch.ones(WIDTH, WIDTH, device=device)] * BURST
    times = []
    for _ in range(BURSTS):
        times.append(time_calls(function, inputs, device))
        optimizer.step()
    return statistics.median(times[5:])


def with_counters(measure, function, device):
    before = counters()
    us = measure(function, device)
    return {"us": us, **change(before, counters(), 1)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--replay", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kinds = {"replay": measure_replay} if arguments.replay else {"hit": measure_hit,
                                                                 "miss": measure_miss}
    with torch.no_grad():
        found = {name: {kind: with_counters(measure, function, arguments.device)
                        for kind, measure in kinds.items()}
                 for name, function in operators(arguments.device).items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
