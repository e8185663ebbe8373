"""`moai plan` of unmodified scripts: no lease, no values, no platform."""

import json
import os
import subprocess
import sys

import pytest
from harness import plugin

ROOT = plugin.ROOT
GPT = ROOT / "examples/gpt/train.py"
GPT_OF_ANY_SIZE = ROOT / "bench/workloads/gpt_size.py"
PARAMETERS = 822_912
CLUSTER = f"{ROOT}/clusters/a100-80-dgx.toml:8"


@pytest.fixture
def plan(tmp_path):
    if problem := plugin.problem():
        pytest.skip(problem)

    def run(*arguments, code=0):
        environment = plugin.device_environment(MOAI_STATE_DIR=str(tmp_path / "state"))
        done = subprocess.run([plugin.program("moai"), "plan", "--python", sys.executable,
                               *map(str, arguments)],
                              env=environment, text=True, capture_output=True, timeout=300)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    yield run
    state = tmp_path / "state"
    kept = sorted(os.listdir(state)) if state.exists() else []
    assert kept in ([], ["plans"]), "no platform is started"


def test_the_example_gpt_on_eight_devices(plan, tmp_path):
    page = tmp_path / "plan.html"
    done = plan("--cluster", CLUSTER, "--json", "--html", page, GPT, "--batch", 64)
    found = json.loads(done.stdout)
    degrees = found["plan"]
    assert degrees["dp"] * degrees["tp"] * degrees["pp"] * degrees["cp"] == 8
    assert found["candidates"] > 100 and len(found["alternatives"]) == 5
    assert len(degrees["stages"]) == degrees["pp"]
    assert 0 < found["lower_bound_s"] <= found["step_s"] < found["one_device_step_s"]
    assert found["memory_bytes_max"] < found["memory_limit_bytes"]
    assert sum(found["waterfall"].values()) == pytest.approx(found["step_s"])
    assert found["unsupported"] == [], "every operator of it has a rule"
    assert "train.py" in done.stderr, "the warning names the line that reads a value"
    assert "103 × 128" in page.read_text()


def test_what_is_found_can_be_pinned(plan, tmp_path):
    """Stages and micro-batches, as `--fix` and MOAI_PLAN spell them, priced the same again."""
    page = tmp_path / "plan.html"
    arguments = ("--cluster", CLUSTER, "--json", "--html", page, "--fix")
    first = json.loads(plan(*arguments, "pp=2,microbatches=4", GPT, "--batch", 64).stdout)
    chosen = first["plan"]
    assert chosen["pp"] == 2 and chosen["microbatches"] == 4
    assert [s["devices"] for s in chosen["stages"]] == [4, 4]
    for stage in chosen["stages"]:
        assert 0 < stage["memory_bytes"] <= first["memory_bytes_max"]
        assert stage["step_s"] <= first["step_s"] * 1.0001
    assert sum(first["waterfall"].values()) == pytest.approx(first["step_s"])
    assert "Pipeline: 2 stages" in page.read_text()
    again = json.loads(plan(*arguments, chosen["fix"], GPT, "--batch", 64).stdout)
    assert {**again["plan"], "stages": 0} == {**chosen, "stages": 0}
    assert again["step_s"] == pytest.approx(first["step_s"]) and not again["cached"]
    once_more = json.loads(plan(*arguments, chosen["fix"], GPT, "--batch", 64).stdout)
    assert once_more["cached"] and once_more["step_s"] == pytest.approx(again["step_s"])
    less = json.loads(plan(*arguments, chosen["fix"], GPT, "--batch", 32).stdout)
    assert (less["begun_with"], less["cached"]) == (chosen["text"], False)
    assert less["step_s"] < once_more["step_s"] and first["begun_with"] is None


def test_exchanges_hide_beside_calls_where_the_description_says_so(plan, tmp_path):
    with open(CLUSTER[:-2]) as file:
        text = file.read()
    file = tmp_path / "beside.toml"
    file.write_text(text.replace("[device]\n", "[device]\noverlaps_exchanges = true\n", 1))
    size = ("--width", 1024, "--layers", 4, "--heads", 16, "--tokens", 512, "--batch", 64)
    beside, in_line = (json.loads(plan("--cluster", cluster, "--json", "--fix", "dp=8,zero=0",
                                       GPT_OF_ANY_SIZE, *size).stdout)
                       for cluster in (f"{file}:8", CLUSTER))
    assert beside["step_s"] < in_line["step_s"] and not in_line["cached"]
    shown = beside["waterfall"]["collectives_s"]
    assert shown < in_line["waterfall"]["collectives_s"]
    assert sum(beside["waterfall"].values()) == pytest.approx(beside["step_s"])
    assert beside["lower_bound_s"] <= beside["step_s"]


def test_data_parallel_sums_gradients_and_nothing_else(plan):
    done = plan("--cluster", CLUSTER, "--json", "--fix",
                "dp=8,zero=0,microbatches=1,recompute=none", GPT, "--batch", 64)
    found = json.loads(done.stdout)
    assert found["samples_per_s"] * found["step_s"] == pytest.approx(64)
    (traffic,) = found["traffic"]
    scalars = 8  # the loss, and its count
    assert traffic["received_bytes"] == 4 * PARAMETERS + scalars
    assert found["memory"]["weight_bytes"] == 4 * PARAMETERS
    assert found["memory"]["state_bytes"] == pytest.approx(8 * PARAMETERS, rel=1e-3)


def test_a_context_is_split_where_it_is_pinned(plan, write_script):
    pinned = "dp=4,cp=2,tp=1,pp=1,zero=0,microbatches=1,recompute=none"
    arguments = ("--cluster", CLUSTER, "--json", "--fix", pinned)
    found = json.loads(plan(*arguments, GPT, "--batch", 64).stdout)
    assert (found["plan"]["dp"], found["plan"]["cp"]) == (4, 2)
    along = {t["axis"]: t for t in found["traffic"]}
    assert along["dp"]["received_bytes"] > 4 * PARAMETERS, "sums of gradients"
    assert along["cp"]["received_bytes"] > along["dp"]["received_bytes"], "and around attention"
    alone = json.loads(plan("--cluster", CLUSTER[:-1] + "1", "--json", "--fix", "recompute=none",
                            GPT, "--batch", 64).stdout)
    assert found["flops_per_device"] == pytest.approx(alone["flops_per_device"] / 8, rel=0.01)
    assert found["notes"] == []
    script = write_script("import torch\nlayer = torch.nn.Linear(8, 8).cuda()\n"
                          "optimizer = torch.optim.SGD(layer.parameters(), 0.1)\n"
                          "for _ in range(3):\n"
                          "    layer(torch.randn(16, 8).cuda()).sum().backward()\n"
                          "    optimizer.step()\n")
    found = json.loads(plan(*arguments, script).stdout)
    assert any("no sequence was recognized" in note for note in found["notes"])


# One sequence a step: width 64, four heads, causal.
ONE_SEQUENCE = """
import torch
from torch import nn
from torch.nn import functional as F
tokens, width = 16384, 64
words, qkv, out, head = (nn.Embedding(256, width).cuda(), nn.Linear(width, 3 * width).cuda(),
                         nn.Linear(width, width).cuda(), nn.Linear(width, 256).cuda())
optimizer = torch.optim.AdamW([p for m in (words, qkv, out, head) for p in m.parameters()])
for _ in range(3):
    ids = torch.randint(256, (1, tokens + 1)).cuda()
    h = words(ids[:, :-1])
    q, k, v = (t.view(1, tokens, 4, 16).transpose(1, 2) for t in qkv(h).split(width, 2))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    h = h + out(y.transpose(1, 2).reshape(1, tokens, width))
    loss = F.cross_entropy(head(h).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_context_is_split_where_a_batch_has_fewer_samples_than_devices(plan, write_script):
    found = json.loads(plan("--cluster", CLUSTER[:-1] + "4", "--json",
                            write_script(ONE_SEQUENCE)).stdout)
    assert found["plan"]["cp"] == 4, found["plan"]["text"]
    assert found["step_s"] < found["one_device_step_s"] / 2
    assert found["notes"] == []


def test_a_script_that_does_not_train_says_what_it_did(plan, write_script):
    script = write_script("import torch\ntorch.ones(3).cuda().neg()\n")
    done = plan("--cluster", CLUSTER, script, code=1)
    assert "no training step among the" in done.stderr
    script = write_script("raise SystemExit('no data')\n")
    done = plan("--cluster", CLUSTER, script, code=1)
    assert "ended with code 1" in done.stderr and "no data" in done.stderr
