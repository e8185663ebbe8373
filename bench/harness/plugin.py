"""Finds the built plug-in and programs, and makes environments for scripts with and without it."""

import atexit
import functools
import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE_FOLDER = ROOT / "python"
_CONNECTION = ("MOREH_SDA_MANAGER_ADDRESS", "MOREH_SDA_TOKEN", "MOREH_SDA_CA", "MOAI_FLAVOR")


@functools.cache
def _installed():
    """True where `torch.backends` leads to this tree, as after an editable install."""
    points = importlib.metadata.entry_points(group="torch.backends")
    return any(point.name == "moai" for point in points)


@functools.cache
def metadata_folder():
    """A folder that makes the entry point known without an installation."""
    folder = tempfile.mkdtemp(prefix="moai-metadata-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    info = pathlib.Path(folder, "moai-0.1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moai\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[torch.backends]\nmoai = moai:_autoload\n")
    return folder


def _python_path():
    return [] if _installed() else [str(PACKAGE_FOLDER), metadata_folder()]


@functools.cache
def _package():
    if not _installed():
        sys.path.insert(0, str(PACKAGE_FOLDER))
    return importlib.import_module("moai")


def problem():
    """Why scripts cannot use the device here; None when they can."""
    _package()
    if importlib.util.find_spec("moai._C") is None:
        return "the front extension moai._C is not built; run ./dev setup"
    for name in ("moai-session", "moai-master", "moai-agent", "moai-worker"):
        if program(name) is None:
            return f"the program {name} is not built; run ./dev setup"
    return None


def program(name):
    """Path of one of our programs: beside moai-session, where the build puts it, or in PATH."""
    _package()
    from moai import _session

    folders = [os.path.dirname(_session.program()), str(ROOT / "build/release/bin")]
    return shutil.which(name, path=os.pathsep.join(folders)) or shutil.which(name)


def stock_environment(**more):
    """Plain CPU torch."""
    return dict(os.environ, TORCH_DEVICE_BACKEND_AUTOLOAD="0", **more)


def device_environment(**more):
    """The plug-in active, no site configured."""
    environment = {k: v for k, v in os.environ.items() if k not in _CONNECTION}
    environment.pop("TORCH_DEVICE_BACKEND_AUTOLOAD", None)
    path = [*_python_path(), *filter(None, [environment.get("PYTHONPATH")])]
    if path:
        environment["PYTHONPATH"] = os.pathsep.join(path)
    return {**environment, **more}
