"""torchvision's wheel for CUDA imports beside the CPU build of torch, and that for the CPU is left
alone."""

import os

import pytest

IMPORT = """
import torch
try:
    import torchvision
except RuntimeError as error:
    print("refused:", error)
else:
    print("imported")
"""
# As torchvision does at its import.
META = """
import torch
@torch.library.register_fake("torchvision::nms")
def nms(dets, scores, iou_threshold):
    return dets
@torch.library.register_fake("torchvision::qnms")
def qnms(dets, scores, iou_threshold):
    return dets
"""
DEFINE = """
import torch
own = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    own.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


@pytest.fixture
def import_torchvision(run_program, tmp_path):
    def run(version, source, **how):
        folder = tmp_path / "torchvision"
        folder.mkdir()
        (folder / "version.py").write_text(f"__version__ = '{version}'\n")
        (folder / "__init__.py").write_text(source)
        path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
        done = run_program(IMPORT, PYTHONPATH=path, **how)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_the_wheel_for_cuda_imports(import_torchvision):
    assert import_torchvision("0.28.0+cu130", META) == "imported"


def test_without_the_device_it_does_not(import_torchvision):
    assert "nms does not exist" in import_torchvision("0.28.0+cu130", META, device=False)


@pytest.mark.parametrize("version", ["0.28.0+cpu", "0.28.0"])
def test_a_wheel_with_operators_of_its_own_is_left_alone(import_torchvision, version):
    assert import_torchvision(version, DEFINE + META) == "imported"
