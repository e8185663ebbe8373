"""The judgement of the compatibility suite, over scripts that only pretend."""

import json
import math
import pathlib
import subprocess
import sys
import time

import pytest

from tools.dev import compatibility as suite

STOCK = {"code": 0, "seconds": 1.0, "output": "", "values": {"losses": [1.0, 0.5]}}
ON_DEVICE = "import os\non_device = 'TORCH_DEVICE_BACKEND_AUTOLOAD' not in os.environ\n"


def judged(**device):
    return suite.judge({**STOCK, **device}, STOCK)[:2]


def test_equal_numbers_pass():
    assert judged() == ("passed", "")


@pytest.mark.parametrize("device, reason", [
    ({"code": 1}, "exit code 1"), ({"code": None}, "not ended after 1 s"),
    ({"values": None}, "its last line is no JSON object"),
    ({"values": {"losses": [1.0, 0.6]}}, "losses differs from stock torch's by 0.1, more than"),
    ({"values": {"losses": [1.0]}}, "losses differs from stock torch's by inf"),
    ({"values": {"losses": [1.0, math.nan]}}, "losses differs from stock torch's by inf")])
def test_what_is_wrong_is_named(device, reason):
    verdict, said = judged(**device)
    assert verdict == "failed" and reason in said


def test_a_script_that_stock_torch_cannot_run_proves_nothing():
    assert suite.judge(STOCK, {**STOCK, "code": 1})[0] == "failed"


def test_a_script_may_say_why_it_does_not_run():
    assert judged(values={"skipped": "no spoon"}) == ("skipped", "no spoon")


def test_only_what_both_computed_is_compared_and_half_precision_more_widely():
    largest, wrong = suite.compare({"a": 1.0, "fp16": 3.0, "b_bf16": [[1.01]]},
                                   {"a": 1.0001, "b_bf16": [[1.0]], "c": 5})
    assert wrong == [] and largest["full"] == pytest.approx(1e-4, rel=0.01)
    assert largest["half"] == pytest.approx(0.01)


def test_differences_are_relative_above_one():
    assert suite.difference({"x": [100.0, [0.0]]}, {"x": [101.0, [0.0]]}) == pytest.approx(1 / 101)


def test_the_last_line_counts():
    assert suite.last_object('noise\n{"losses": [1]}\n') == {"losses": [1]}
    assert suite.last_object("") is suite.last_object("3\n") is suite.last_object("{\n") is None


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """Writes scripts by name and makes them the suite."""

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(ON_DEVICE + source)
        monkeypatch.setattr(suite, "SCRIPTS", tmp_path)

    monkeypatch.delenv("TORCH_DEVICE_BACKEND_AUTOLOAD", raising=False)
    monkeypatch.setattr(suite, "STOCK", "import runpy, sys\nrunpy.run_path(sys.argv[1])")
    return write


def test_scripts_run_on_both_and_the_last_line_counts_them(scripts, capsys):
    scripts(good="print('{\"x\": 1}')", bad="print('{\"x\": %d}' % on_device)",
            raises="raise SystemExit('no such thing' if on_device else 0)")
    assert suite.main([]) is True
    out, errors = capsys.readouterr()
    assert out.splitlines()[-1] == "1 passed, 2 failed, 0 skipped"
    assert "[3/3] raises ...  ETA" in errors and "no such thing" in errors


def test_a_script_is_ended_at_its_time_limit(scripts, capsys):
    scripts(hangs="import time\nprint('{}', flush=True)\ntime.sleep(60 * on_device)")
    assert suite.main(["hangs", "--limit", "1", "--json"]) is True
    out, errors = capsys.readouterr()
    assert json.loads(out)["scripts"][0]["reason"] == "not ended after 1 s"
    assert errors.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


def test_who_ends_the_suite_ends_its_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    out = tmp_path / "pid"
    program = (f"import sys; sys.path.insert(0, {str(suite.ROOT)!r})\n"
               "from tools.dev import compatibility as suite\n"
               "suite.chosen = lambda names: []\nsuite.main([])\n"
               f"suite.run(['sh', '-c', 'exec {sys.executable} {script} > {out}'], 60)")
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not (out.exists() and out.read_text().strip()) and time.monotonic() < until:
        time.sleep(0.05)
    pid = int(out.read_text())
    running.terminate()
    assert running.wait(30) == 143
    assert not pathlib.Path(f"/proc/{pid}").exists()


def test_an_unknown_name_is_refused_with_those_there_are():
    done = subprocess.run([sys.executable, suite.__file__, "trainer_gtp"], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 1 and "trainer_gpt" in done.stderr


def test_windows_that_were_planned_and_what_ran_whole():
    text = ("window\t5\tplanned\tdp8 tp1 zero0\t0.5\nwhole\taten::sort\t2\t0.25\t0.5\n"
            "window\t9\t[verify] call 3 reads another value\t-\t0\n"
            "whole\taten::sort\t1\t0.25\t0\nwindows\t2\t1\t4\n")
    assert suite.planned_windows(text) == {
        "windows": 2, "planned": 1, "left": 4, "refused": ["[verify] call 3 reads another value"],
        "whole": {"aten::sort": [3, 1.0]}}


def test_a_script_that_records_nothing_is_no_success(tmp_path):
    script = tmp_path / "silent.py"
    script.write_text("import os\nos._exit(3)\n")
    row = suite.plan_script(script, 60)
    assert row["verdict"] == "failed" and "code 3" in row["refused"][0]
