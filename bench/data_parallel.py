"""Throughput of data parallel on several Workers ÷ torch's DistributedDataParallel (Gloo), on the
same CPUs with the same number of threads and the same global batch.

    ./dev bench data_parallel [--case NAME]... [--devices 2] [--rounds 5] [--json]

The platform side is one unmodified script on an accelerator of several devices: script, daemons and
Workers share the CPUs; each Worker has one thread. The DDP side is one process a rank with one
thread. Interleaved: DDP, platform, DDP again (its ratio to the first is the A/A spread); medians of
the rounds. Exit code 1 when the platform is slower.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys

import parallel
from harness import plugin, table
from harness.private_platform import PrivatePlatform
from harness.side import Side

CASES = ("gpt-20ms", "cnn-20ms", "gpt", "cnn")
DEMANDED = ("gpt-20ms", "cnn-20ms")
STEPS = {"gpt-20ms": 10, "cnn-20ms": 20, "gpt": 100, "cnn": 100}
READS = {"never": 0, "every": 1}


def measure_case(sides, case, read, rounds):
    asked = {"case": case, "steps": STEPS[case], "read": READS[read]}
    samples = [[side.ask(**asked)["step_s"] for side in sides] for _ in range(rounds)]
    ratios = [ddp / ours for ddp, ours, _ in samples]
    spread = [again / ddp for ddp, _, again in samples]
    return {"case": case, "read": read,
            "ddp_ms": statistics.median(s[0] for s in samples) * 1e3,
            "platform_ms": statistics.median(s[1] for s in samples) * 1e3,
            "throughput_ratio": statistics.median(ratios),
            "a_a_min": min(spread), "a_a_max": max(spread)}


def verdict(row):
    if row["case"] not in DEMANDED:
        return "-"
    return "ok" if row["throughput_ratio"] >= 1 else "MISSED"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="repeatable")
    parser.add_argument("--devices", type=int, default=2, choices=sorted(parallel.FLAVORS)[1:])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"  # of this process
    if problem := plugin.problem():
        sys.exit(f"data_parallel: {problem}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.devices])
    found = []
    with contextlib.ExitStack() as stack:
        platform = stack.enter_context(PrivatePlatform(
            threads=1, devices=arguments.devices))
        ours = platform.environment(MOAI_QUIET="1", MOAI_FLAVOR=parallel.FLAVORS[arguments.devices])
        ddp = plugin.stock_environment(RANKS=str(arguments.devices))
        sides = [stack.enter_context(Side(module, device, environment, 1))
                 for module, device, environment in (("workloads.ddp_run", "cpu", ddp),
                                                     ("workloads.step_run", "cuda", ours),
                                                     ("workloads.ddp_run", "cpu", ddp))]
        for case in arguments.case or CASES:
            for read in READS:
                row = measure_case(sides, case, read, arguments.rounds)
                found.append(row | {"verdict": verdict(row)})
                print(f"{case}, read {read}: {row['throughput_ratio']:.3f}", file=sys.stderr,
                      flush=True)
    if arguments.json:
        print(json.dumps({"machine": table.machine(), "rows": found}, indent=1))
    else:
        rows = [[r["case"], r["read"], f"{r['ddp_ms']:.2f}", f"{r['platform_ms']:.2f}",
                 f"{r['throughput_ratio']:.3f}", f"{r['a_a_min']:.2f}-{r['a_a_max']:.2f}",
                 r["verdict"]] for r in found]
        print(table.render(["case", "loss read", "DDP ms", "platform ms", "ours ÷ DDP", "A/A",
                            ">= 1.0"], rows))
        print(f"\n{arguments.devices} devices, one thread each; {table.machine()}")
    sys.exit(1 if any(r["verdict"] == "MISSED" for r in found) else 0)


if __name__ == "__main__":
    main()
