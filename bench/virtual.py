"""Automatic plans in virtual time: beside all forced ones, and predicted beside simulated steps.

    ./dev bench virtual [--model NAME]... [--rounds 9] [--keep FOLDER] [--json]

Every recorded training step of tests/golden/windows, on 2 to 64 devices. The emitted programs of
all ranks run on device/fake; each call takes what was measured of just that call on this machine,
collectives share the links of bench/virtual/links.toml. The planner knows neither: it reads what
`moai calibrate` measured of fewer calls, and the links. Both are measured here, a call of the one
among calls of the other, and of rounds the least counts: neighbours of a machine slow it for
moments, which would be of one table alone. With --keep they are left in FOLDER, or taken from
there, and so are the rows of each model: a run that was interrupted goes on where it was. Times of
calls are of the models that they were measured for.

Then calls of one class after the other take 20 % more and less than the table says, which the
prediction does not know of: its error must move by what the class is of the step.

Exit code 1 where the automatic plan is over 2 % slower than the best forced one, the prediction
over 3 % off, or an error does not appear.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from harness import table
from harness.plugin import ROOT

BIN = ROOT / "build/release/bin"
WINDOWS = ROOT / "tests/golden/windows"
MODELS = ("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts", "lstm", "fused", "dropout",
          "noisy", "accumulation", "gpt5")
OVER_BEST_MAX, ERROR_MAX = 0.02, 0.03
# Of a class that is at least so much of a step, the error must move by this part of what it is.
SHARE_MIN, MOVES_MIN = 0.02, 0.5
NODES = 16
STAGE_S_MAX = 1800


def run(*command, **more):
    return subprocess.run(list(map(str, command)), check=True, timeout=STAGE_S_MAX, **more)


def measure(folder, models, rounds):
    """machine.toml and times in the folder, where they are not yet; in turns, call by call."""
    machine, times, calls = folder / "machine.toml", folder / "times", folder / "calls"
    if not (machine.exists() and times.exists()):
        with calls.open("w") as file:
            run(BIN / "compiler_virtual", "calls", *models, stdout=file)
        run(BIN / "moai", "calibrate", "--threads", 1, "--devices", 2, "--rounds", rounds,
            "--least", "--beside", calls, "--times", times, "--out", machine, stdout=sys.stderr)
    return machine, times


def made_up_cluster(machine, folder):
    """The measured device, many times, between other links."""
    text = machine.read_text()
    text = text[:text.index("\n[node]")].replace("nodes = 1\n", f"nodes = {NODES}\n", 1)
    path = folder / "cluster.toml"
    path.write_text(text + "\n" + (ROOT / "bench/virtual/links.toml").read_text())
    return path


def simulated(folder, times, cluster, model):
    """The rows of a model as text, from the folder where they are of these measurements."""
    path, program = folder / f"{model.stem}.rows", BIN / "compiler_virtual"
    made_from = (times, folder / "machine.toml", model, program, ROOT / "bench/virtual/links.toml")
    if path.exists() and path.stat().st_mtime > max(f.stat().st_mtime for f in made_from):
        return path.read_text()
    began = time.monotonic()
    done = run(program, "run", times, cluster, model, text=True, stdout=subprocess.PIPE)
    print(f"[info] {model.stem}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    path.write_text(done.stdout)
    return done.stdout


def parse(lines):
    rows, shifts = [], []
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if fields[0] == "shift":
            shifts.append({"model": fields[1], "devices": int(fields[2]), "class": fields[3],
                           "factor": float(fields[4]), "share": float(fields[5]),
                           "error": float(fields[6])})
        elif fields[0] != "model":
            rows.append({"model": fields[0], "devices": int(fields[1]), "plan": fields[2],
                         "best": fields[3], "over_best": float(fields[4]),
                         "step_us": float(fields[5]), "error": float(fields[6]),
                         "worst_plan": fields[7], "worst_error": float(fields[8]),
                         "plans": int(fields[9])})
    return rows, shifts


def moved(rows, shifts):
    """Of each class: how far the error moved ÷ how far the class alone would move it."""
    base = {(r["model"], r["devices"]): r["error"] for r in rows}
    found = collections.defaultdict(list)
    for s in shifts:
        if s["share"] < SHARE_MIN:
            continue
        # Step times as parts of the prediction.
        before = 1 / (1 + base[s["model"], s["devices"]])
        wanted = before * s["share"] * (s["factor"] - 1)
        found[s["class"]].append(((1 / (1 + s["error"]) - before) / wanted, s))
    return found


def print_rows(rows, classes):
    columns = ("model", "devices", "plan", "best", "over_best", "step_us", "error", "worst_plan",
               "worst_error")
    percent = {"over_best", "error", "worst_error"}
    print(table.render(columns, [[f"{100 * r[c]:.1f} %" if c in percent else r[c] for c in columns]
                                 for r in rows]))
    print()
    print(table.render(
        ("class", "steps", "largest share", "error moves by its share ×", "at least"),
        [[name, len(all_), f"{100 * max(s['share'] for _, s in all_):.0f} %",
          f"{sum(m for m, _ in all_) / len(all_):.2f}", f"{min(m for m, _ in all_):.2f}"]
         for name, all_ in sorted(classes.items())]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=MODELS, help="repeatable")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    models = [WINDOWS / f"{name}.txt" for name in options.model or MODELS]
    with tempfile.TemporaryDirectory(prefix="moai-virtual-") as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        machine, times = measure(folder, models, options.rounds)
        cluster = made_up_cluster(machine, pathlib.Path(scratch))
        rows, shifts = [], []
        for model in models:
            found = parse(simulated(folder, times, cluster, model).splitlines())
            rows += found[0]
            shifts += found[1]
    classes = moved(rows, shifts)
    near = sum(r["over_best"] <= OVER_BEST_MAX for r in rows)
    right = sum(abs(r["error"]) <= ERROR_MAX for r in rows)
    all_right = sum(abs(r["worst_error"]) <= ERROR_MAX for r in rows)
    seen = sum(all(m >= MOVES_MIN for m, _ in all_) for all_ in classes.values())
    if options.json:
        print(json.dumps({"machine": table.machine(), "rows": rows, "shifts": shifts}, indent=1))
    else:
        print_rows(rows, classes)
        print(f"\n{sum(r['plans'] for r in rows)} plans of {len(rows)} cases; automatic within 2 % "
              f"of the best: {near}; predicted within 3 %: {right}, of every plan: {all_right}; "
              f"errors appear in {seen} of {len(classes)} classes; {table.machine()}")
    return 0 if near == right == len(rows) and seen == len(classes) else 1


if __name__ == "__main__":
    sys.exit(main())
