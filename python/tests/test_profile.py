"""The split of a step's host time, on traces made by hand and on a real one."""

import json
import subprocess
import sys

import pytest

from moai import profile

TRAIN = """
import torch
model = torch.nn.Linear(4, 4).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(30):
    loss = model(torch.ones(2, 4, device="cuda")).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    loss.item()
"""


def event(kind, begin, length, thread=1):
    return {"name": kind, "cat": kind, "ph": "X", "ts": begin, "dur": length, "pid": 1,
            "tid": thread}


def test_inner_spans_are_taken_from_outer_ones():
    spans = [(0, 100, "capture"), (10, 30, "encode"), (40, 60, "wait"), (45, 50, "send")]
    found = profile.self_times(spans)
    assert found == {"autograd": 0, "capture": 60, "encode": 20, "step": 0, "send": 5, "wait": 15}


def test_a_step_is_split_among_all_threads_that_record():
    events = [event("step", 0, 20), event("step", 1000, 0),
              event("capture", 100, 50), event("encode", 110, 10),
              event("autograd", 300, 400), event("capture", 350, 100, thread=2),
              event("send", 360, 80, thread=3), event("wait", 800, 150)]
    found = profile.split({"traceEvents": events}, skip=0)
    assert found["steps"] == 1 and found["length"] == 1000
    assert (found["capture"], found["encode"], found["wait"]) == (140, 10, 150)
    assert found["step"] == 20 and found["autograd"] == 300 and found["beside"] == 80
    assert found["python"] == pytest.approx(1000 - 20 - 140 - 10 - 150 - 300)
    assert "wait" in profile.table(found)


def test_without_steps_it_says_so():
    assert profile.split({"traceEvents": []}) is None
    assert "No two steps" in profile.table(None)


def test_a_script_is_run_and_its_trace_written(tmp_path):
    script, trace = tmp_path / "train.py", tmp_path / "trace.json"
    script.write_text(TRAIN)
    command = [sys.executable, "-m", "moai.profile", "--trace", trace, script]
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "steps of" in done.stderr and "autograd (torch)" in done.stderr
    kinds = {event["cat"] for event in json.loads(trace.read_text())["traceEvents"]}
    assert kinds == {"autograd", "capture", "encode", "send", "wait", "step"}
