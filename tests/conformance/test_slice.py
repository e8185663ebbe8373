"""Slices of the conformance suites on the device; the whole is `./dev conformance`."""

import json
import os
import subprocess
import sys

from tests.conformance.__main__ import ROOT

EVERY = 30  # entries
EVERY_ON_MOAI = 100
CASES_MIN = 200
SECONDS_MAX = 900


def run_slice(out, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", *arguments, "--out", str(out)],
        cwd=ROOT, env=dict(os.environ), text=True, capture_output=True, timeout=SECONDS_MAX)
    report = (out / "report.json").read_text()
    assert done.returncode == 0, done.stdout + report[-4000:]
    suites = json.loads(report)["suites"]
    return sum(kinds["passed"] for checks in suites.values() for kinds in checks.values())


def test_every_30th_entry_of_each_suite_passes(tmp_path):
    assert run_slice(tmp_path, "--every", str(EVERY)) > CASES_MIN


def test_every_100th_entry_passes_on_the_device_called_moai(tmp_path):
    passed = run_slice(tmp_path, "--every", str(EVERY_ON_MOAI), "--device", "moai")
    assert passed > CASES_MIN
