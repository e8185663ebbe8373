"""A side of `dynamic`: scripts whose windows keep changing.

Reads one JSON request a line from stdin, answers one JSON line on stdout:
    {"case": "generate-tiny"}         → seconds a call
    {"case": "shapes", "count": 1000} → seconds of each step, resident KiB after each hundred
"""

import functools
import time

import torch
import torch.nn.functional as F

from harness.memory import resident_kib
from workloads import models
from workloads.serving import serve
from workloads.step_run import drain

NEW_TOKENS = 64
PROMPT_TOKENS = 16
MODEL_SIZES = {"tiny": (2, 64, 4, 1000), "50m": (8, 640, 10, 16000)}  # layers, width, heads, words
SHAPES_WIDTH = 64


@functools.cache
def _torchvision_imports():
    """transformers imports torchvision, whose wheel for CUDA does not import beside stock torch
    without the schemas that the device brings along. Returns what keeps them.
    """
    from moai import _torchvision

    return _torchvision.install(torch)


@functools.cache
def _causal_model(size, device):
    if device == "cpu":
        _torchvision_imports()
    from transformers import GPT2Config, GPT2LMHeadModel

    layers, width, heads, vocabulary = MODEL_SIZES[size]
    torch.manual_seed(0)
    config = GPT2Config(n_layer=layers, n_embd=width, n_head=heads, vocab_size=vocabulary,
                        n_positions=256, bos_token_id=1, eos_token_id=None, pad_token_id=0)
    return GPT2LMHeadModel(config).to(device).eval()


def generate(size, device):
    model = _causal_model(size, device)
    generator = torch.Generator().manual_seed(1)
    prompt = torch.randint(2, MODEL_SIZES[size][3], (1, PROMPT_TOKENS), generator=generator)
    prompt = prompt.to(device)
    drain(device)
    begin = time.perf_counter()
    with torch.no_grad():
        found = model.generate(prompt, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS,
                               do_sample=False)
    tokens = found[0].tolist()
    return {"seconds": time.perf_counter() - begin, "tokens": tokens,
            "parameters": sum(p.numel() for p in model.parameters())}


def shapes(count, device):
    """A training step on each of `count` lengths, the loss read every time."""
    torch.manual_seed(0)
    net = models.MLP(SHAPES_WIDTH, 2 * SHAPES_WIDTH).to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(2)) + 1
    seconds, resident = [], []
    for step, rows in enumerate(order.tolist()):
        x, y = torch.randn(rows, SHAPES_WIDTH), torch.randint(0, 10, (rows,))
        begin = time.perf_counter()
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x.to(device)), y.to(device))
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - begin)
        if step % 100 == 99:
            resident.append(resident_kib())
    return {"seconds": seconds, "resident_kib": resident}


def answer(request, device):
    kind, _, size = request["case"].partition("-")
    if kind == "generate":
        return generate(size, device)
    return shapes(request["count"], device)


if __name__ == "__main__":
    serve(answer)
