"""torch.moreh.option.enable_advanced_parallelization: what it pins, refuses and turns on."""

import pytest
from moai import _parallelization

AUTO = {"pipeline_parallel": True, "num_stages": "auto", "num_micro_batches": "auto",
        "activation_recomputation": "auto", "distribute_parameter": "auto"}


@pytest.mark.parametrize(("said", "pins"), [
    ({}, ""),
    ({"num_stages": 2, "num_micro_batches": 8}, "pp=2,microbatches=8"),
    ({"pipeline_parallel": False}, "pp=1"),
    ({"activation_recomputation": True, "distribute_parameter": False},
     "recompute=selective,zero=0"),
    ({"activation_recomputation": 2, "distribute_parameter": True}, "recompute=full,zero=3"),
    ({"activation_recomputation": False}, "recompute=none"),
])
def test_what_is_said_is_pinned(said, pins):
    assert _parallelization.pins(**{**AUTO, **said}) == pins


@pytest.mark.parametrize(("said", "message"), [
    ({"num_stages": 0}, "num_stages=0 is neither 'auto' nor a number from 1 on"),
    ({"num_micro_batches": True}, "num_micro_batches=True is neither"),
    ({"pipeline_parallel": False, "num_stages": 4}, "num_stages=4 without pipeline_parallel"),
    ({"activation_recomputation": "some"}, "activation_recomputation='some' is not one of 'auto'"),
    ({"distribute_parameter": 7}, "distribute_parameter=7 is not one of 'auto', True, False"),
])
def test_what_cannot_be_is_told(said, message):
    with pytest.raises(ValueError, match="^" + message.replace("(", "\\(")):
        _parallelization.pins(**{**AUTO, **said})


def test_is_for_before_the_device_is_used(run_program):
    done = run_program("""
import torch
torch.ones(2, device="cuda").sum().item()
try:
    torch.moreh.option.enable_advanced_parallelization()
except Exception as error:
    print(type(error).__name__, error)
""")
    assert "the device is in use already" in done.stdout, done.stderr


def test_mixed_precision_computes_in_bfloat16_and_its_weights_follow_the_steps(run_program):
    source = """
import contextlib, sys, torch
if sys.argv[1] == "on":
    torch.moreh.option.enable_advanced_parallelization(mixed_precision=True)
torch.manual_seed(0)
layer = torch.nn.Linear(8, 8, device="cuda")
optimizer = torch.optim.SGD(layer.parameters(), 0.1)
x = torch.ones(4, 8, device="cuda")
for step in range(3):
    under = sys.argv[1] == "with"
    with torch.autocast("cuda", torch.bfloat16) if under else contextlib.nullcontext():
        y = layer(x)
    optimizer.zero_grad()
    y.float().square().mean().backward()
    optimizer.step()
    print(y.dtype, y.float().sum().item())
"""
    on, under, off = (run_program(source, how) for how in ("on", "with", "off"))
    assert on.stdout == under.stdout != off.stdout, on.stderr
    assert on.stdout.count("bfloat16") == 3
