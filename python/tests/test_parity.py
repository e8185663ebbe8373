"""Training on a CPU Worker gives the same bits as torch on this machine's CPU."""

import json
import pathlib

import pytest

PROGRAM = (pathlib.Path(__file__).parent / "training.py").read_text()


def losses(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("optimizer", ["loop", "foreach", "fused"])
@pytest.mark.parametrize("model", ["mlp", "cnn", "gpt"])
def test_losses_and_weights_are_bit_identical(run_program, model, optimizer):
    here = losses(run_program(PROGRAM, "cpu", model, optimizer, device=False))
    there = losses(run_program(PROGRAM, "cuda", model, optimizer))
    assert there == here
