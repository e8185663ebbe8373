"""How long a lease takes to get, and a device to be free again.

    ./dev bench lease [--rounds 5] [--kills 20] [--json]

cold lease      first operator → first result, with the platform running and with none (≤ 1.5 s)
killed script   SIGKILL → the next in the queue is granted its device (≤ 1 s), on a platform with
                one device; every other script has two forked DataLoader workers alive
grant, release  over gRPC, durable, without a Worker's start (moai-bench-lease, where it is built):
                at most 2 commits, p50 ≤ 2 × the measured fsync + 2 ms, p99 ≤ 20 ms

Exit code 1 when a target is missed.
"""

import argparse
import contextlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time

from harness import plugin, table
from harness.private_platform import PrivatePlatform
from harness.script import Script

COLD_S_MAX = 1.5
GRANTABLE_S_MAX = 1.0
GRANTED_LINE = "Initializing the worker daemon"
COMMITS_MAX = 2
P99_S_MAX = 0.02
PROGRAM_S_MAX = 300


def cold_lease_s(platform):
    """Of one new process: seconds from its first operator to the result."""
    with Script("first_result.py", environment=platform.environment()) as script:
        _, match = script.await_line(r"result (\S+) (\S+)")
        script.await_end()
    return float(match[2]) - float(match[1])


def measure_cold(rounds):
    """Rows: with the platform running, with none."""
    with PrivatePlatform() as platform:
        cold_lease_s(platform)  # files into the page cache, and the platform up
        running = [cold_lease_s(platform) for _ in range(rounds)]
    stopped = []
    for _ in range(rounds):
        with PrivatePlatform() as platform:
            stopped.append(cold_lease_s(platform))
    yield row("cold lease, platform running", running, COLD_S_MAX)
    yield row("cold lease, platform down", stopped, COLD_S_MAX)


def measure_kills(kills):
    """Chain of scripts on one device: each kill lets the next in."""
    granted, result = [], []
    with PrivatePlatform(devices=1) as platform:
        with contextlib.ExitStack() as started:
            holder = started.enter_context(_start(platform, 0))
            holder.await_line("^ready ")
            for i in range(kills):
                waiting = started.enter_context(_start(platform, 2 * (i % 2)))
                waiting.await_line("will resume automatically")
                killed = _now_after_kill(holder)
                granted.append(waiting.await_line(GRANTED_LINE)[0] - killed)
                result.append(waiting.await_line("^ready ")[0] - killed)
                holder = waiting
    yield row("killed script, granted again", granted, GRANTABLE_S_MAX)
    yield row("killed script, first result of the next", result, None)


def _start(platform, workers):
    return Script("hold.py", "--workers", workers, environment=platform.environment())


def _now_after_kill(script):
    now = time.monotonic()
    script.kill()
    return now


def measure_grants():
    """Rows of what moai-bench-lease measured; none is not built."""
    path = plugin.program("moai-bench-lease")
    if path is None:
        print("grant and release over gRPC: moai-bench-lease is not built", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="moai-") as folder:
        done = subprocess.run([path, "--directory", folder], text=True, stdout=subprocess.PIPE,
                              timeout=PROGRAM_S_MAX, check=True)
    yield from grant_rows(json.loads(done.stdout))


def grant_rows(found):
    limit = 2 * statistics.median(found["fsync_s"]) + 0.002
    yield row("fsync of the same disk", found["fsync_s"], None)
    yield row("grant and release, p50", found["lease_s"], limit, of="median")
    yield row("grant and release, p99", found["lease_s"], P99_S_MAX, of="p99")
    yield row("commits a grant and release", [found["commits"] / found["rounds"]], COMMITS_MAX,
              unit="")


def row(name, samples, limit, of="max", unit="s"):
    """`of`: which of the figures must keep within the limit."""
    ordered = sorted(samples)
    figures = {"median": statistics.median(samples), "max": ordered[-1],
               "p99": ordered[math.ceil(0.99 * len(ordered)) - 1]}
    return {"measure": name, "unit": unit, "count": len(samples), **figures, "target": limit,
            "target_of": of, "met": limit is None or figures[of] <= limit, "samples": samples}


def render(rows):
    cells = [[r["measure"], r["count"], *(_figure(r[of], r) for of in ("median", "p99", "max")),
              "-" if r["target"] is None else f"{r['target_of']} <= {_figure(r['target'], r)}",
              "ok" if r["met"] else "MISSED"] for r in rows]
    return table.render(["measure", "n", "median", "p99", "max", "target", "verdict"], cells)


def _figure(value, found):
    return f"{value:.4f} {found['unit']}".rstrip()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if problem := plugin.problem():
        sys.exit(f"lease: {problem}")
    rows = []
    for measure in (lambda: measure_cold(arguments.rounds), lambda: measure_kills(arguments.kills),
                    measure_grants):
        for found in measure():
            rows.append(found)
            print(f"{found['measure']}: {_figure(found['median'], found)}", file=sys.stderr,
                  flush=True)
    if arguments.json:
        print(json.dumps({"machine": table.machine(), "rows": rows}, indent=1))
    else:
        print(f"{render(rows)}\n\n{table.machine()}")
    sys.exit(0 if all(found["met"] for found in rows) else 1)


if __name__ == "__main__":
    main()
