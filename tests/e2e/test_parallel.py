"""Jobs on several devices: what they compute is what one device computes, and nothing else about a
script changes."""

import json
import subprocess
import sys

import pytest
from harness import plugin
from harness.plugin import ROOT

FLAVORS = {2: "Medium.128GB", 4: "Large.256GB"}
PLANS = ["", "zero=3", "tp=2", "dp=2,tp=2,zero=1", "pp=2", "pp=2,dp=2,zero=3",
         "pp=2,tp=2,microbatches=2", "pp=4,microbatches=4,schedule=zb", "microbatches=3",
         "dp=2,tp=2,zero=3,microbatches=2,recompute=full"]

# Prints numbers that must not depend on how many devices there are.
USES = """
import io, torch, sys
from torch import nn
from torch.nn import functional as F
device = sys.argv[1]
torch.manual_seed(0)
def say(*values):
    print(*(f"{float(v):.5f}" for v in values))

# A dataset on the device, batches picked by index and by slice.
data = torch.randn(50, 12).to(device)
target = (data.sum(1) > 0).long()
model = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 2)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(12):
    chosen = torch.arange(step, step + 24).to(device) if step % 2 else slice(step, step + 22)
    loss = F.cross_entropy(model(data[chosen]), target[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    say(loss.item())

# A batch of one, an evaluation, sums by hand.
model.eval()
with torch.no_grad():
    say(F.cross_entropy(model(data[:1]), target[:1]), F.cross_entropy(model(data), target))
    say((model(data).argmax(1) == target).float().mean())

# Reads and writes of parts.
weight = model[0].weight
say(weight[3, 2], weight[5:7].sum(), weight.detach().cpu()[-1].sum(), weight.norm())
with torch.no_grad():
    weight[2:4].copy_(torch.ones(2, 12))
    weight[:, 1] = 0.5
say(weight.sum(), weight[2].sum())

# A checkpoint there and back, gradients that are gathered over two batches.
file = io.BytesIO()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
file.seek(0)
saved = torch.load(file, map_location=device)
other = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 2)).to(device)
other.load_state_dict(saved["model"])
again = torch.optim.AdamW(other.parameters(), lr=1e-2)
again.load_state_dict(saved["optimizer"])
for step in range(3):
    again.zero_grad()
    for half in (slice(0, 20), slice(20, 41)):
        F.cross_entropy(other(data[half]), target[half]).backward()
    say(nn.utils.clip_grad_norm_(other.parameters(), 1.0))
    again.step()
say(*(p.sum() for p in other.parameters()))

# Losses that count their targets otherwise.
counts = {"weight": torch.tensor([0.25, 2.0]).to(device), "ignore_index": 1, "label_smoothing": 0.1}
for name, value in counts.items():
    for step in range(2):
        loss = F.cross_entropy(model(data[:24]), target[:24], **{name: value})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        say(loss)
say(*(p.sum() for p in model.parameters()))

# What depends on values.
say(len(data[data.sum(1) > 0]), *torch.nonzero(target)[:3].flatten())
say(data.unique().numel(), *torch.sort(data[:, 0]).values[:3])
"""

# One sequence, as long as said, through fused attention.
SEQUENCE = """
import sys, torch
from torch import nn
from torch.nn import functional as F
device, tokens = sys.argv[1], int(sys.argv[2])
torch.manual_seed(0)
words, places = nn.Embedding(40, 32).to(device), nn.Embedding(tokens, 32).to(device)
qkv, out, head = (nn.Linear(32, n).to(device) for n in (96, 32, 40))
parameters = [p for m in (words, places, qkv, out, head) for p in m.parameters()]
optimizer = torch.optim.SGD(parameters, lr=0.3, momentum=0.9)
for step in range(6):
    ids = torch.randint(0, 40, (1, tokens + 1), generator=torch.Generator().manual_seed(step))
    x, y = ids[:, :-1].to(device), ids[:, 1:].contiguous().to(device)
    h = words(x) + places(torch.arange(tokens, device=device))
    q, k, v = (t.view(1, tokens, 4, 8).transpose(1, 2) for t in qkv(h).split(32, dim=2))
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=step % 2 == 0)
    h = h + out(mixed.transpose(1, 2).reshape(1, tokens, 32))
    loss = F.cross_entropy(head(h).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item())
print(*(p.double().sum().item() for p in parameters))
"""

# Steps that the scaler skips among those that it does not.
SCALED = """
import sys, torch
from torch import nn
from torch.nn import functional as F
device = sys.argv[1]
torch.manual_seed(0)
data = torch.randn(50, 12).to(device)
target = (data.sum(1) > 0).long()
model = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 2)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler(device, growth_interval=4)
for step in range(16):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(data[step:step + 30]), target[step:step + 30])
    scaler.scale(loss * (float("inf") if step in (2, 7, 8) else 1)).backward()
    if step > 9:
        scaler.unscale_(optimizer)
        print(nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
    scaler.step(optimizer)
    scaler.update()
    if step % 3 == 2:
        print(loss.item(), scaler.get_scale())
for p in model.parameters():
    state = optimizer.state[p]
    print(p.sum().item(), state["exp_avg"].sum().item(), state["step"].item())
"""

ERRORS = """
import torch
from torch import nn
table = nn.Embedding(10, 8).cuda()
head = nn.Linear(8, 4).cuda()
optimizer = torch.optim.SGD([*table.parameters(), *head.parameters()], 0.1)
def step(ids):
    optimizer.zero_grad()
    loss = head(table(ids)).square().mean()
    loss.backward()
    optimizer.step()
    return loss.item()
good = torch.arange(8).cuda()
first = step(good)
try:
    table(torch.tensor([1, 2, 3, 40]).cuda()).sum().item()
    print("no error")
except IndexError as error:
    print(str(error).splitlines()[0], "/script.py" in str(error))
print(step(good) < first, torch.isfinite(head.weight).all().item())
"""

# 64 MiB of parameters, gradients and moments, made on the device.
LARGE = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
layers = [nn.Linear(512, 512, device="cuda") for _ in range(16)]
optimizer = torch.optim.AdamW([p for layer in layers for p in layer.parameters()], lr=1e-3)
batches = torch.Generator().manual_seed(1)
for step in range(5):
    x, y = (torch.randn(16, 512, generator=batches).cuda() for _ in range(2))
    for layer in layers:
        x = x + torch.tanh(layer(x)) * 0.1
    loss = F.mse_loss(x, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(loss.item())
print(sum(layer.weight.double().sum().item() for layer in layers))
"""

# 8 MiB of activations a layer for the whole batch.
DEEP = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
layers = [nn.Linear(256, 256).cuda() for _ in range(8)]
optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=1e-2)
x, y = (torch.randn(4096, 256) for _ in range(2))
for step in range(3):
    h = x.cuda()
    for layer in layers:
        h = h + F.gelu(layer(h))
    loss = F.mse_loss(h, y.cuda())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    del h
    print(loss.item())
"""

# Of 0.8 MiB, so that what ranks exchange is several bundles.
EXACT = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
body = [m for _ in range(6) for m in (nn.Linear(180, 180), nn.GELU(), nn.LayerNorm(180))]
model = nn.Sequential(*body, nn.Linear(180, 4)).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
batches = torch.Generator().manual_seed(1)
for step in range(8):
    x = torch.randn(24, 180, generator=batches)
    loss = F.cross_entropy(model(x.cuda()), (x.sum(1) > 0).long().cuda())
    optimizer.zero_grad()
    loss.backward()
    if step > 4:
        print(nn.utils.clip_grad_norm_(model.parameters(), 1.0).item().hex())
    optimizer.step()
    print(loss.item().hex())
print(*(p.sum().item().hex() for p in model.parameters()))
"""

KILLED = """
import sys, torch
model = torch.nn.Sequential(*(torch.nn.Linear(64, 64) for _ in range(4))).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
def step():
    optimizer.zero_grad()
    loss = model(torch.randn(16, 64).cuda()).square().mean()
    loss.backward()
    optimizer.step()
    return loss.item() < 10
print(step(), flush=True)
sys.stdin.readline()
try:
    for _ in range(1000):
        step()
except Exception as error:
    print(type(error).__name__, "rank 1 of 2" in str(error), flush=True)
"""


def settings(devices, plan=""):
    return {"MOAI_FLAVOR": FLAVORS[devices], "MOAI_PLAN": plan, "MOAI_QUIET": "1"}


@pytest.mark.parametrize("plan", PLANS)
def test_a_script_as_users_write_it_prints_what_stock_torch_prints(run_on_device,
                                                                   run_on_stock_torch, write_script,
                                                                   plan):
    script = write_script(USES)
    expected = run_on_stock_torch(script, "cpu")
    assert expected.returncode == 0, expected.stderr
    devices = 4 if "p=2," in plan or "pp=4" in plan else 2
    found = run_on_device(script, "cuda", **settings(devices, plan))
    assert found.returncode == 0, found.stderr
    assert "is not right" not in found.stderr  # a plan, which is not used then
    values = [[float(word) for word in done.stdout.split()] for done in (expected, found)]
    assert len(values[0]) == len(values[1]) > 35
    for i, (wanted, got) in enumerate(zip(*values, strict=True)):
        assert got == pytest.approx(wanted, rel=2e-4, abs=2e-4), f"value {i} under {plan!r}"


@pytest.mark.parametrize("devices, plan, tokens", [
    (2, "cp=2", 31), (4, "cp=4,zero=3", 31), (4, "cp=2,tp=2,recompute=full", 30),
    (4, "pp=2,cp=2,zero=1", 31), (4, "cp=4", 3)])
def test_one_sequence_is_shared(run_on_device, run_on_stock_torch, write_script, devices, plan,
                                tokens):
    script = write_script(SEQUENCE)
    expected = run_on_stock_torch(script, "cpu", str(tokens))
    found = run_on_device(script, "cuda", str(tokens), **settings(devices, plan))
    assert found.returncode == expected.returncode == 0, expected.stderr + found.stderr
    values = [[float(word) for word in done.stdout.split()] for done in (expected, found)]
    assert values[1] == pytest.approx(values[0], rel=1e-4, abs=1e-4)
    assert "is not right" not in found.stderr
    assert ("3 tokens, fewer than cp" in found.stderr) == (tokens == 3), found.stderr


def test_a_script_without_a_sequence_is_told_that_cp_shares_nothing(run_on_device, write_script):
    """In the words of `moai plan`; and trains as ever."""
    script = write_script(DEEP)
    expected = run_on_device(script)
    found = run_on_device(script, **settings(2, "cp=2,zero=1"))
    assert found.returncode == expected.returncode == 0, expected.stderr + found.stderr
    values = [[float(line) for line in done.stdout.split()] for done in (expected, found)]
    assert values[1] == pytest.approx(values[0], rel=1e-5)
    assert "no sequence was recognized, so that cp shares no work" in found.stderr


@pytest.mark.parametrize("plan", ["", "zero=1", "zero=3", "tp=2", "pp=2", "microbatches=3",
                                  "pp=2,microbatches=2", "zero=3,microbatches=2,recompute=full",
                                  "pp=2,dp=2,zero=1", "pp=4,dp=1,microbatches=3"])
def test_steps_that_a_scaler_skips(run_on_device, run_on_stock_torch, write_script, plan):
    script = write_script(SCALED)
    expected = run_on_stock_torch(script, "cpu")
    found = run_on_device(script, "cuda", **settings(4 if "dp=" in plan else 2, plan))
    assert found.returncode == expected.returncode == 0, expected.stderr + found.stderr
    values = [[float(word) for word in done.stdout.split()] for done in (expected, found)]
    assert values[1] == pytest.approx(values[0], rel=2e-4, abs=2e-4)
    assert values[0][-1] == 13, "three of the steps are skipped"


def test_an_error_of_a_rank_is_torchs_own_and_the_script_goes_on(run_on_device, write_script):
    done = run_on_device(write_script(ERRORS), **settings(2))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("index out of range in self") and lines[0].endswith("True"), lines
    assert lines[1] == "True True"


# Sums and reduce-scatters of gradients, weights that are gathered ahead, with stages too.
@pytest.mark.parametrize("plan", ["dp=2", "zero=2", "zero=3", "dp=2,tp=2,zero=1",
                                  "pp=2,dp=2,zero=3,microbatches=2"])
def test_what_is_exchanged_beside_calls_changes_no_bit(run_on_device, write_script, plan):
    script = write_script(EXACT)
    devices = 4 if "p=2," in plan else 2
    beside, in_line = (run_on_device(script, **settings(devices, plan), MOAI_OVERLAP=overlap)
                       for overlap in "10")
    assert beside.returncode == in_line.returncode == 0, beside.stderr + in_line.stderr
    assert "is not right" not in beside.stderr
    assert beside.stdout == in_line.stdout and len(beside.stdout.splitlines()) == 12


@pytest.mark.parametrize(("plan", "overlap"),
                         [("", "0"), ("pp=2", "0"), ("", "1"), ("zero=3", "1")])
def test_a_worker_that_is_killed_ends_the_job_with_its_rank(platform, write_script, plan, overlap):
    script = subprocess.Popen([sys.executable, str(write_script(KILLED))], text=True,
                              env=platform.environment(**settings(2, plan), MOAI_OVERLAP=overlap),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    assert script.stdout.readline() == "True\n", script.stderr.read()
    workers = platform.moai("status", "--json")["workers"]
    pid = next(worker["pid"] for worker in workers if worker.get("rank") == 1)
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    out, errors = script.communicate("go\n", timeout=60)
    assert out == "WorkerLost True\n", out + errors


# By shares of the optimizer and of weights, which grow by themselves; by stages of the model.
@pytest.mark.parametrize("plan", ["", "pp=8", "pp=4,microbatches=2"])
def test_what_a_worker_cannot_hold_trains_on_eight(run_on_device, make_platform, write_script,
                                                   plan):
    script = write_script(LARGE)
    expected = run_on_device(script)
    assert expected.returncode == 0, expected.stderr
    small = make_platform(devices=8, MOAI_DEVICE_MEMORY="16MiB")
    small.up()
    del small.settings["MOAI_DEVICE_MEMORY"]  # which a script takes for its own device's
    subprocess.run([plugin.program("moreh-switch-model"), "-M", "4"], check=True, timeout=60,
                   env=small.environment(), capture_output=True)
    found = subprocess.run([sys.executable, str(script)], env=small.environment(MOAI_PLAN=plan),
                           text=True, capture_output=True, timeout=120)
    assert found.returncode == 0, found.stderr
    values = [[float(line) for line in done.stdout.split()] for done in (expected, found)]
    assert values[1] == pytest.approx(values[0], rel=1e-5) and len(values[0]) == 6


def test_a_batch_that_does_not_fit_fits_in_parts(run_on_device, make_platform, write_script):
    script = write_script(DEEP)
    expected = run_on_device(script)
    assert expected.returncode == 0, expected.stderr
    small = make_platform(devices=1, MOAI_DEVICE_MEMORY="48MiB")
    small.up()
    del small.settings["MOAI_DEVICE_MEMORY"]

    def run(plan):
        return subprocess.run([sys.executable, str(script)], text=True, capture_output=True,
                              env=small.environment(MOAI_PLAN=plan, MOAI_QUIET="1"), timeout=120)

    whole = run("")
    assert whole.returncode != 0 and "OutOfMemoryError" in whole.stderr, whole.stderr
    for plan in ("microbatches=8", "microbatches=4,recompute=full"):
        found = run(plan)
        assert found.returncode == 0, found.stderr
        values = [[float(line) for line in done.stdout.split()] for done in (expected, found)]
        assert values[1] == pytest.approx(values[0], rel=1e-5) and len(values[0]) == 3


def test_a_plan_that_does_not_fit_says_so(run_on_device, write_script):
    done = run_on_device(write_script("import torch\ntorch.ones(2).cuda().sum().item()\n"),
                         **settings(2, "dp=3"))
    assert done.returncode != 0
    assert "dp=3" in done.stderr and "is not the number of devices, 2" in done.stderr


def test_models_under_plans_of_every_kind(tmp_path):
    """A pairwise covering set of models, devices, degrees and types."""
    done = subprocess.run([sys.executable, str(ROOT / "bench/parallel.py"), "--json", "--pairwise",
                           "--steps", "8"], env=plugin.stock_environment(), text=True,
                          capture_output=True, timeout=1200)
    assert done.stdout, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert len(rows) > 40
    assert [row for row in rows if row["verdict"] != "ok"] == []
