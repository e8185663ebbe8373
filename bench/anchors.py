"""./dev bench anchors [--planned]: how far the cost model is from published training steps.

Fits each software profile of bench/anchors/ to its rows and prints the constants, the error of
every row, and the error of every row when the profile is fitted without it.

--planned: the steps of whole models as `moai plan` prices them, a GPT script under the degrees of
the row (--fix) with the constants of its profile (--profile), fitted to another description. Fails
where the errors' median is above 6 %, or the largest above 15 %.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import tomllib

from harness import plugin
from harness.plugin import ROOT

MEDIAN_MAX, LARGEST_MAX = 6, 15  # percent
SCRIPT = ROOT / "bench/workloads/gpt_size.py"
ZERO = {"all_reduce": 0, "distributed_optimizer": 2, "fully_sharded": 3}


def published_s(row, devices):
    """Seconds of a step; FLOPs as compiler/cost/profile/training_run.h counts them."""
    if "step_s" in row:
        return row["step_s"]
    tokens = row["batch"] * row["sequence"]
    if "tokens_per_s_per_device" in row:
        return tokens / devices / row["tokens_per_s_per_device"]
    hidden, layers = row["hidden"], row["layers"]
    passes = 4 if row["recompute"] == "full" else 3
    scores = row["sequence"] / (6 * hidden)
    head = 3 / passes * row["vocabulary"] / (12 * layers * hidden)
    flops = passes * 24 * tokens * layers * hidden**2 * (1 + scores + head)
    return flops / devices / row["tflops_per_device"] / 1e12


def fixed(row, profile):
    data = row.get("data", 1)
    stages, virtual = row.get("pipeline", 1), row.get("virtual_stages", 1)
    fix = {
        "dp": data,
        "tp": row.get("tensor", 1),
        "pp": stages,
        "zero": ZERO[profile["data_parallel"]] if data > 1 else 0,
        "microbatches": row["batch"] // data // row["micro_batch"],
        "recompute": row["recompute"],
    }
    if row.get("tensor", 1) > 1:
        fix["sp"] = 1 if row.get("sequence_parallel") else 0
    if stages > 1:
        fix["schedule"] = f"interleaved:{virtual}" if virtual > 1 else "1f1b"
    return ",".join(f"{key}={value}" for key, value in fix.items())


def planned(row, profile, state):
    devices = row.get("data", 1) * row.get("tensor", 1) * row.get("pipeline", 1)
    command = [
        plugin.program("moai"), "plan", "--json", "--python", sys.executable, "--profile",
        row["profile"], "--cluster", f"{ROOT}/clusters/{profile['cluster']}.toml:{devices}",
        "--fix", fixed(row, profile), SCRIPT, "--width", row["hidden"],
        "--layers", row["layers"], "--heads", row["heads"], "--tokens", row["sequence"],
        "--vocabulary", row["vocabulary"], "--batch", row["batch"],
        *([] if profile["attention"] == "fused" else ["--unfused"])
    ]
    environment = plugin.device_environment(MOAI_STATE_DIR=state)
    done = subprocess.run([*map(str, command)], env=environment, text=True, capture_output=True)
    if done.returncode != 0:
        return devices, done.stderr.strip().splitlines()[-1]
    return devices, json.loads(done.stdout)


def print_planned():
    rows = tomllib.loads((ROOT / "bench/anchors/rows.toml").read_text())["row"]
    errors, failed = [], False
    print("| profile | row | measured | planned | error | memory |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as state:
        for row in rows:
            if not row.get("fit"):
                continue
            path = ROOT / f"bench/anchors/{row['profile']}.toml"
            devices, found = planned(row, tomllib.loads(path.read_text()), state)
            measured = published_s(row, devices)
            head = f"| {row['profile']} | {row['name']} | {measured:.3g} s"
            if isinstance(found, str):
                print(f"{head} | {found} | | |")
                failed = True
                continue
            errors.append(found["step_s"] / measured - 1)
            memory = found["memory_bytes_max"] / 2**30
            print(f"{head} | {found['step_s']:.3g} s | {100 * errors[-1]:+.1f} % "
                  f"| {memory:.0f} GiB |", flush=True)
    if not errors:
        return 1
    sizes = [100 * abs(e) for e in errors]
    print(f"\nMedian {statistics.median(sizes):.1f} %, largest {max(sizes):.1f} %.")
    return int(failed or statistics.median(sizes) > MEDIAN_MAX or max(sizes) > LARGEST_MAX)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--planned", action="store_true")
    if parser.parse_args().planned:
        return print_planned()
    program = ROOT / "build/release/bin/cost_anchors"
    return subprocess.run([program, ROOT], timeout=60).returncode


if __name__ == "__main__":
    sys.exit(main())
