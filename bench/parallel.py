"""Does a job on several devices compute what one device computes? Every case runs in processes of
its own, on one Worker and on several, each Worker with one thread.

    ./dev bench parallel [--case NAME]... [--devices 2,4,8] [--plan auto --plan dp=2,tp=2 …]
                         [--dtype float64] [--steps 20] [--pairwise | --full] [--results FILE]
                         [--json]

float64  losses within 1e-10 of one device, final parameters within 1e-8
float32  losses within 1e-5, or within 3 times what stock torch differs between one thread and two

Parameters whose gradient is analytically zero are exempt: an optimizer turns their rounding errors
into steps. With --pairwise a set of rows runs in which each two of case, devices, pipeline stages
and their schedule, micro-batches, tensor-parallel degree, split context, shared optimizer,
recomputation and type stand together. With --full every combination of stages, data and tensor
parallel, split context, shared optimizer and, where no context is split, recomputation that makes
up the devices, and the automatic choice: 4,660 rows on 2, 3, 4 and 8 devices.
With --results rows are kept in FILE, and those that are there already are not run again.
Exit code 1 when a row fails.
"""

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import parity
from harness import pairwise, plugin, table
from harness.private_platform import PrivatePlatform

HERE = os.path.dirname(os.path.abspath(__file__))
RUN_S_MAX = 300
REFUSED = " not right and "  # a plan of ours, in whose place another one is used
FLAVORS = {1: "Small.64GB", 2: "Medium.128GB", 4: "Large.256GB", 8: "xLarge.512GB"}
LOSS_ERROR_MAX = {"float64": 1e-10, "float32": 1e-5}
THREADS_FACTOR = 3
PLAN_KEYS = ("pp", "tp", "cp", "zero", "microbatches", "recompute", "schedule")
# Left out where they are these.
DEFAULTS = {"pp": 1, "cp": 1, "microbatches": 1, "recompute": "none", "schedule": "1f1b"}


def flavor(devices):
    return FLAVORS.get(devices, f"Devices{devices}")


def write_flavors(path, counts):
    """Those of any number of devices; one, beside which all are compared, among them."""
    path.write_text("".join(f"{n} {flavor(n)} {n} 65520\n" for n in sorted({1, *counts})))


class Runner:
    """Runs cases; what one device and stock torch compute is kept."""

    def __init__(self, platform, steps):
        self.platform, self.steps, self.known = platform, steps, {}

    def plan(self):
        """What is told of the last job's plan."""
        done = subprocess.run([plugin.program("moai"), "explain", "--json"], text=True,
                              env=self.platform.environment(), capture_output=True, timeout=60)
        plan = json.loads(done.stdout)["plan"] if done.returncode == 0 else None
        return plan or {"changes": 0}

    def devices(self, case, dtype, devices, plan):
        settings = {"MOAI_QUIET": "1", "MOAI_FLAVOR": flavor(devices)}
        if plan != "auto":
            settings["MOAI_PLAN"] = plan
        return self._run(case, dtype, "cuda", 1, self.platform.environment(**settings))

    def in_turn(self, case, dtype, devices, plans):
        """The case under one plan after the other, by one job."""
        parts = [f"{i * self.steps}:{plan}" if i else plan for i, plan in enumerate(plans)]
        environment = self.platform.environment(
            MOAI_QUIET="1", MOAI_FLAVOR=flavor(devices), MOAI_PLAN=";".join(parts))
        found = self._run(case, dtype, "cuda", 1, environment, len(plans))
        last, begun = self.plan(), (len(plans) - 1) * self.steps
        if (last["changes"], last["since_step"]) != (len(plans) - 1, begun):
            raise RuntimeError(f"of {len(plans)} plans {last['changes'] + 1} were taken up, the "
                               f"last one at step {last['since_step']} in place of {begun}")
        return found

    def one(self, case, dtype):
        return self._once(("one", case, dtype), lambda: self.devices(case, dtype, 1, "auto"))

    def stock(self, case, dtype, threads):
        return self._once(("stock", case, dtype, threads), lambda: self._run(
            case, dtype, "cpu", threads, plugin.stock_environment()))

    def _once(self, key, make):
        if key not in self.known:
            self.known[key] = make()
        return self.known[key]

    def _run(self, case, dtype, device, threads, environment, times=None):
        often = ["--times", str(times)] if times else []
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            done = subprocess.run(
                [sys.executable, "-m", "workloads.parity_run", case, "--device", device, "--dtype",
                 dtype, "--steps", str(self.steps), "--threads", str(threads), "--out", out.name,
                 *often],
                cwd=HERE, env=environment, text=True, capture_output=True,
                timeout=RUN_S_MAX * (times or 1))
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no output"])[-1]
                raise RuntimeError(f"on {device}: exit code {done.returncode}: {last}")
            if REFUSED in done.stderr:
                raise RuntimeError(done.stderr[done.stderr.index("[error]"):].strip())
            return json.load(out)


def loss_error(reference, other):
    flat = [[value for step in result["losses"] for value in step] for result in (reference, other)]
    return parity.error_of(*flat)


def check(run, case, dtype, other):
    reference = run.one(case, dtype)
    error, limit = loss_error(reference, other), LOSS_ERROR_MAX[dtype]
    if dtype == "float32" and error > limit:
        threads = loss_error(run.stock(case, dtype, 1), run.stock(case, dtype, 2))
        limit = max(limit, THREADS_FACTOR * threads)
    exempt = parity.zero_gradient_elements(reference)
    parameters = parity.parameter_error(reference, other, exempt)
    good = error <= limit and (dtype == "float32" or parameters <= parity.PARAMETER_ERROR_MAX)
    return good, {"loss_error": error, "parameter_error": parameters, "limit": limit}


def row(run, case, dtype, devices, plan):
    begun = time.monotonic()
    try:
        other = run.devices(case, dtype, devices, plan)
        changes, detail = run.plan()["changes"], ""
        good, errors = check(run, case, dtype, other)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        good, changes, errors, detail = False, 0, {}, str(error)[:300]
    return as_row((case, dtype, devices, plan), good, errors, changes, detail, begun)


def rows_in_turn(run, cases):
    """Of cases that differ in their plan alone: one job for all; where that fails, one for each."""
    case, dtype, devices, _ = cases[0]
    begun = time.monotonic()
    try:
        found = run.in_turn(case, dtype, devices, [plan for *_, plan in cases])
        checked = [check(run, case, dtype, other) for other in found]
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"in turn: {str(error)[:300]}", file=sys.stderr, flush=True)
        yield from (row(run, *c) for c in cases)
        return
    share = begun + (time.monotonic() - begun) * (1 - 1 / len(cases))
    for c, (good, errors) in zip(cases, checked, strict=True):
        yield as_row(c, good, errors, 0, "", share) if good else row(run, *c)


def as_row(which, good, errors, changes, detail, begun):
    case, dtype, devices, plan = which
    return {"case": case.removeprefix("parallel-"), "dtype": dtype, "devices": devices,
            "plan": plan, "verdict": "ok" if good else "FAILED",
            **{name: f"{value:.1e}" for name, value in errors.items()}, "changes": changes,
            "detail": detail,
            "seconds": round(time.monotonic() - begun, 1)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help="only this case; repeatable")
    parser.add_argument("--devices", default="2,4", help="numbers of devices")
    parser.add_argument("--plan", action="append", help="auto, or forced degrees; repeatable")
    parser.add_argument("--dtype", action="append", choices=tuple(LOSS_ERROR_MAX))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--pairwise", action="store_true", help="a covering set")
    parser.add_argument("--full", action="store_true", help="every plan; give --results")
    parser.add_argument("--results", type=pathlib.Path, help="rows so far, one JSON a line")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def wanted(arguments):
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"  # of this process: it only compares
    from workloads import parallel_cases

    names = [case.name for case in parallel_cases.CASES]
    chosen = [f"parallel-{name}" for name in arguments.case or []] or names
    if unknown := set(chosen) - set(names):
        sys.exit(f"parallel: no case {', '.join(sorted(unknown))}; there are " +
                 ", ".join(name.removeprefix("parallel-") for name in names))
    counts = list(map(int, arguments.devices.split(",")))
    if arguments.pairwise:
        yield from pairs(chosen, counts)
        return
    types = tuple(LOSS_ERROR_MAX) if arguments.full else ("float64",)
    for devices in counts:
        plans = list(every_plan(devices)) if arguments.full else arguments.plan or ["auto"]
        yield from ((case, dtype, devices, plan)
                    for case in chosen for dtype in arguments.dtype or types for plan in plans)


def text(plan):
    return ",".join(f"{key}={plan[key]}" for key in PLAN_KEYS if plan[key] != DEFAULTS.get(key))


def every_plan(devices):
    """Stages have as many micro-batches, else they would wait for each other. What is made again
    is the same under a split context."""
    counts = [n for n in range(1, devices + 1) if devices % n == 0]
    for pp, tp, cp, zero, recompute in itertools.product(counts, counts, counts, range(4),
                                                         ("none", "selective", "full")):
        dp = devices // (pp * tp * cp)
        again = recompute == "none" or cp == 1
        if again and dp * pp * tp * cp == devices and (dp * cp > 1 or zero == 0):
            yield text({"pp": pp, "tp": tp, "cp": cp, "zero": zero, "microbatches": pp,
                        "recompute": recompute, "schedule": "1f1b"})
    yield "auto"


def pairs(cases, counts):
    parameters = {"case": cases, "devices": counts, "pp": (1, 2, 4), "tp": (1, 2, 4), "cp": (1, 2),
                  "zero": (0, 1, 2, 3), "microbatches": (1, 2, 3),
                  "recompute": ("none", "selective", "full"),
                  "schedule": ("1f1b", "interleaved:2", "zb"), "dtype": tuple(LOSS_ERROR_MAX)}

    def allowed(row):
        others = row["tp"] * row["pp"] * row["cp"]
        dp = row["devices"] // others
        stages = row["pp"] > 1 or row["schedule"] == "1f1b"
        shares = dp * row["cp"] > 1 or row["zero"] == 0
        return stages and shares and dp * others == row["devices"]

    for row in pairwise.covering(parameters, allowed):
        yield row["case"], row["dtype"], row["devices"], text(row)


def known_rows(path):
    if not path or not path.exists():
        return {}
    rows = map(json.loads, path.read_text().splitlines())
    return {(f"parallel-{r['case']}", r["dtype"], r["devices"], r["plan"]): r for r in rows}


def measured(run, cases, in_turn):
    for (*_, is_auto), group in itertools.groupby(cases, lambda c: (*c[:3], c[3] == "auto")):
        group = list(group)
        if is_auto or not in_turn or len(group) == 1:
            yield from (row(run, *case) for case in group)
        else:
            yield from rows_in_turn(run, group)


def main():
    arguments = parse_arguments()
    cases = list(wanted(arguments))
    if problem := plugin.problem():
        sys.exit(f"parallel: {problem}")
    known, found = known_rows(arguments.results), []
    counts = {devices for _, _, devices, _ in cases}
    with (tempfile.TemporaryDirectory() as folder,
          PrivatePlatform(threads=1, devices=max(counts),
                          MOAI_LOCAL_FLAVORS=f"{folder}/flavors") as platform):
        write_flavors(pathlib.Path(folder, "flavors"), counts)
        run = Runner(platform, arguments.steps)
        kept, begun = sum(case in known for case in cases), time.monotonic()
        found += [known[case] for case in cases if case in known]
        for made in measured(run, [c for c in cases if c not in known], arguments.full):
            found.append(made)
            if arguments.results:
                with arguments.results.open("a") as file:
                    print(json.dumps(made), file=file)
            left = (len(cases) - len(found)) * (time.monotonic() - begun) / (len(found) - kept)
            print(*list(made.values())[:6], f"{len(found)} of {len(cases)}",
                  f"{left / 60:.0f} min left", sep="  ", file=sys.stderr, flush=True)
    failed = [r for r in found if r["verdict"] != "ok"]
    if arguments.json:
        print(json.dumps({"machine": table.machine(), "steps": arguments.steps, "rows": found},
                         indent=1))
    else:
        columns = max(found, key=len)
        print(table.render(list(columns), [[r.get(c, "-") for c in columns] for r in found]))
        print(f"\n{len(found) - len(failed)} of {len(found)} rows ok; {arguments.steps} steps; "
              f"{table.machine()}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
