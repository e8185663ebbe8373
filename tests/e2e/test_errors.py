"""Errors and ends of scripts, seen from outside."""

from harness.script import SCRIPTS

PENDING = """
import torch
import torch.nn.functional as F
F.embedding(torch.tensor([9], device="cuda"), torch.ones(2, 2, device="cuda"))
print("last line", flush=True)
"""
RAISED = """
import torch
x = torch.ones(3, device="cuda")
x.sum().item()
raise ValueError("the script's own")
"""
UNUSED_RESULT = """
import torch
x = torch.ones(3, device="cuda")
for _ in range(1000):
    x = x * 1.0001
"""


def test_a_pending_device_error_is_printed_at_the_end_with_exit_code_1(run_on_device, write_script):
    done = run_on_device(write_script(PENDING))
    assert "last line" in done.stdout
    assert done.returncode == 1
    assert "embedding" in done.stderr, done.stderr


def test_an_exception_of_the_script_stays_what_it_is(run_on_device, write_script):
    done = run_on_device(write_script(RAISED))
    assert done.returncode == 1
    assert done.stderr.strip().endswith("ValueError: the script's own")


def test_work_that_nobody_reads_ends_well(run_on_device, write_script):
    done = run_on_device(write_script(UNUSED_RESULT))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_forked_child_that_uses_the_device_gets_the_message_of_cuda(run_on_device):
    done = run_on_device(SCRIPTS / "fork.py")
    assert done.returncode == 0, done.stderr
    assert "child: Cannot re-initialize CUDA in forked subprocess" in done.stdout
    assert "parent after 6.0" in done.stdout


def test_a_script_that_becomes_another_leaves_its_lease(run_on_device):
    done = run_on_device(SCRIPTS / "replace.py")
    assert "result" in done.stdout, done.stderr
