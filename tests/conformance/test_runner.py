"""A case that dies or hangs takes no other along, and a run can be taken up again."""

import json
import os

import pytest

from tests.conformance import __main__ as command
from tests.conformance import baseline, catalogue, report, runner
from tests.conformance.case import Case

ROOT = command.ROOT


@pytest.fixture
def answers(tmp_path):
    """{id: kind} of groups of ids, run by faulty children."""
    environment = dict(os.environ, PYTHONPATH=ROOT)
    log = str(tmp_path / "log")

    def run(*groups, jobs=1):
        found = {}
        runner.START_SECONDS, before = 2, runner.START_SECONDS
        try:
            runner.run(groups, lambda: runner.Child("cpu", environment, log,
                                                    "tests.conformance.faulty_child"),
                       jobs, lambda line: found.update({line["id"]: line}), case_seconds_max=1)
        finally:
            runner.START_SECONDS = before
        return found

    return run


def kinds(found):
    return {text.split("/")[1]: line["kind"] for text, line in found.items()}


def test_a_death_is_told_with_its_signal_and_the_rest_is_run(answers):
    found = answers(["s/a/-/c", "s/dies/-/c", "s/b/-/c"])
    assert kinds(found) == {"a": "passed", "dies": "crashed", "b": "passed"}
    assert found["s/dies/-/c"]["message"] == "killed by signal 11"


def test_a_hang_ends_at_the_limit_and_the_rest_is_run(answers):
    found = answers(["s/hangs/-/c", "s/b/-/c"])
    assert kinds(found) == {"hangs": "hung", "b": "passed"}


def test_a_child_that_lost_its_device_is_replaced(answers):
    assert kinds(answers(["s/gone/-/c", "s/b/-/c"])) == {"gone": "crashed", "b": "passed"}


def test_every_group_is_run_by_several_lanes(answers):
    found = answers(*[[f"s/e{i}/-/c"] for i in range(5)], ["s/dies/-/c"], jobs=2)
    assert len(found) == 6


def test_a_torn_journal_is_taken_up(tmp_path):
    path = tmp_path / "j.jsonl"
    whole = json.dumps({"id": "ops/add/float32/forward", "kind": "passed", "message": ""})
    path.write_text(whole + "\n" + whole[:20])
    journal = command.Journal(str(path), resume=True)
    assert list(journal.results.found) == [Case("ops", "add", "float32", "forward")]


def test_shards_are_a_partition():
    entries = [f"entry{i}" for i in range(100)]
    found = [{e for e in entries if catalogue.in_shard("ops", e, (i, 4))} for i in (1, 2, 3, 4)]
    assert set().union(*found) == set(entries) and sum(map(len, found)) == 100


def test_a_baseline_is_read_as_written(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "FOLDER", str(tmp_path))
    passed, failed = Case("s", "a", "float32", "out"), Case("s", "a", "int64", "out")
    baseline.write("s", {passed: ("passed", ""), failed: ("failed", "E: no\tway"),
                         Case("s", "b", "-", "out"): ("none", "")})
    assert baseline.passing("s") == [passed]
    assert baseline.failing("s") == {failed.id: "E: no way"}


def test_closing_lines_count_every_kind():
    results = report.Results()
    for text, kind in (("s/a/-/c", "passed"), ("s/b/-/c", "hung"), ("t/a/-/c", "crashed")):
        results.add({"id": text, "kind": kind, "message": ""})
    assert results.closing_lines({"s": 2}) == [
        "s: 1 passed, 1 failed, 2 skipped (50.00 %)", "t: 0 passed, 1 failed, 0 skipped (0.00 %)",
        "all: 1 passed, 2 failed, 2 skipped (33.33 %); 1 crashes, 1 hangs"]
