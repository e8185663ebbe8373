"""Scripts run as a user's would, `python script.py`, on a private local platform.

Tests that need the plug-in skip only where it is not built.
"""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT_S_MAX = 300
sys.path.insert(0, str(ROOT / "bench"))

from harness import plugin  # noqa: E402
from harness.private_platform import PrivatePlatform  # noqa: E402


def _require_plugin():
    if problem := plugin.problem():
        pytest.skip(problem)


def _run(script, arguments, environment):
    return subprocess.run([sys.executable, str(script), *map(str, arguments)], env=environment,
                          text=True, capture_output=True, timeout=SCRIPT_S_MAX)


@pytest.fixture(scope="session")
def platform():
    """One for all tests that do not change it: four devices, one thread each."""
    _require_plugin()
    with PrivatePlatform(threads=1, devices=4) as private:
        yield private


@pytest.fixture
def make_platform():
    """Makes further ones, with settings of their own; ended with the test."""
    _require_plugin()
    made = []

    def make(**settings):
        made.append(PrivatePlatform(threads=1, **settings))
        return made[-1]

    yield make
    for private in made:
        private.__exit__()


@pytest.fixture
def write_script(tmp_path):
    """Writes a user's script; returns its path."""

    def write(source, name="script.py"):
        path = tmp_path / name
        path.write_text(source)
        return path

    return write


@pytest.fixture
def run_on_device(platform):
    """Runs a script (a path) with the plug-in; further arguments are the script's."""

    def run(script, *arguments, **settings):
        return _run(script, arguments, platform.environment(**settings))

    return run


@pytest.fixture
def run_on_stock_torch():
    def run(script, *arguments, **settings):
        return _run(script, arguments, plugin.stock_environment(**settings))

    return run


@pytest.fixture(autouse=True)
def _no_site_is_configured(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("MOREH_SDA_", "MOAI_FLAVOR", "MOAI_QUIET", "MOAI_DISABLE",
                            "MOAI_DEVICE")):
            monkeypatch.delenv(name)
