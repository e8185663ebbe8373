"""Errors are torch's own, at the call where the shapes tell, else at the next look at a value."""

import pytest


def test_shapes_are_checked_at_the_call(torch):
    a = torch.ones(2, 3, device="cuda")
    with pytest.raises(RuntimeError, match="cannot be multiplied|same reduction dim"):
        a @ a
    with pytest.raises(RuntimeError, match="must match"):
        a + torch.ones(4, device="cuda")
    with pytest.raises(RuntimeError, match="broadcast shape"):
        torch.ones(2, device="cuda").copy_(a.t())


def test_devices_do_not_mix(torch):
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2, device="cuda") + torch.ones(2)
    assert (torch.ones(2, device="cuda") + torch.tensor(1.0)).tolist() == [2.0, 2.0]


def test_running_out_of_memory_is_raised_at_the_call(torch):
    with pytest.raises(torch.cuda.OutOfMemoryError, match="Tried to allocate"):
        torch.empty(1 << 50, dtype=torch.uint8, device="cuda")
    assert torch.ones(2, device="cuda").sum().item() == 2.0


def test_a_device_error_names_operator_and_line(torch):
    weight = torch.ones(2, 2, device="cuda")
    with pytest.raises((RuntimeError, IndexError)) as caught:
        torch.nn.functional.embedding(torch.tensor([9], device="cuda"), weight).cpu()
    assert "aten::embedding" in str(caught.value) and "test_errors.py:" in str(caught.value)
    assert weight.sum().item() == 4.0  # raised once; the rest goes on


def test_a_second_device_does_not_exist(torch):
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.ones(2, device="cuda:1")


def test_unseen_device_error_ends_the_program_with_one(run_program):
    done = run_program(
        "import torch\n"
        "w = torch.ones(2, 2, device='cuda')\n"
        "torch.nn.functional.embedding(torch.tensor([9], device='cuda'), w)\n"
    )
    assert done.returncode == 1
    assert "embedding" in done.stderr


def test_a_forked_child_gets_the_usual_message(run_program):
    done = run_program(
        "import os, torch\n"
        "x = torch.ones(2, device='cuda'); x.sum().item()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        torch.ones(2, device='cuda')\n"
        "    except RuntimeError as e:\n"
        "        os._exit(7 if 'forked subprocess' in str(e) else 8)\n"
        "    os._exit(9)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n"
        "assert (x + 1).tolist() == [2.0, 2.0]\n"
    )
    assert done.returncode == 0, done.stderr


def test_children_of_a_data_loader_leave_the_device_alone(run_program):
    done = run_program(
        "import torch\n"
        "from torch.utils.data import DataLoader, TensorDataset\n"
        "x = torch.ones(2, device='cuda'); x.sum().item()\n"
        "data = TensorDataset(torch.randn(8, 3), torch.arange(8))\n"
        "total = 0\n"
        "for batch, y in DataLoader(data, batch_size=4, pin_memory=True, num_workers=1):\n"
        "    assert batch.is_pinned(); total += y.to('cuda', non_blocking=True).sum().item()\n"
        "assert total == 28 and x.sum().item() == 2.0\n"
    )
    assert done.returncode == 0, done.stderr


def test_an_inactive_device_leaves_torch_as_it_was(run_program):
    done = run_program("import torch; assert not torch.cuda.is_available()", MOAI_DISABLE="1")
    assert done.returncode == 0, done.stderr
