"""The benchmarks' own judgement: they must fail where a figure or a bit is wrong."""

import json
import os
import math
import subprocess
import sys

import pytest

import lease
import parity
import predicted
import step
from harness import plugin, script, table
from harness.plugin import ROOT


def result(losses, **hashes):
    return {"losses": [[value] for value in losses], "hashes": hashes}


def test_a_loss_that_differs_in_its_last_bit_is_found():
    other = result([1.0, math.nextafter(2.0, 3.0)], w="a")
    assert "loss of step 2" in parity.first_difference(result([1.0, 2.0], w="a"), other)


def test_a_parameter_that_differs_is_named():
    assert parity.first_difference(result([1.0], w="a", b="b"), result([1.0], w="a", b="c")) == \
        "final b differ"


def test_equal_results_have_no_difference_also_when_not_a_number():
    assert parity.first_difference(result([math.nan], w="a"), result([math.nan], w="a")) is None


def test_errors_are_relative_above_one_and_infinite_where_not_a_number():
    assert parity.error_of([100.0, 0.5], [101.0, 0.5]) == pytest.approx(0.01)
    assert parity.error_of([0.5], [0.6]) == pytest.approx(0.1)
    assert parity.error_of([1.0], [math.nan]) == math.inf


def test_elements_whose_gradient_is_rounding_noise_are_exempt_and_zero_is_not():
    gradients = {"bias": [1e-18, 0.0, 0.5], "weight": [0.2]}
    assert parity.zero_gradient_elements({"gradients": gradients}) == {"bias": {0}}
    reference, other = ({"values": {"bias": [b, 1.0, 1.0], "weight": [1.0]}} for b in (1.0, 9.0))
    assert parity.parameter_error(reference, other, {"bias": {0}}) == 0
    assert parity.parameter_error(reference, other, {}) == 8


def test_targets_depend_on_the_length_of_a_step_and_on_the_reads():
    def met(case="gpt", read="never", stock_ms=1.0, ratio=1.0, torch_compile=False, **more):
        return step.target_of({"case": case, "read": read, "stock_ms": stock_ms, "ratio": ratio,
                               "platform_ms": stock_ms * ratio, **more}, torch_compile)[1]

    assert met(ratio=1.0) and not met(ratio=1.01)
    assert met(read="every", ratio=1.5)
    assert met(read="every", ratio=1.5, front_s=9e-4, worker_s=5e-4)
    assert not met(read="every", ratio=1.5, front_s=8e-4, worker_s=5e-4)
    assert met(read="every", stock_ms=20, ratio=1.02)
    assert not met(read="every", stock_ms=20, ratio=1.03)
    assert not met(ratio=0.9, round_trips=0.5)
    used = {"phase": "used"}
    assert met(stock_ms=20, ratio=0.97, window=used)
    assert not met(stock_ms=20, ratio=0.98, window=used)
    assert met(stock_ms=20, ratio=1.0, window={"phase": "dropped"})
    assert met("trivial", "every", 0.1, 9.0) and not met("trivial", "every", 0.1, 11.0)
    assert met(ratio=1.1, torch_compile=True) and not met(ratio=1.11, torch_compile=True)


def test_a_window_is_held_to_what_it_replaces_or_to_half_of_stocks_step():
    def verdict(case, phase="used", interpreted_ns=8e5, compiled_ns=4e5):
        return step.window_target({"case": case, "stock_ms": 1.0, "window": {
            "phase": phase, "interpreted_ns": interpreted_ns, "compiled_ns": compiled_ns}})[1]

    assert verdict("mlp") == "ok" and verdict("mlp", compiled_ns=9e5) == "MISSED"
    assert verdict("mlp", "dropped", compiled_ns=9e5) == "ok"
    assert verdict("gpt-small") == "ok" and verdict("gpt-small", compiled_ns=6e5) == "MISSED"
    assert verdict("gpt-small", "dropped") == "MISSED", "what is interpreted takes longer"
    assert verdict("gpt-small", "dropped", interpreted_ns=5e5) == "ok"
    assert verdict("gpt-small", "dropped", interpreted_ns=0) == "MISSED", "nothing was measured"


def test_a_lease_that_took_too_long_once_misses_its_target():
    assert lease.row("x", [0.1, 0.9], 1.0)["met"]
    assert not lease.row("x", [0.1, 1.1], 1.0)["met"]
    assert lease.row("x", [5.0], None)["met"]
    assert lease.row("x", [0.1, 0.1, 9.0], 1.0, of="median")["met"]
    assert not lease.row("x", [0.1] * 98 + [9.0] * 2, 1.0, of="p99")["met"]


def test_a_grant_is_measured_against_the_disk_below_it():
    found = {"rounds": 3, "commits": 6, "fsync_s": [0.001] * 3, "lease_s": [0.004, 0.004, 0.005]}
    assert all(row["met"] for row in lease.grant_rows(found))
    assert [row["met"] for row in lease.grant_rows({**found, "commits": 7})] == [True] * 3 + [False]
    assert not all(row["met"] for row in lease.grant_rows({**found, "lease_s": [0.005] * 3}))


def test_tables_align_their_columns():
    assert table.render(["name", "ms"], [["a", "1.5"], ["long", "10.25"]]).splitlines() == [
        "name  ms", "-----------", "a       1.5", "long  10.25"]


def test_the_steps_of_stock_torch_are_measured_against_itself():
    done = subprocess.run([sys.executable, str(ROOT / "bench/step.py"), "--device", "cpu",
                           "--rounds", "1", "--case", "mlp", "--case", "trivial", "--json"],
                          env=plugin.stock_environment(), text=True, capture_output=True,
                          timeout=200)
    rows = json.loads(done.stdout)["steps"]
    assert [(row["case"], row["read"]) for row in rows] == [
        ("mlp", "never"), ("mlp", "10"), ("mlp", "every"), ("trivial", "every")]
    assert all(row["stock_ms"] > 0 and row["ratio"] > 0 for row in rows)


@pytest.mark.skipif(not os.path.exists("/dev/pts/ptmx"), reason="needs pseudo-terminals")
def test_a_script_in_a_terminal_hears_its_keys():
    environment = plugin.stock_environment()
    with script.Script("train.py", "--device", "cpu", "--steps", 10_000, "--pause", 0.05,
                       environment=environment, terminal=True) as running:
        running.await_line("step 1 ")
        running.press(b"\x03")
        assert running.await_end(20) != 0
        assert "KeyboardInterrupt" in running.text()


def test_a_script_that_says_nothing_more_is_reported_with_what_it_said():
    with script.Script("train.py", "--device", "cpu", "--steps", 1,
                       environment=plugin.stock_environment()) as running:
        with pytest.raises(AssertionError, match="step 0"):
            running.await_line("step 5 ")


def test_predicted_seconds_are_judged_by_the_wall_clock_or_where_others_work_by_cpu_time():
    def judged(wanted, wall, cpu, others, again=1.0):
        a = {"step_s": wall, "cpu_s": cpu, "script_s": 0, "others": others}
        return predicted.judged_time(
            [wanted] * 3, [(a, {**a, "step_s": wall * again, "cpu_s": cpu * again})] * 3)

    assert judged(1.14, 1, 0.5, 0)["good"] and not judged(1.16, 1, 0.5, 0)["good"]
    assert judged(0.86, 1, 0.5, 0)["good"] and not judged(0.84, 1, 0.5, 0)["good"]
    assert judged(1.16, 1, 0.5, 0, again=1.09)["good"], "twice what the same job differs by"
    assert judged(0.5, 1, 0.5, 1.0)["good"] and judged(0.5, 1, 0.5, 1.0)["by"] == "cpu_s"
    assert not judged(1, 1, 0.5, 1.0)["good"]


def test_predicted_seconds_are_those_of_a_calibration_before_each_round():
    rounds = [{"step_s": s, "cpu_s": s / 2, "script_s": 0, "others": 0} for s in (1, 1.5, 0.5)]
    found = predicted.judged_time([0.9, 1.35, 0.45], [(a, a) for a in rounds])
    assert found["errors"] == pytest.approx({"step_s": -0.1, "cpu_s": 0.8}) and found["good"]
