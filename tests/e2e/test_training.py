"""Whole trainings: the example, and the benchmarks' comparisons."""

import json
import re
import subprocess
import sys

import pytest

from harness import plugin
from harness.plugin import ROOT
from harness.script import SCRIPTS

TRAIN = ROOT / "examples/gpt/train.py"
SAMPLE = ROOT / "examples/gpt/sample.py"
FINAL = r"final held-out loss (\S+) nats, unigram entropy of the text (\S+) nats, gap (\S+) nats"


def final_figures(done):
    """Loss, entropy and gap of the example's last line."""
    assert done.returncode == 0, done.stderr
    return [float(text) for text in re.search(FINAL, done.stdout).groups()]


def test_the_example_trains_on_stock_torch_and_its_checkpoint_speaks(run_on_stock_torch, tmp_path):
    out = tmp_path / "checkpoint.pt"
    done = run_on_stock_torch(TRAIN, "--steps", 12, "--batch", 2, "--out", out)
    loss, entropy, gap = final_figures(done)
    assert 2 < loss < 4.7 and 3 < entropy < 3.6 and abs(entropy - loss - gap) < 1e-3
    assert re.search(r"step +12/12  loss \S+ +[\d,]+ tokens/s  ETA +0 s", done.stdout)
    sampled = run_on_stock_torch(SAMPLE, out, "--prompt", "The with", "--characters", 20)
    assert sampled.returncode == 0 and sampled.stdout.startswith("The with"), sampled.stderr


@pytest.mark.parametrize("device, more", [("cuda", []), ("moai", ["--device", "moai"])])
def test_the_example_on_the_device_agrees_with_stock_torch(run_on_device, run_on_stock_torch,
                                                           tmp_path, device, more):
    arguments = ["--steps", 30, "--batch", 4, "--out"]
    stock = run_on_stock_torch(TRAIN, *arguments, tmp_path / "stock.pt")
    done = run_on_device(TRAIN, *arguments, tmp_path / "device.pt", *more, MOAI_DEVICE=device)
    assert f"device {device}" in done.stdout
    expected, found = final_figures(stock)[0], final_figures(done)[0]
    assert abs(found - expected) <= 0.01 * expected


def test_a_checkpoint_of_the_device_speaks_on_stock_torch(run_on_device, run_on_stock_torch,
                                                          tmp_path):
    out = tmp_path / "checkpoint.pt"
    run_on_device(TRAIN, "--steps", 3, "--batch", 2, "--out", out)
    sampled = run_on_stock_torch(SAMPLE, out, "--characters", 10)
    assert sampled.returncode == 0, sampled.stderr


@pytest.mark.parametrize("device", ["cuda", "moai"])
def test_losses_of_a_small_training_are_those_of_stock_torch(run_on_device, run_on_stock_torch,
                                                             device):
    expected = run_on_stock_torch(SCRIPTS / "train.py", "--device", "cpu")
    found = run_on_device(SCRIPTS / "train.py", "--device", device, MOAI_DEVICE=device)
    steps = [[line for line in done.stdout.splitlines() if line.startswith("step")]
             for done in (expected, found)]
    assert len(steps[0]) == 30, expected.stderr
    assert steps[0] == steps[1], found.stderr


def run_parity(*arguments):
    done = subprocess.run([sys.executable, str(ROOT / "bench/parity.py"), "--json", "--steps", "5",
                           "--threads", "1", *arguments], env=plugin.stock_environment(),
                          text=True, capture_output=True, timeout=600)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["rows"]


def test_stock_torch_is_on_a_par_with_itself():
    code, rows = run_parity("--device", "cpu", "--case", "gpt-foreach", "--case", "gru")
    assert (code, [row["verdict"] for row in rows]) == (0, ["ok", "ok"]), rows


@pytest.mark.parametrize("device, case", [
    *(("cuda", case) for case in ("mlp-loop", "cnn-foreach", "gpt-fused", "lstm", "gan-penalty",
                                  "sampling", "draws")),
    *(("moai", case) for case in ("cnn-fused", "gpt-loop", "sampling"))])
def test_the_device_is_on_a_par_with_stock_torch(platform, device, case):
    code, rows = run_parity("--device", device, "--case", case)
    assert code == 0, rows
