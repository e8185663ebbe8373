"""What becomes of jobs and devices when something ends: one row a case.

    ./dev bench lifecycle [--case TEXT]... [--json]

Each case runs on a private local platform that is ended with everything it started. `--case` takes
part of a name. Exit code 1 when a case fails.
"""

import argparse
import json
import os
import signal
import sys
import time

from harness import plugin, table
from harness.private_platform import PrivatePlatform
from workloads.endings import CASES

CASE_S_MAX = 180


def _overdue(*_):
    raise TimeoutError(f"not done in {CASE_S_MAX} s")


def run_case(name, case):
    """Its row. Whatever goes wrong in a case is that case's result."""
    begin = time.monotonic()
    signal.alarm(CASE_S_MAX)
    try:
        with PrivatePlatform(threads=1, devices=2) as platform:
            verdict, detail = "ok", case(platform)
    except Exception as error:
        verdict, detail = "FAILED", f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    return {"case": name, "verdict": verdict, "seconds": round(time.monotonic() - begin, 1),
            "detail": detail}


def render(rows):
    cells = [[r["case"], r["verdict"], f"{r['seconds']:.1f}", " ".join(r["detail"].split())[:120]]
             for r in rows]
    return table.render(["case", "verdict", "seconds", "detail"], cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if problem := plugin.problem():
        sys.exit(f"lifecycle: {problem}")
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"  # of this process
    signal.signal(signal.SIGALRM, _overdue)
    rows = []
    for name, case in CASES.items():
        if not arguments.case or any(text in name for text in arguments.case):
            rows.append(run_case(name, case))
            print(f"{name}: {rows[-1]['verdict']}: {rows[-1]['detail']}", file=sys.stderr,
                  flush=True)
    print(json.dumps({"machine": table.machine(), "rows": rows}, indent=1) if arguments.json
          else f"{render(rows)}\n\n{table.machine()}")
    sys.exit(0 if rows and all(row["verdict"] == "ok" for row in rows) else 1)


if __name__ == "__main__":
    main()
