"""Is the platform's arithmetic torch's? Every case runs in a process of its own on stock CPU torch
and on a private local platform with the same number of threads.

    ./dev bench parity [--case NAME]... [--steps 50] [--threads N] [--json]

bits    losses and final parameters are bit-identical to stock torch
close   float64: losses within 1e-10, final parameters within 1e-8; float32: losses of the first
        5 steps within 1e-5. Parameters whose gradient is analytically zero are listed and exempt:
        an optimizer turns their rounding errors into steps.
repeat  the same seed gives the same bits: streamed in batches of 1 and 512, templates on and off
draws   moments and ranges of every drawing operator, and the same bits again

Exit code 1 when a row fails.
"""

import argparse
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile

from harness import plugin, table
from harness.private_platform import PrivatePlatform

HERE = os.path.dirname(os.path.abspath(__file__))
RUN_S_MAX = 300
CLOSE_STEPS_FLOAT32 = 5
LOSS_ERROR_MAX = {"float64": 1e-10, "float32": 1e-5}
PARAMETER_ERROR_MAX = 1e-8
ZERO_GRADIENT = 1e-12  # of the largest gradient, in float64
WAYS = [{}, {}, {"MOAI_FLUSH_NODES": "1"}, {"MOAI_FLUSH_NODES": "512"}, {"MOAI_TEMPLATES": "0"},
        {"MOAI_TEMPLATES": "1"}]


class Runner:
    """Runs cases; `stock` on CPU torch, `platform` through the plug-in."""

    def __init__(self, platform, device, steps, threads):
        self.private, self.device = platform, device
        self.steps, self.threads = steps, threads

    def stock(self, case, dtype="float32", steps=None):
        return self._run(case, "cpu", plugin.stock_environment(), dtype, steps)

    def platform(self, case, dtype="float32", steps=None, **settings):
        if self.device == "cpu":
            return self._run(case, "cpu", plugin.stock_environment(**settings), dtype, steps)
        environment = self.private.environment(MOAI_QUIET="1", MOAI_DEVICE=self.device, **settings)
        return self._run(case, self.device, environment, dtype, steps)

    def _run(self, case, device, environment, dtype, steps):
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            done = subprocess.run(
                [sys.executable, "-m", "workloads.parity_run", case, "--device", device, "--dtype",
                 dtype, "--steps", str(steps or self.steps), "--threads", str(self.threads),
                 "--out", out.name], cwd=HERE, env=environment, text=True, capture_output=True,
                timeout=RUN_S_MAX)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no output"])[-1]
                raise RuntimeError(f"on {device}: exit code {done.returncode}: {last}")
            return json.load(out)


def first_difference(reference, other):
    """Where two results differ, in words; None when they are bit-identical."""
    for i, (expected, found) in enumerate(zip(reference["losses"], other["losses"], strict=True)):
        if not _same(expected, found):
            return f"loss of step {i + 1}: {found} instead of {expected}"
    names = [n for n, digest in reference["hashes"].items() if other["hashes"].get(n) != digest]
    return f"final {', '.join(names)} differ" if names else None


def _same(expected, found):
    return [value.hex() for value in expected] == [value.hex() for value in found]


def error_of(expected, found):
    """Largest error, relative above magnitude 1; infinite where either is not finite."""
    worst = 0.0
    for a, b in zip(expected, found, strict=True):
        error = abs(a - b) / max(1.0, abs(a))
        worst = max(worst, error) if math.isfinite(error) else math.inf
    return worst


def _loss_error(reference, other):
    flat = [[value for step in result["losses"] for value in step] for result in (reference, other)]
    return error_of(*flat)


def zero_gradient_elements(result):
    """By parameter, the elements whose gradient is nothing but rounding errors."""
    gradients = result["gradients"]
    limit = ZERO_GRADIENT * max(max(values) for values in gradients.values())
    found = {name: {i for i, g in enumerate(values) if 0 < g <= limit}
             for name, values in gradients.items()}
    return {name: elements for name, elements in found.items() if elements}


def parameter_error(reference, other, exempt):
    worst = 0.0
    for name, values in reference["values"].items():
        kept = [i for i in range(len(values)) if i not in exempt.get(name, ())]
        found = other["values"][name]
        worst = max(worst, error_of([values[i] for i in kept], [found[i] for i in kept]))
    return worst


def check_bits(run, case):
    difference = first_difference(run.stock(case), run.platform(case))
    return difference is None, difference or f"bit-identical over {run.steps} steps"


def check_close(run, case):
    reference, other = run.stock(case, "float64"), run.platform(case, "float64")
    loss64, exempt = _loss_error(reference, other), zero_gradient_elements(reference)
    parameters = parameter_error(reference, other, exempt)
    loss32 = _loss_error(*(side(case, "float32", CLOSE_STEPS_FLOAT32)
                           for side in (run.stock, run.platform)))
    good = (loss64 <= LOSS_ERROR_MAX["float64"] and loss32 <= LOSS_ERROR_MAX["float32"] and
            parameters <= PARAMETER_ERROR_MAX)
    detail = f"float64 loss {loss64:.1e}, parameters {parameters:.1e}; float32 loss {loss32:.1e}"
    listed = [f"{name} ({len(elements)} of {len(reference['values'][name])})"
              for name, elements in exempt.items()]
    return good, detail + (f"; zero gradient: {', '.join(listed)}" if listed else "")


def check_repeat(run, case):
    reference = run.platform(case)
    for settings in WAYS[1:]:
        if difference := first_difference(reference, run.platform(case, **settings)):
            return False, f"with {settings or 'the same settings'}: {difference}"
    return True, f"the same bits in {len(WAYS)} runs: batches of 1 and 512, templates off and on"


def draw_rows(run):
    """A row a drawing operator, all from one process a way of sending."""
    os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")
    from workloads import draws

    results = [run.platform("draws", **settings) for settings in WAYS[1:]]
    for draw in draws.DRAWS:
        measured = results[0][draw.name]
        faults = draws.faults(draw, measured)
        if len({result[draw.name]["hash"] for result in results}) > 1:
            faults.append("the bits depend on how it was sent")
        detail = f"mean {measured['mean']:.4g}, variance {measured['variance']:.4g}"
        yield row(draw.name, "draws", not faults, "; ".join(faults) or detail)


def row(case, rule, good, detail):
    return {"case": case, "rule": rule, "verdict": "ok" if good else "FAILED", "detail": detail}


def case_row(run, case):
    check = {"bits": check_bits, "close": check_close, "repeat": check_repeat}[case.rule]
    try:
        return row(case.name, case.rule, *check(run, case.name))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return row(case.name, case.rule, False, str(error)[:300])


def rows(run, names):
    from workloads import cases

    for case in cases.CASES:
        if not names or case.name in names:
            yield case_row(run, case)
    if not names or "draws" in names:
        try:
            yield from draw_rows(run)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            yield row("draws", "draws", False, str(error)[:300])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help="only this case, or draws; repeatable")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count()))
    parser.add_argument("--device", default="cuda", choices=("cuda", "moai", "cpu"),
                        help="what torch shall call the device; cpu compares stock torch with "
                        "itself, to test the comparison")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def report(found, arguments):
    failed = [r for r in found if r["verdict"] != "ok"]
    if arguments.json:
        print(json.dumps({"machine": table.machine(), "threads": arguments.threads,
                          "steps": arguments.steps, "rows": found}, indent=1))
    else:
        print(table.render(list(found[0]), [list(r.values()) for r in found]))
        print(f"\n{len(found) - len(failed)} of {len(found)} rows ok; {arguments.steps} steps, "
              f"{arguments.threads} threads on both sides; {table.machine()}")
    return 1 if failed else 0


def main():
    arguments = parse_arguments()
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"  # of this process: it only compares
    if arguments.device != "cpu" and (problem := plugin.problem()):
        sys.exit(f"parity: {problem}")
    found = []
    with contextlib.ExitStack() as stack:
        platform = None
        if arguments.device != "cpu":
            platform = stack.enter_context(PrivatePlatform(threads=arguments.threads))
        run = Runner(platform, arguments.device, arguments.steps, arguments.threads)
        for found_row in rows(run, arguments.case):
            found.append(found_row)
            print(f"{found_row['case']}: {found_row['verdict']}", file=sys.stderr, flush=True)
    if not found:
        sys.exit("parity: no such case")
    sys.exit(report(found, arguments))


if __name__ == "__main__":
    main()
