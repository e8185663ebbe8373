"""Half an hour of one script that varies its shapes, evaluates, saves, fails and goes on.

    ./dev bench soak [--minutes 30] [--threads N] [--json]

Resident memory of front and Worker, told as it goes; over the last two thirds it may grow by 3 % at
most (a line is fitted, so that one sample decides nothing).
"""

import argparse
import json
import os
import subprocess
import sys

from harness import plugin, table
from harness.memory import resident_kib
from harness.private_platform import PrivatePlatform

GROWTH_MAX = 0.03
HERE = os.path.dirname(os.path.abspath(__file__))


def growth(samples):
    """Relative rise of a line of least squares through (time, KiB) over its span."""
    n = len(samples)
    mean_t, mean_v = (sum(s[i] for s in samples) / n for i in (0, 1))
    slope = sum((t - mean_t) * (v - mean_v) for t, v in samples) / \
        sum((t - mean_t) ** 2 for t, _ in samples)
    return slope * (samples[-1][0] - samples[0][0]) / mean_v


def run(platform, arguments):
    """The lines of the script, each with the Worker's memory at that time."""
    seconds = arguments.minutes * 60
    script = subprocess.Popen(
        [sys.executable, "-m", "workloads.soak_run", "--seconds", str(seconds)], cwd=HERE,
        text=True, stdout=subprocess.PIPE,
        env=platform.environment(MOAI_QUIET="1", OMP_NUM_THREADS=str(arguments.threads)))
    with script:
        for text in script.stdout:
            line = json.loads(text)
            line["worker_kib"] = resident_kib(platform.processes("moai-worker"))
            print(f"[soak] {line['seconds'] / 60:.1f} of {arguments.minutes:g} min: "
                  f"{line['steps']} steps, loss {line['loss']:.3f}, {line['errors']} errors "
                  f"survived, front {line['resident_kib'] / 1024:.1f} MiB, Worker "
                  f"{line['worker_kib'] / 1024:.1f} MiB", file=sys.stderr, flush=True)
            yield line
    if script.returncode:
        raise RuntimeError(f"the script ended with {script.returncode}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if problem := plugin.problem():
        sys.exit(f"soak: {problem}")
    with PrivatePlatform(threads=arguments.threads) as platform:
        lines = list(run(platform, arguments))
    late = [line for line in lines if line["seconds"] >= arguments.minutes * 60 / 3]
    found = {"steps": lines[-1]["steps"], "errors_survived": lines[-1]["errors"],
             **{f"{side}_growth": growth([(line["seconds"], line[name]) for line in late])
                for side, name in (("front", "resident_kib"), ("worker", "worker_kib"))}}
    found["met"] = max(found["front_growth"], found["worker_growth"]) <= GROWTH_MAX
    if arguments.json:
        print(json.dumps({**found, "lines": lines}))
    else:
        print(f"{found['steps']} steps, {found['errors_survived']} errors survived; growth over "
              f"the last two thirds: front {100 * found['front_growth']:+.2f} %, Worker "
              f"{100 * found['worker_growth']:+.2f} % (at most {100 * GROWTH_MAX:g} %): "
              f"{'ok' if found['met'] else 'MISSED'}\n{table.machine()}")
    return 0 if found["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
