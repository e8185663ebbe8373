"""A training script as a user writes it, for `moai plan` and for Workers that count.

    python predicted_run.py CASE [STEPS [ROUNDS]]

Trains for some steps, then ROUNDS times STEPS steps and prints a line of JSON for each: seconds a
step and the counters of the plug-in. A reset of the peak memory begins and ends each round.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import torch  # noqa: E402

from workloads import step_run  # noqa: E402


def main(case, steps=20, rounds=1):
    trained = step_run.Trained(case, "cuda", False)
    for _ in range(step_run.WARMUP_STEPS):
        trained.step()
    for _ in range(int(rounds)):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
        before, begin = step_run.counters(), time.perf_counter()
        for _ in range(int(steps)):
            trained.step()
        torch.cuda.synchronize()
        seconds = (time.perf_counter() - begin) / int(steps)
        counted = step_run.change(before, step_run.counters(), 1) if before else {}
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
        print(json.dumps({"step_s": seconds, **counted}), flush=True)
        if sys.stdin.readline() == "":
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
