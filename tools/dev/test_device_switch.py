"""MOAI_DEVICE against the torch that the build finds, with a Python that only prints its facts."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def configure(tmp_path):
    cmake = shutil.which("cmake")
    if not cmake:
        pytest.skip("no cmake")

    def run(device, facts):
        python = tmp_path / "python"
        body = "".join(f"echo '{fact}'\n" for fact in facts) if facts else "exit 1\n"
        python.write_text("#!/bin/sh\n" + body)
        python.chmod(0o755)
        result = subprocess.run(
            [cmake, f"-DMOAI_DEVICE={device}", f"-DMOAI_PYTHON={python}", "-P",
             str(ROOT / "cmake/moai_torch.cmake")], capture_output=True, text=True, timeout=60)
        return " ".join(result.stderr.split())

    return run


CPU = ("/torch", "2.13.0+cpu", "no", "no", "/include")


@pytest.mark.parametrize("device, message", [
    ("cuda", "MOAI_DEVICE=cuda needs a CUDA build of torch"),
    ("hip", "MOAI_DEVICE=hip needs a ROCm build of torch"),
    ("tpu", "MOAI_DEVICE=tpu: expected cpu, cuda or hip")])
def test_a_device_that_torch_lacks_is_refused(configure, device, message):
    assert message in configure(device, CPU)


@pytest.mark.parametrize("device, facts", [
    ("cpu", CPU), ("cuda", ("/torch", "2.13.0+cu130", "13.0", "no", "/include")),
    ("hip", ("/torch", "2.13.0+rocm7.0", "no", "7.0", "/include"))])
def test_a_device_that_torch_has_is_taken(configure, device, facts):
    assert "MOAI_DEVICE" not in configure(device, facts)


def test_a_python_without_torch_names_the_command(configure):
    assert "run ./dev setup" in configure("cpu", None)
