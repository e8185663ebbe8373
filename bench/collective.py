"""What a sum over the ranks of a job costs, beside Gloo of torch.distributed.

    ./dev bench collective [--rounds 5] [--json]

Two ranks, each a process; a sum of f32 of 4 KiB (microseconds) and of 64 MiB (GB/s on the bus).
Rounds of both sides take turns on the same CPUs, one thread a rank; medians over the rounds.

Exit code 1 when ours takes longer than Gloo over shared memory or Unix sockets, or more than 1.25
times as long over TCP, the only transport that both have: there the kernel is most of it.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

from harness import table

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build" / "release" / "bin" / "collective_bench"
SIZES = {4 << 10: 1000, 64 << 20: 10}
RUN_S_MAX = 300
# Ours, and how much of Gloo's time each may take.
KINDS = {"shared_memory": 1.0, "unix": 1.0, "tcp": 1.25}

GLOO_RANK = """
import os, statistics, sys, time
import torch, torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]),
                        world_size=2)
for size, times in {sizes!r}.items():
    data, us = torch.zeros(size // 4), []
    for i in range(-times // 5, times):
        dist.barrier()
        begin = time.perf_counter()
        dist.all_reduce(data)
        if i >= 0:
            us.append((time.perf_counter() - begin) * 1e6)
    if dist.get_rank() == 0:
        print(size, "bytes", statistics.median(us), "us", flush=True)
dist.destroy_process_group()
"""


def figures(output):
    """Bytes → microseconds, of the lines of either program."""
    return {int(size): float(us)
            for size, us in re.findall(r"(\d+) bytes\s+([\d.]+) us", output)}


def ours(kind):
    result = subprocess.run([PROGRAM, kind, "2"], capture_output=True, text=True, check=True,
                            timeout=RUN_S_MAX)
    return figures(result.stdout)


def gloo(store):
    store.unlink(missing_ok=True)
    environment = os.environ | {"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}
    ranks = [subprocess.Popen([sys.executable, "-c", GLOO_RANK.format(sizes=SIZES), store, str(r)],
                              stdout=subprocess.PIPE, text=True, env=environment)
             for r in range(2)]
    outputs = [rank.communicate(timeout=RUN_S_MAX)[0] for rank in ranks]
    return figures(outputs[0])


def measure(rounds, store):
    """Side → bytes → the figures of all rounds."""
    all_rounds = {side: {size: [] for size in SIZES} for side in (*KINDS, "gloo")}
    for _ in range(rounds):
        for side, runs in all_rounds.items():
            found = gloo(store) if side == "gloo" else ours(side)
            for size in SIZES:
                runs[size].append(found[size])
    return {side: {size: statistics.median(us) for size, us in runs.items()}
            for side, runs in all_rounds.items()}


def rows(medians):
    small, large = SIZES
    for side, us in medians.items():
        yield {"side": side, "us_4_kib": round(us[small], 1),
               "gb_per_s_64_mib": round(large / us[large] / 1e3, 2),
               "met": all(us[size] <= KINDS.get(side, 1.0) * medians["gloo"][size]
                          for size in SIZES)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not PROGRAM.exists():
        sys.exit("no collective_bench: ./dev build")
    store = ROOT / "build" / f"gloo-{os.getpid()}"
    try:
        found = list(rows(measure(options.rounds, store)))
    finally:
        store.unlink(missing_ok=True)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print(table.machine())
        print(table.render(list(found[0]), [list(row.values()) for row in found]))
    return 0 if all(row["met"] for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
