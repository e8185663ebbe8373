"""`moai calibrate`: what is measured of this machine is a description that `moai plan` reads."""

import json
import os
import subprocess
import sys

import pytest
from harness import plugin
from harness.plugin import ROOT

# Of a few operators alone: everything takes a minute.
CALLS = """\
s3 = aten::mm(f64[6,8] s1, f64[8,4] s2) -> f64[6,4]
s3 = aten::add.Tensor(f64[6,8] s1, f64[6,8] s2, intword 1) -> f64[6,8]
s2 = aten::gelu(f64[6,8] s1, "none") -> f64[6,8]
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("machine")
    (folder / "calls.txt").write_text(CALLS)
    done = subprocess.run(
        [plugin.program("moai"), "calibrate", "--json", "--threads", "1", "--devices", "2",
         "--rounds", "1", "--calls", folder / "calls.txt"],
        env=dict(os.environ, MOAI_STATE_DIR=str(folder)), text=True, capture_output=True,
        timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder


def test_tells_what_it_measured(machine):
    told, folder = machine
    assert told["file"] == str(folder / "machine.toml")
    assert told["devices"] == 2
    assert told["operators"] == 6  # each with two element types
    assert told["calls"] > 100
    assert told["collectives"] == 4


def test_a_plan_is_made_with_it(machine):
    told, _ = machine
    script = ROOT / "tests/scripts/train.py"
    done = subprocess.run(
        [plugin.program("moai"), "plan", "--json", "--cluster", told["file"] + ":2", "--python",
         sys.executable, script, "--steps", "3"],
        env=plugin.device_environment(), text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["cluster"] == "this-machine"
    assert plan["step_s"] > 0


def test_calls_beside_those_of_the_description_leave_their_times_alone(tmp_path):
    (tmp_path / "calls").write_text("s3 = aten::add.Tensor(f64[6,8] s1, f64[6,8] s2, intword 1) "
                                    "-> f64[6,8]\n")
    beside = ["s2 = aten::gelu(f64[3,7] s1, \"none\") -> f64[3,7]",
              "s3 = aten::mm(f64[6,8] s1, f64[5,4] s2) -> f64[6,4]"]
    (tmp_path / "beside").write_text("\n".join(beside))
    done = subprocess.run(
        [plugin.program("moai"), "calibrate", "--json", "--threads", "1", "--devices", "1",
         "--rounds", "1", "--calls", tmp_path / "calls", "--beside", tmp_path / "beside",
         "--times", tmp_path / "times", "--out", tmp_path / "out.toml"],
        text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "gelu" not in (tmp_path / "out.toml").read_text()
    lines = (tmp_path / "times").read_text().splitlines()
    times = {call: us for us, call in (line.split("\t") for line in lines)}
    assert sorted(times) == sorted(beside)
    assert float(times[beside[0]].split()[0]) > 0
    assert times[beside[1]] == "-"  # sizes that do not fit


def test_a_call_that_is_none_is_refused(tmp_path):
    (tmp_path / "calls.txt").write_text("nonsense\n")
    done = subprocess.run(
        [plugin.program("moai"), "calibrate", "--calls", tmp_path / "calls.txt", "--out",
         tmp_path / "out.toml"], text=True, capture_output=True, timeout=60)
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert not (tmp_path / "out.toml").exists()
