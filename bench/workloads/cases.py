"""Cases of `parity`: small trainings whose data and noise are drawn on the CPU and moved.

A case makes a Training: its modules, and a step that returns the losses of step `i` as tensors.
"""

from dataclasses import dataclass
from functools import partial
from typing import Callable

import torch
import torch.nn.functional as F
from torch import nn

from workloads import models

BITS, CLOSE, REPEAT = "bits", "close", "repeat"
_BATCHES = 4


@dataclass
class Training:
    modules: nn.ModuleDict
    step: Callable  # number of the step -> losses


@dataclass
class Case:
    """`rule` BITS: equal to stock torch bit for bit; CLOSE: within tolerances; REPEAT: equal to
    itself in every way of sending."""

    name: str
    rule: str
    make: Callable  # (device, dtype) -> Training


def _optimizer(modules, variant="foreach", lr=1e-3):
    options = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
    return torch.optim.AdamW(modules.parameters(), lr=lr, **options[variant])


def _moved(batches, device, dtype):
    """Floating point data in `dtype`, all on the device."""
    return [tuple(t.to(device, dtype) if t.is_floating_point() else t.to(device) for t in batch)
            for batch in batches]


def _on_device(module, device, dtype):
    module = module.to(dtype)
    return module.cuda() if device == "cuda" else module.to(device)


def supervised(model, batch, loss, variant="foreach", clip=None):
    """Trains `model()` on batches (inputs…, target) of `batch()`."""

    def make(device, dtype):
        net = _on_device(model(), device, dtype)
        data = _moved([batch() for _ in range(_BATCHES)], device, dtype)
        optimizer = _optimizer(net, variant)

        def step(i):
            *inputs, target = data[i % _BATCHES]
            optimizer.zero_grad()
            value = loss(net(*inputs), target)
            value.backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            return [value]

        return Training(nn.ModuleDict({"net": net}), step)

    return make


def _vectors():
    return torch.randn(16, 32), torch.randint(0, 10, (16,))


def _images():
    return torch.randn(8, 3, 16, 16), torch.randint(0, 10, (8,))


def _tokens():
    ids = torch.randint(0, 101, (4, 17))
    return ids[:, :-1], ids[:, 1:].reshape(-1)


def _sequences():
    return torch.randn(8, 6, 8), torch.randint(0, 5, (8,))


def _translations():
    target = torch.randint(0, 23, (4, 8))
    return torch.randint(0, 23, (4, 7)), target[:, :-1], target[:, 1:].reshape(-1)


def _vae(device, dtype):
    net = _on_device(models.VAE(), device, dtype)
    data = _moved([(torch.rand(16, 24),) for _ in range(_BATCHES)], device, dtype)
    optimizer = _optimizer(net)

    def step(i):
        noise = torch.randn(16, 4).to(device, dtype)
        optimizer.zero_grad()
        loss = net(data[i % _BATCHES][0], noise)
        loss.backward()
        optimizer.step()
        return [loss]

    return Training(nn.ModuleDict({"net": net}), step)


def _gradient_penalty(critic, real, fake, mix):
    """Needs a gradient of a gradient."""
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    gradient, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.norm(dim=1) - 1).square().mean()


def _gan(device, dtype):
    nets = nn.ModuleDict({
        "generator": nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 8)),
        "critic": nn.Sequential(nn.Linear(8, 32), nn.Softplus(), nn.Linear(32, 1))})
    nets = _on_device(nets, device, dtype)
    generator, critic = nets["generator"], nets["critic"]
    optimizers = [_optimizer(critic), _optimizer(generator)]

    def noise(*shape):
        return torch.randn(*shape).to(device, dtype)

    def critic_step():
        real, fake, mix = noise(16, 8), generator(noise(16, 4)).detach(), torch.rand(16, 1)
        loss = critic(fake).mean() - critic(real).mean()
        loss = loss + 10 * _gradient_penalty(critic, real, fake, mix.to(device, dtype))
        return _descend(optimizers[0], loss)

    def generator_step():
        return _descend(optimizers[1], -critic(generator(noise(16, 4))).mean())

    return Training(nets, lambda i: [critic_step(), generator_step()])


def _descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def _sampling(device, dtype):
    """Noise drawn on the device by several operators, with a seed of its own."""
    net = _on_device(models.MLP(), device, dtype)
    optimizer = _optimizer(net)

    def step(i):
        x = torch.randn(16, 32, device=device, dtype=dtype)
        x = x + torch.empty_like(x).uniform_(-0.1, 0.1) * torch.bernoulli(torch.full_like(x, 0.3))
        target = torch.multinomial(F.softmax(torch.rand(16, 10, device=device), 1), 1).flatten()
        order = torch.randperm(16, device=device)
        loss = F.cross_entropy(F.rrelu(net(x[order]), training=True), target[order])
        return [_descend(optimizer, loss)]

    return Training(nn.ModuleDict({"net": net}), step)


def _entropy(variant="foreach", model=models.MLP, batch=_vectors, clip=None):
    return supervised(model, batch, F.cross_entropy, variant, clip)


CASES = [
    *(Case(f"mlp-{v}", BITS, _entropy(v)) for v in ("loop", "foreach", "fused")),
    *(Case(f"cnn-{v}", BITS, _entropy(v, models.CNN, _images)) for v in ("loop", "foreach",
                                                                        "fused")),
    *(Case(f"gpt-{v}", BITS, _entropy(v, models.GPT, _tokens, 1.0)) for v in ("loop", "foreach",
                                                                             "fused")),
    Case("lstm", CLOSE, _entropy(model=partial(models.Recurrent, nn.LSTM), batch=_sequences)),
    Case("gru", CLOSE, _entropy(model=partial(models.Recurrent, nn.GRU), batch=_sequences)),
    Case("encoder-decoder", CLOSE, _entropy(model=models.EncoderDecoder, batch=_translations)),
    Case("vae", CLOSE, _vae),
    Case("gan-penalty", CLOSE, _gan),
    Case("dropout-cnn", REPEAT, _entropy(model=partial(models.CNN, dropout=0.3), batch=_images)),
    Case("dropout-gpt", REPEAT, _entropy(model=partial(models.GPT, dropout=0.2), batch=_tokens)),
    Case("sampling", REPEAT, _sampling),
]
BY_NAME = {case.name: case for case in CASES}
