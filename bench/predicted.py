"""What the planner predicts of a step beside what two real Workers count and take.

    ./dev bench predicted [--case NAME]... [--rounds 9] [--keep FOLDER] [--json]

Plans each case's unmodified script with `moai plan` and runs it on two Workers of one thread with
the same plan. Counted, by the Workers themselves
(MOAI_WORKER_COUNTS): collectives, bytes that they left, FLOPs of the calls that ran, peak memory;
by the plug-in: round trips, of which a step whose loss nobody reads has none. These must be equal,
memory predicted at most 5 % too high and never too low. Seconds of a step must be predicted within
15 %, or within twice the spread of A/A, the same job again beside it; rounds of both take turns.
Each round begins with a calibration of the machine, by which its steps are predicted: virtual
machines are not as fast in each minute. The middle error of the rounds counts. What the script and
others use of the processors, which are the Workers' own in the prediction, stands in the table;
where it is more than a tenth of one, the CPU time of a Worker stands for its step in place of the
wall clock. The error of both is shown.

With --keep the descriptions of the machine (machine.0.toml, …) and what the Workers counted in the
last round stay in FOLDER: `compiler_virtual taken FILE machine.4.toml` puts each call's seconds
beside the predicted ones.

Exit code 1 where one is missed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import parallel
from harness import plugin, table
from harness.plugin import ROOT
from harness.private_platform import PrivatePlatform

CASES = {"gpt-20ms": ("dp=2,zero=0", "tp=2,sp=0", "dp=2,zero=1", "dp=2,zero=3"),
         "cnn-20ms": ("dp=2,zero=0",)}
DEVICES, STEPS = 2, 10
SECONDS_MAX, SPREADS_MAX, MEMORY_MAX = 0.15, 2, 1.05
SCRIPT = ROOT / "bench/workloads/predicted_run.py"
RUN_S_MAX = 600
# So much of the processors may go to others while steps are timed by the wall clock, in CPUs.
OTHERS_MAX = 0.1


class Job:
    """The script on two Workers of a platform of its own, a round when it is asked."""

    def __init__(self, stack, case, plan):
        self.platform = stack.enter_context(PrivatePlatform(
            threads=1, devices=DEVICES,
            MOAI_WORKER_COUNTS=str(pathlib.Path(stack.enter_context(_folder())) / "counts")))
        self.counts = pathlib.Path(self.platform.settings["MOAI_WORKER_COUNTS"])
        environment = self.platform.environment(
            MOAI_QUIET="1", MOAI_FLAVOR=parallel.FLAVORS[DEVICES], MOAI_PLAN=plan)
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, case, str(STEPS), "1000000"], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stack.callback(self.end)
        self.first = self._line()  # with what was compiled and joined

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the script ended with {self.process.wait(30)}")
        return json.loads(line)

    def round(self):
        """With the CPU seconds a step of the Worker that took most, those of the script, and the
        CPUs that all but the Workers used."""
        processes = self.platform.processes()
        workers = [pid for pid, name in processes.items() if name == "moai-worker"]
        before, busy, began = {pid: cpu_s(pid) for pid in processes}, busy_s(), time.monotonic()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        told = self._line()
        busy, passed = busy_s() - busy, time.monotonic() - began
        took = {pid: cpu_s(pid) - before[pid] for pid in processes}
        return told | {"cpu_s": max(took[pid] for pid in workers) / STEPS,
                       "script_s": took[self.process.pid] / STEPS,
                       "others": max(0, busy - sum(took[pid] for pid in workers)) / passed}

    def counted(self):
        """Of the rank with most of everything, a step."""
        ranks = [counts_of(f"{self.counts}.{rank}") for rank in range(DEVICES)]
        return {key: max(rank[key] for rank in ranks) for key in ranks[0]}

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def _folder():
    import tempfile

    with tempfile.TemporaryDirectory(prefix="moai-counts-") as folder:
        yield folder


def cpu_s(pid):
    """Of all its threads."""
    return sum(int((thread / "schedstat").read_text().split()[0])
               for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def busy_s():
    """Of all processors together, whoever used them."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _, _, interrupt, soft, stolen = map(int, fields)
    return (user + nice + system + interrupt + soft + stolen) / os.sysconf("SC_CLK_TCK")


def counts_of(path):
    program = ROOT / "build/release/bin/compiler_virtual"
    done = subprocess.run([program, "counts", path], text=True, capture_output=True, check=True,
                          timeout=60)
    counted = json.loads(done.stdout)
    return {key: value if key == "peak_bytes" else value / STEPS for key, value in counted.items()}


def predicted(case, plan, machine):
    done = subprocess.run(
        [plugin.program("moai"), "plan", "--json", "--cluster", f"{machine}:{DEVICES}", "--fix",
         plan, "--python", sys.executable, SCRIPT, case],
        env=plugin.device_environment(), text=True, capture_output=True, timeout=RUN_S_MAX)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    found = json.loads(done.stdout)
    return {"step_s": found["step_s"], "flops": found["flops_per_device"],
            "collectives": sum(t["collectives"] for t in found["traffic"]),
            "received_bytes": sum(t["received_bytes"] for t in found["traffic"]),
            "peak_bytes": found["memory_bytes_max"], "round_trips": 0}


def calibrate(machine):
    subprocess.run([plugin.program("moai"), "calibrate", "--threads", "1", "--devices",
                    str(DEVICES), "--rounds", "1", "--out", machine], check=True,
                   stdout=sys.stderr, timeout=RUN_S_MAX)


def measure(cases, folder, rounds):
    """Rounds of all cases after a calibration each: by case what A and A took and counted."""
    with contextlib.ExitStack() as stack:
        jobs = {key: [Job(stack, *key) for _ in range(2)] for key in cases}
        samples = {key: [] for key in cases}
        for i in range(rounds):
            print(f"[info] Round {i + 1} of {rounds}", file=sys.stderr, flush=True)
            calibrate(folder / f"machine.{i}.toml")
            for key in cases:
                samples[key].append(rounds_of(jobs[key], first=i % 2))
        for key, (job, _) in jobs.items():
            shutil.copy(f"{job.counts}.0", folder / f"{key[0]} {key[1]}.counts")
        return {key: {"samples": samples[key], "counted": jobs[key][0].counted()}
                for key in cases}


def judge(key, measured, machines):
    case, plan = key
    counted, samples = measured["counted"], measured["samples"]
    wanted = [predicted(case, plan, machine) for machine in machines]
    counted["round_trips"] = statistics.median(a["round_trips"] for a, _ in samples)
    memory = wanted[0]["peak_bytes"] / counted["peak_bytes"]
    equal = {name: all(w[name] == counted[name] for w in wanted)
             for name in ("collectives", "received_bytes", "flops")}
    # The drains at both ends of a round are the script's own.
    equal["round_trips"] = counted["round_trips"] <= 2
    time_ = judged_time([w["step_s"] for w in wanted], samples)
    good = all(equal.values()) and 1 <= memory <= MEMORY_MAX and time_["good"]
    return {"case": case, "plan": plan, "predicted": wanted[0], "counted": counted, "equal": equal,
            "memory": memory, "time": time_, "verdict": "ok" if good else "MISSED"}


def rounds_of(jobs, first):
    """A round of each, of which the first begins by turns."""
    found = {i: jobs[i].round() for i in ((0, 1) if first else (1, 0))}
    return found[0], found[1]


def judged_time(wanted_s, samples):
    """Of rounds of A and A, and what was predicted of each: medians, the middle one of what the two
    differ by and of the errors, and which of wall clock and CPU time of a Worker counts."""
    found = {key: statistics.median(a[key] for a, _ in samples)
             for key in ("step_s", "cpu_s", "script_s", "others")}
    found["by"] = key = "step_s" if found["others"] <= OTHERS_MAX else "cpu_s"
    found["predicted_s"] = statistics.median(wanted_s)
    found["spread"] = statistics.median(abs(b[key] / a[key] - 1) for a, b in samples)
    found["errors"] = {by: statistics.median(w / a[by] - 1 for w, (a, _) in
                                             zip(wanted_s, samples, strict=True))
                       for by in ("step_s", "cpu_s")}
    found["good"] = abs(found["errors"][key]) <= max(SECONDS_MAX, SPREADS_MAX * found["spread"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=tuple(CASES), help="repeatable")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"  # of this process
    if problem := plugin.problem():
        sys.exit(f"predicted: {problem}")
    cases = [(case, plan) for case in options.case or CASES for plan in CASES[case]]
    with _folder() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        measured = measure(cases, folder, options.rounds)
        machines = [folder / f"machine.{i}.toml" for i in range(options.rounds)]
        found = [judge(key, measured[key], machines) for key in cases]
    if options.json:
        print(json.dumps({"machine": table.machine(), "rows": found}, indent=1))
    else:
        print(table.render(
            ["case", "plan", "collectives", "MB received", "MFLOP", "memory", "predicted ms", "ms",
             "CPU ms", "script's", "others' CPUs", "error", "of CPU", "A/A", ""],
            [[r["case"], r["plan"], *(f"{r['counted'][k] / unit:.6g}" + ("" if r["equal"][k] else
              f" (predicted {r['predicted'][k] / unit:.6g})") for k, unit in
              (("collectives", 1), ("received_bytes", 1e6), ("flops", 1e6))),
              f"{100 * r['memory']:.2f} %", f"{1e3 * r['time']['predicted_s']:.2f}",
              f"{1e3 * r['time']['step_s']:.2f}", f"{1e3 * r['time']['cpu_s']:.2f}",
              f"{1e3 * r['time']['script_s']:.2f}",
              f"{r['time']['others']:.2f}",
              *(f"{100 * r['time']['errors'][by]:+.1f} %" + ("*" if r["time"]["by"] == by else "")
                for by in ("step_s", "cpu_s")),
              f"{100 * r['time']['spread']:.0f} %", r["verdict"]] for r in found]))
        good = sum(r["verdict"] == "ok" for r in found)
        print(f"\n*: what counts. {good} of {len(found)} rows ok; {DEVICES} Workers of one thread; "
              f"{table.machine()}")
    sys.exit(0 if all(r["verdict"] == "ok" for r in found) else 1)


if __name__ == "__main__":
    main()
