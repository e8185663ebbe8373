"""The committed table of pointwise operators is the one that the installed torch gives."""

import os
import pathlib
import subprocess
import sys

TOOL = pathlib.Path(__file__).with_name("pointwise.py")


def run(tool, *arguments):
    return subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True,
                          timeout=300, env={**os.environ, "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"})


def test_the_table_is_what_the_tool_writes():
    done = run(TOOL, "--check")
    assert done.returncode == 0, done.stderr


def test_another_table_is_found(tmp_path):
    tool = tmp_path / "tools/census/pointwise.py"
    table = tmp_path / "moai/ops/sharding/pointwise_table.cc"
    for path in (tool, table):
        path.parent.mkdir(parents=True)
    tool.write_text(TOOL.read_text())
    table.write_text("another")
    assert run(tool, "--check").returncode == 1
    assert run(tool).returncode == 0
    assert run(tool, "--check").returncode == 0
