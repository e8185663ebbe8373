"""The compatibility suite: users' scripts over libraries, on the device and on stock CPU torch.

With --plan nothing is computed: what a script runs is recorded, for as long as it goes on with
zeros for values and without its assertions, and each window of it is planned for eight devices.

Else a script passes when `python FILE` ends with exit code 0 within the time limit and every number
of its last line, a JSON object, that stock torch computes too agrees with stock torch's.
"""

import argparse
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests/scripts/compatibility"
# Relative above one. What is computed in half precision differs between the lists of operators
# that autocast has for CUDA and for the CPU.
TOLERANCE = 1e-3
HALF_TOLERANCE = 2e-2
TAIL_LINES = 12
# Of --plan.
CLUSTER = f"{ROOT}/clusters/a100-80-dgx.toml:8"
STEPS_MAX = 100_000
RECORD_S = 40  # a script that waits for a value other than 0 has no end
GRACE_S = 60
LOOK_S = 60  # for the plans of a script's windows
# torchvision's wheel for CUDA does not import beside stock torch without the schemas that the
# device brings along.
STOCK = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT / "python")!r})
import torch
from moai import _torchvision
kept = _torchvision.install(torch)
sys.path[0] = {str(SCRIPTS)!r}
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, limit_s, **environment):
    """{"code", "seconds", "output", "values"}; the code is None where the time limit ended it."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **environment}, text=True, cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        out, errors = process.communicate(timeout=limit_s)
        code = process.returncode
    except BaseException as why:  # whoever ends the suite ends the script and its workers
        os.killpg(process.pid, signal.SIGKILL)
        out, errors = process.communicate()
        code = None
        if not isinstance(why, subprocess.TimeoutExpired):
            raise
    return {"code": code, "seconds": round(time.monotonic() - begin, 1), "output": errors + out,
            "values": last_object(out)}


def last_object(text):
    """The JSON object on the last line; None without one."""
    lines = text.splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def numbers(value):
    """Of nested lists and objects, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [float(value)]


def difference(found, expected):
    found, expected = numbers(found), numbers(expected)
    if len(found) != len(expected):
        return math.inf
    errors = [abs(a - b) / max(1.0, abs(b)) for a, b in zip(found, expected)]
    return max([math.inf if math.isnan(error) else error for error in errors], default=0.0)


def is_half(name):
    return "fp16" in name or "bf16" in name


def compare(found, expected):
    """{"full", "half"}: largest differences; and what is out of tolerance, in words."""
    largest, wrong = {"full": 0.0, "half": 0.0}, []
    for name in found.keys() & expected.keys():
        error = difference(found[name], expected[name])
        kind, limit = ("half", HALF_TOLERANCE) if is_half(name) else ("full", TOLERANCE)
        largest[kind] = max(largest[kind], error)
        if error > limit:
            wrong.append(f"{name} differs from stock torch's by {error:.2g}, more than {limit:g}")
    return largest, wrong


def judge(device, stock):
    """(verdict, reason, largest differences)."""
    if device["code"] is None:
        return "failed", f"not ended after {device['seconds']:.0f} s", None
    if device["code"] != 0:
        return "failed", f"exit code {device['code']}", None
    if device["values"] is None:
        return "failed", "its last line is no JSON object", None
    if "skipped" in device["values"]:
        return "skipped", device["values"]["skipped"], None
    if stock["code"] != 0 or stock["values"] is None:
        return "failed", "stock torch does not run it to its end", None
    largest, wrong = compare(device["values"], stock["values"])
    return ("failed" if wrong else "passed"), "; ".join(wrong), largest


def run_script(path, limit_s):
    device = run([sys.executable, str(path)], limit_s)
    stock = run([sys.executable, "-c", STOCK, str(path)], limit_s,
                TORCH_DEVICE_BACKEND_AUTOLOAD="0")
    verdict, reason, largest = judge(device, stock)
    if verdict == "failed":
        shown = stock if device["code"] == 0 and stock["code"] != 0 else device
        say("\n".join(shown["output"].splitlines()[-TAIL_LINES:]))
    return {"script": path.stem, "verdict": verdict, "reason": reason, "difference": largest,
            "device_s": device["seconds"], "stock_s": stock["seconds"]}


def hears_interrupts():
    """A command in the background of a shell ignores them, and so would those that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def record(path, recording, limit_s):
    """Runs the script without values; what it did until it ended, failed or took too long."""
    environment = {**os.environ, "MOAI_REHEARSAL": str(recording),
                   "MOAI_REHEARSAL_STEPS": str(STEPS_MAX)}
    with subprocess.Popen([sys.executable, "-O", str(path)], env=environment, cwd=ROOT,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, start_new_session=True,
                          preexec_fn=hears_interrupts) as process:
        try:
            process.wait(limit_s)
        except BaseException as why:
            # An interrupt, as a user's: the script still writes what it did.
            os.kill(process.pid, signal.SIGINT)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if not isinstance(why, subprocess.TimeoutExpired):
                raise
        return process.returncode


def planned_windows(text):
    """{"windows", "planned", "left", "refused": [reason], "whole": {name: [calls, seconds]}}."""
    found = {"windows": 0, "planned": 0, "left": 0, "refused": [], "whole": {}}
    for kind, *fields in (line.split("\t") for line in text.splitlines()):
        if kind == "window" and fields[1] != "planned":
            found["refused"].append(fields[1])
        elif kind == "whole":
            sums = found["whole"].setdefault(fields[0], [0, 0.0])
            sums[0] += int(fields[1])
            sums[1] += float(fields[2]) + float(fields[3])
        elif kind == "windows":
            found["windows"], found["planned"], found["left"] = map(int, fields)
    return found


def plan_script(path, limit_s, look_s=LOOK_S):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        recording = pathlib.Path(folder, "recording")
        code = record(path, recording, min(limit_s, RECORD_S))
        if not recording.exists():
            return {"script": path.stem, "verdict": "failed", "code": code, **planned_windows(""),
                    "refused": [f"nothing was recorded; it ended with code {code}"]}
        done = subprocess.run([ROOT / "build/release/bin/every_window_bench", recording, CLUSTER,
                               str(round(look_s))],
                              text=True, capture_output=True, timeout=limit_s + look_s,
                              check=False)
    found = planned_windows(done.stdout)
    if done.returncode < 0 or done.stderr:
        found["refused"].append(done.stderr.strip() or f"ended by signal {-done.returncode}")
    good = found["windows"] > 0 and not found["refused"]
    return {"script": path.stem, "verdict": "passed" if good else "failed", "code": code, **found,
            "seconds": round(time.monotonic() - begin, 1)}


def plan_line(row):
    whole = sorted(row["whole"].items(), key=lambda item: -item[1][1])
    text = f"{row['script']:<22} {row['verdict']:<8} {row['planned']} of {row['windows']} windows"
    if row["left"]:
        text += f", {row['left']} more not looked at"
    if whole:
        text += "; whole: " + ", ".join(f"{op} {calls} × ({1e3 * seconds:.3g} ms)"
                                        for op, (calls, seconds) in whole)
    return text + "".join(f"\n    {reason}" for reason in row["refused"])


def line_of(row):
    text = f"{row['script']:<22} {row['verdict']:<8} {row['device_s']:6.1f} s " \
           f"(stock {row['stock_s']:.1f} s)"
    if row["difference"]:
        text += "  differs by {full:.1g}, half {half:.1g}".format(**row["difference"])
    return text + (f"  {row['reason']}" if row["reason"] else "")


def run_all(paths, limit_s, run_script=run_script, line_of=line_of):
    rows, begin = [], time.monotonic()
    for index, path in enumerate(paths):
        eta = (time.monotonic() - begin) / index * (len(paths) - index) if index else 0
        say(f"[{index + 1}/{len(paths)}] {path.stem} ..." + (f"  ETA {eta:.0f} s" if index else ""))
        rows.append(run_script(path, limit_s))
        say("  " + line_of(rows[-1]))
    return rows


def closing_line(rows):
    return ", ".join(f"{sum(row['verdict'] == verdict for row in rows)} {verdict}"
                     for verdict in ("passed", "failed", "skipped"))


def chosen(names):
    known = {path.stem: path for path in sorted(SCRIPTS.glob("*.py"))}
    for name in names:
        if name not in known:
            sys.exit(f"compatibility: no script '{name}'; there are: {', '.join(known)}")
    return [known[name] for name in names] or list(known.values())


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them by default")
    parser.add_argument("--json", action="store_true", help="the report as JSON on the output")
    parser.add_argument("--plan", action="store_true",
                        help="plan every window for eight devices in place of running anything")
    parser.add_argument("--look", type=float, default=LOOK_S, metavar="SECONDS",
                        help=f"with --plan, for the windows of a script ({LOOK_S})")
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS",
                        help="for one run of a script (600)")
    arguments = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    def plan(path, limit_s):
        return plan_script(path, limit_s, arguments.look)

    what = (plan, plan_line) if arguments.plan else (run_script, line_of)
    rows = run_all(chosen(arguments.names), arguments.limit, *what)
    if arguments.json:
        print(json.dumps({"scripts": rows}, indent=1))
    if arguments.plan:
        print(f"{sum(row['planned'] for row in rows)} of {sum(row['windows'] for row in rows)} "
              f"distinct windows planned for eight devices", file=sys.stderr)
    print(closing_line(rows), file=sys.stderr if arguments.json else sys.stdout)
    return any(row["verdict"] == "failed" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
