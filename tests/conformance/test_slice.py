"""A slice of the conformance suites on the device; the whole is `./dev conformance`."""

import os
import subprocess
import sys

from tests.conformance.__main__ import ROOT

EVERY = 30  # entries
SECONDS_MAX = 900


def test_every_30th_entry_of_each_suite_passes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", "--every", str(EVERY), "--out", str(tmp_path)],
        cwd=ROOT, env=dict(os.environ), text=True, capture_output=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stdout + (tmp_path / "report.json").read_text()[-4000:]
