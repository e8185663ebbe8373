"""Peak memory of real Workers is what `moai plan` predicts: never more, and hardly less."""

import json
import subprocess
import sys

import pytest
from harness import plugin
from harness.private_platform import PrivatePlatform

# Of the bytes that a rank needs at most.
MEMORY_MAX = 1.05

# Warms up, then trains some steps between two resets of the peak, at which Workers tell theirs.
SCRIPT = """
import sys, torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                 nn.Linear(4 * width, width))

    def forward(self, x):
        heads = (t.unflatten(2, (4, -1)).transpose(1, 2)
                 for t in self.qkv(self.norm(x)).chunk(3, 2))
        x = x + self.out(F.scaled_dot_product_attention(*heads, is_causal=True)
                         .transpose(1, 2).flatten(2))
        return x + self.mlp(x)

if sys.argv[1] == "gpt":
    model = nn.Sequential(nn.Embedding(97, 64), Block(64), Block(64), nn.Linear(64, 97))
    x, y = torch.randint(0, 97, (4, 32)), torch.randint(0, 97, (4 * 32,))
else:
    model = nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Conv2d(24, 40, 3), nn.ReLU(), nn.Flatten(),
                          nn.Linear(40 * 36, 10))
    x, y = torch.randn(8, 3, 16, 16), torch.randint(0, 10, (8,))
model, x, y = model.cuda(), x.cuda(), y.cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, foreach=True)
for step in range(8):
    if step in (4, 7):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    optimizer.zero_grad()
    F.cross_entropy(model(x).flatten(0, -2), y).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Runs the script on two Workers of one thread and gives the peaks that they counted."""
    if problem := plugin.problem():
        pytest.skip(problem)
    folder = tmp_path_factory.mktemp("predicted")
    script, counts = folder / "train.py", folder / "counts"
    script.write_text(SCRIPT)
    with PrivatePlatform(threads=1, devices=2, MOAI_WORKER_COUNTS=str(counts)) as platform:
        def run(model, plan):
            done = subprocess.run(
                [sys.executable, script, model], text=True, capture_output=True, timeout=300,
                env=platform.environment(MOAI_QUIET="1", MOAI_FLAVOR="Medium.128GB",
                                         MOAI_PLAN=plan))
            assert done.returncode == 0, done.stderr
            return script, [int(next(line.split()[1] for line in
                                     open(f"{counts}.{rank}") if line.startswith("peak_bytes")))
                            for rank in range(2)]
        yield run


@pytest.mark.parametrize("model, plan", [
    ("gpt", "dp=2,zero=0"), ("gpt", "dp=2,zero=1"), ("gpt", "dp=2,zero=3"), ("gpt", "tp=2"),
    ("cnn", "dp=2,zero=0")])
def test_peak_memory_is_predicted(job, model, plan):
    script, counted = job(model, plan)
    done = subprocess.run(
        [plugin.program("moai"), "plan", "--json", "--cluster",
         f"{plugin.ROOT}/clusters/a100-80-dgx.toml:2", "--fix", plan, "--python", sys.executable,
         script, model],
        env=plugin.device_environment(), text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    predicted = json.loads(done.stdout)["memory_bytes_max"]
    assert max(counted) <= predicted <= MEMORY_MAX * max(counted), (predicted, counted)
