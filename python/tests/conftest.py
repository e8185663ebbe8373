"""Runs the tests with the device active, from this source tree when it is not installed.

A program of its own (`run_program`) starts as a user's would: `python file.py`, nothing else.
"""

import importlib.metadata
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

PACKAGE_FOLDER = pathlib.Path(__file__).resolve().parent.parent
PROGRAM_SECONDS_MAX = 300


def _installed():
    points = importlib.metadata.entry_points(group="torch.backends")
    return any(point.name == "moai" for point in points)


def _metadata_folder():
    """A folder that makes `torch.backends` of this tree known to importlib.metadata."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moai-metadata-"))
    info = folder / "moai-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moai\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[torch.backends]\nmoai = moai:_autoload\n")
    return folder


def pytest_configure(config):
    for name in ("TORCH_DEVICE_BACKEND_AUTOLOAD", "MOAI_DEVICE"):
        os.environ.pop(name, None)
    paths = [str(PACKAGE_FOLDER)]
    if not _installed():
        paths.append(str(_metadata_folder()))
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])


@pytest.fixture(scope="session")
def torch():
    module = pytest.importorskip("torch")
    from moai import _activation

    assert _activation.is_active(), "the device is not active in this process"
    return module


@pytest.fixture
def run_program(tmp_path):
    """Runs Python source in a process of its own; returns the completed process."""

    def run(source, *arguments, device=True, **environment):
        program = tmp_path / "program.py"
        program.write_text(source)
        env = dict(os.environ, **environment)
        if not device:
            env["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
        return subprocess.run([sys.executable, str(program), *arguments], env=env, text=True,
                              capture_output=True, timeout=PROGRAM_SECONDS_MAX)

    return run
