"""Scripts whose windows keep changing, through the platform ÷ plain torch on the same CPUs.

    ./dev bench dynamic [--case NAME]... [--rounds 5] [--threads N] [--json]

`generate-tiny`, `generate-50m`: Hugging Face `generate()` of 64 tokens with its cache, greedy, the
same tokens on both sides (needs transformers: `./dev compatibility` installs it). `shapes`: a
training step on each of 1,000 distinct lengths in random order, the loss read every time; p99 of
all but the first ten, and how much the resident memory of the front grew over the second half.
Runs are interleaved with a second one on stock torch, whose ratio to the first is the A/A spread.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import sys

from harness import plugin, side, table
from harness.memory import resident_kib
from harness.private_platform import PrivatePlatform

SHAPES = 1000
FIRST = 10  # steps of `shapes` that may be slow
GROWTH_MAX = 0.03
TARGETS = {"generate-tiny": 1.5, "generate-50m": 1.1, "shapes": 3.0}


def measure_generate(sides, case, rounds):
    for one in sides:
        one.ask(case=case)  # warm up
    samples = [[one.ask(case=case) for one in sides] for _ in range(rounds)]
    if any(len({tuple(answer["tokens"]) for answer in sample}) != 1 for sample in samples):
        raise RuntimeError(f"{case}: the sides generated different tokens")
    return [[sample[i]["seconds"] for sample in samples] for i in range(3)], {
        "parameters": samples[0][0]["parameters"]}


def p99(seconds):
    ordered = sorted(seconds[FIRST:])
    return ordered[int(0.99 * (len(ordered) - 1))]


def measure_shapes(sides, platform):
    answers = [one.ask(case="shapes", count=SHAPES) for one in sides]
    resident = answers[1]["resident_kib"]
    middle = resident[len(resident) // 2 - 1]
    growth = (resident[-1] - middle) / middle
    return [[p99(answer["seconds"])] for answer in answers], {
        "front_growth": growth, "front_kib": resident[-1],
        "worker_kib": resident_kib(platform.processes("moai-worker")),
        "p50_s": statistics.median(answers[1]["seconds"])}


def row_of(case, columns, more):
    """Medians of the rounds and what they come to."""
    stock, platform, again = columns
    found = {"case": case, "stock_s": statistics.median(stock),
             "platform_s": statistics.median(platform),
             "ratio": statistics.median(p / s for p, s in zip(platform, stock)),
             "a_a_min": min(a / s for a, s in zip(again, stock)),
             "a_a_max": max(a / s for a, s in zip(again, stock)), **more,
             "target": TARGETS[case]}
    found["met"] = found["ratio"] <= found["target"] and found.get("front_growth", 0) <= GROWTH_MAX
    return found


def notes_of(found):
    if "parameters" in found:
        return f"{found['parameters'] / 1e6:.1f} M parameters"
    return (f"front {found['front_kib'] / 1024:.0f} MiB, {100 * found['front_growth']:+.1f} % over "
            f"the second half; Worker {found['worker_kib'] / 1024:.0f} MiB")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=list(TARGETS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(arguments):
    stock = plugin.stock_environment()
    with contextlib.ExitStack() as stack:
        platform = stack.enter_context(PrivatePlatform(threads=arguments.threads))
        environments = (stock, platform.environment(MOAI_QUIET="1"), stock)
        sides = [stack.enter_context(side.Side("workloads.dynamic_run", device, environment,
                                               arguments.threads))
                 for device, environment in zip(("cpu", "cuda", "cpu"), environments)]
        for case in arguments.case:
            if case == "shapes":
                columns, more = measure_shapes(sides, platform)
            else:
                columns, more = measure_generate(sides, case, arguments.rounds)
            yield row_of(case, columns, more)


def main():
    arguments = parse_arguments()
    arguments.case = arguments.case or list(TARGETS)
    if problem := plugin.problem():
        sys.exit(f"dynamic: {problem}")
    if any(case.startswith("generate") for case in arguments.case) and \
            importlib.util.find_spec("transformers") is None:
        sys.exit("dynamic: generate() needs transformers; run ./dev compatibility once, or choose "
                 "--case shapes")
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"  # of this process
    found = list(measure(arguments))
    if arguments.json:
        print(json.dumps(found))
    else:
        print(table.render(
            ["case", "stock s", "platform s", "ratio", "A/A", "target", "verdict", "notes"],
            [[f["case"], f"{f['stock_s']:.4f}", f"{f['platform_s']:.4f}", f"{f['ratio']:.3f}",
              f"{f['a_a_min']:.2f}-{f['a_a_max']:.2f}", f"<= {f['target']}",
              "ok" if f["met"] else "MISSED", notes_of(f)] for f in found]))
        print(f"\n{table.machine()}; {arguments.threads} threads on both sides")
    return 0 if all(f["met"] for f in found) else 1


if __name__ == "__main__":
    sys.exit(main())
