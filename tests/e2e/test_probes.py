"""Every function of tests/scripts/probes_*.py is a test here; a file runs in one process."""

import functools
import json
import re
import subprocess
import sys

import pytest

from harness import plugin
from harness.script import SCRIPTS

FILE_S_MAX = 300
DEVICES = ("cuda", "moai")
FILES = sorted(path.name for path in SCRIPTS.glob("probes_*.py"))


@functools.cache
def run_file(name, device, environment):
    """What each probe of a file raised, by name; and how the process ended."""
    done = subprocess.run([sys.executable, str(SCRIPTS / name), device], env=dict(environment),
                          text=True, capture_output=True, timeout=FILE_S_MAX)
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"probe"')]
    return {r["probe"]: r["raised"] for r in reports}, done


def names_of(file, device):
    """Of the probes that stand in the file as functions and run on the device."""
    kinds = "(?:device_)?probe" if device == "cuda" else "probe"
    return re.findall(rf"^@{kinds}\ndef (\w+)", (SCRIPTS / file).read_text(), re.M)


@pytest.mark.parametrize("device, file, name",
                         [(d, f, n) for d in DEVICES for f in FILES for n in names_of(f, d)])
def test_on_the_device(platform, device, file, name):
    environment = platform.environment(MOAI_DEVICE=device)
    reports, done = run_file(file, device, tuple(environment.items()))
    assert name in reports, f"exit code {done.returncode}: {done.stderr[-2000:]}"
    assert reports[name] is None, reports[name]


def test_optimizers_on_the_device_agree_with_the_host(platform):
    environment = tuple(platform.environment().items())
    reports, done = run_file("probes_training.py", "cuda", environment)
    optimizers = {n: raised for n, raised in reports.items() if n.startswith("optimizer_")}
    assert len(optimizers) >= 16, done.stderr[-2000:]
    assert {n: raised for n, raised in optimizers.items() if raised} == {}


@pytest.mark.parametrize("file", FILES)
def test_on_stock_torch_the_same_is_expected(file):
    reports, done = run_file(file, "cpu", tuple(plugin.stock_environment().items()))
    assert done.returncode == 0, done.stderr[-2000:]
    assert reports and {n: raised for n, raised in reports.items() if raised} == {}
