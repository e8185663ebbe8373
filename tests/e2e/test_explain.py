"""`moai explain`: what a job did, at the lines of its script."""

import json
import subprocess
import sys

from harness import plugin

SCRIPT = """
import torch
x = torch.ones(4, device="cuda")
for step in range(5):
    x = x * 2
    value = x.sum().item()
rows = x[x > 0]
torch.cuda.synchronize()
"""


def explain(platform, *arguments):
    done = subprocess.run([plugin.program("moai"), "explain", *arguments],
                          env=platform.environment(), text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_wait_stands_at_the_line_that_waited(make_platform, write_script):
    platform = make_platform()
    path = write_script(SCRIPT)
    done = subprocess.run([sys.executable, str(path)], env=platform.environment(), text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(explain(platform, "--json"))
    assert found["state"] == "ended" and found["process"].endswith("script.py")
    waits = {(row["reason"], row["line"]): row["count"] for row in found["waits"]}
    assert 1 <= waits["read", f"{path}:6"] <= 5
    assert waits["shape", f"{path}:7"] == 1
    assert ("synchronize", f"{path}:8") in waits
    assert sum(row["count"] for row in found["flushes"]) >= 3
    text = explain(platform, "--flushes")
    assert "script.py:6" in text and "|  read" in text
