"""A rehearsal: the script runs, nothing is computed, and what it would have done is in a file."""

import os
import subprocess
import sys

SCRIPT = """
import torch

net = torch.nn.Linear(3, 2).cuda()
optimizer = torch.optim.AdamW(net.parameters())
while True:
    loss = net(torch.ones(4, 3, device="cuda")).sum()
    loss.backward()
    print(loss.item(), flush=True)
    optimizer.step()
"""


def rehearse(tmp_path, text, **settings):
    script, recording = tmp_path / "train.py", tmp_path / "recording.txt"
    script.write_text(text)
    environment = {**os.environ, "MOAI_REHEARSAL": str(recording), "MOAI_STATE_DIR": str(tmp_path),
                   **settings}
    done = subprocess.run([sys.executable, str(script)], env=environment, text=True,
                          capture_output=True, timeout=120)
    return done, recording.read_text() if recording.exists() else ""


def test_ends_after_the_first_step_without_a_platform(tmp_path):
    done, recording = rehearse(tmp_path, SCRIPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0.0\n", "a value that is read is 0"
    assert "train.py:9" in done.stderr, "the warning names the line"
    assert "aten::addmm(" in recording and "_foreach_addcdiv_" in recording
    assert "\nstep\n" not in recording
    assert sorted(os.listdir(tmp_path)) == ["recording.txt", "train.py"]


def test_records_as_many_steps_as_are_wanted(tmp_path):
    done, recording = rehearse(tmp_path, SCRIPT, MOAI_REHEARSAL_STEPS="3")
    assert done.returncode == 0, done.stderr
    assert done.stdout == 3 * "0.0\n"
    assert recording.count("\nstep\n") == 2


def test_a_script_without_optimizer_is_recorded_to_its_end(tmp_path):
    done, recording = rehearse(tmp_path, "import torch\ntorch.ones(3).cuda().neg()\n")
    assert done.returncode == 0, done.stderr
    assert "upload s1 " in recording and "aten::neg(f32[3] s1)" in recording


def test_what_depends_on_values_is_empty(tmp_path):
    script = """
import torch

x = torch.ones(4, 3, device="cuda")
print(x.sum())
assert x[x > 0].shape == (0,) and x[:, x[0] > 0].shape == (4, 0)
assert torch.nonzero(x).shape == (0, 2) and torch.unique(x).shape == (0,)
assert not torch.equal(x, x)
assert torch.bincount(x[0].long(), minlength=5).shape == (5,) and x.histc(bins=4).shape == (4,)
"""
    done, _ = rehearse(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert "tensor(0., device='cuda:0')" in done.stdout
    assert "train.py:5" in done.stderr and "nothing is found, at" in done.stderr
