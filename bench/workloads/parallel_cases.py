"""Models of `parallel`: small trainings of the shapes that planners must know, with sizes that do
not divide evenly. Data is drawn on the CPU and moved.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from workloads import cases, models

TOKENS, WIDTH, HEADS, VOCABULARY, BATCH = 10, 24, 4, 50, 12


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


def rotated(x, angles):
    """[batch, heads, tokens, width] turned by its place, halves as pairs."""
    a, b = x.chunk(2, -1)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class GroupedAttention(nn.Module):
    """Two query heads share a key and value head."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q = nn.Linear(width, width, bias=False)
        self.k, self.v = (nn.Linear(width, width // 2, bias=False) for _ in range(2))
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x, angles):
        batch, tokens, _ = x.shape
        q, k, v = (f(x).view(batch, tokens, -1, self.size).transpose(1, 2)
                   for f in (self.q, self.k, self.v))
        k, v = (t.repeat_interleave(2, 1) for t in (rotated(k, angles), v))
        y = F.scaled_dot_product_attention(rotated(q, angles), k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, -1))


class SwiGlu(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Llama(nn.Module):
    def __init__(self, layers=2):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.attention = nn.ModuleList(GroupedAttention(WIDTH, HEADS) for _ in range(layers))
        self.hidden = nn.ModuleList(SwiGlu(WIDTH, 40) for _ in range(layers))
        self.norms = nn.ModuleList(RmsNorm(WIDTH) for _ in range(2 * layers + 1))
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        size = WIDTH // HEADS
        steps = torch.arange(TOKENS)[:, None] / 10000 ** (torch.arange(size // 2) * 2 / size)
        self.register_buffer("angles", steps)

    def forward(self, x):
        h = self.tokens(x)
        for i, (attention, hidden) in enumerate(zip(self.attention, self.hidden, strict=True)):
            h = h + attention(self.norms[2 * i](h), self.angles)
            h = h + hidden(self.norms[2 * i + 1](h))
        return self.head(self.norms[-1](h)).flatten(0, 1)


class Bert(nn.Module):
    """Masked tokens are guessed; padding is masked out; the decoder is tied."""

    def __init__(self, layers=2, dropout=0.0):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.places = nn.Embedding(TOKENS, WIDTH)
        self.kinds = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout, "gelu", batch_first=True)
            for _ in range(layers))
        self.bias = nn.Parameter(torch.zeros(VOCABULARY))

    def forward(self, x):
        places = torch.arange(x.shape[1], device=x.device)
        h = self.tokens(x) + self.places(places) + self.kinds(torch.zeros_like(x))
        h = self.dropout(self.norm(h))
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=x == 0)
        return (h @ self.tokens.weight.t() + self.bias).flatten(0, 1)


class Experts(nn.Module):
    """Top two of four experts, weighed; each runs on the tokens that chose it, densely."""

    def __init__(self, width, experts=4, chosen=2):
        super().__init__()
        self.router = nn.Linear(width, experts, bias=False)
        self.up = nn.Parameter(torch.randn(experts, width, 2 * width) / math.sqrt(width))
        self.down = nn.Parameter(torch.randn(experts, 2 * width, width) / math.sqrt(2 * width))
        self.chosen = chosen

    def forward(self, x):
        scores = self.router(x).softmax(-1)
        weights, experts = scores.topk(self.chosen, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        gates = torch.zeros_like(scores).scatter(-1, experts, weights)
        h = F.gelu(torch.einsum("btw,ewh->ebth", x, self.up))
        return torch.einsum("ebth,ehw,bte->btw", h, self.down, gates)


class Mixture(nn.Module):
    def __init__(self, layers=2):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.attention = nn.ModuleList(models.Block(WIDTH, HEADS, 0.0) for _ in range(layers))
        self.experts = nn.ModuleList(Experts(WIDTH) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(layers))
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, x):
        h = self.tokens(x)
        for block, experts, norm in zip(self.attention, self.experts, self.norms, strict=True):
            h = block(h)
            h = h + experts(norm(h))
        return self.head(h).flatten(0, 1)


def _vectors():
    return torch.randn(BATCH, 32), torch.randint(0, 10, (BATCH,))


def _images():
    return torch.randn(BATCH, 3, 12, 12), torch.randint(0, 10, (BATCH,))


def _sequences():
    return torch.randn(BATCH, 6, 8), torch.randint(0, 5, (BATCH,))


def _tokens():
    x = torch.randint(1, VOCABULARY, (BATCH, TOKENS + 1))
    return x[:, :-1], x[:, 1:].reshape(-1)


def _padded():
    x, y = _tokens()
    x = x.clone()
    for row, kept in enumerate(torch.randint(TOKENS // 2, TOKENS, (BATCH,))):
        x[row, kept:] = 0
    return x, y


def _gpt(dropout=0.0):
    return models.GPT(VOCABULARY, WIDTH, HEADS, tokens=TOKENS, dropout=dropout)


def _case(name, model, batch, clip=None):
    make = cases.supervised(model, batch, F.cross_entropy, "foreach", clip)
    return cases.Case(f"parallel-{name}", cases.CLOSE, make)


CASES = [
    _case("mlp", models.MLP, _vectors),
    _case("cnn", models.CNN, _images),
    _case("gpt", _gpt, _tokens, clip=1.0),
    _case("llama", Llama, _tokens, clip=1.0),
    _case("bert", Bert, _padded, clip=1.0),
    _case("moe", Mixture, _tokens),
    _case("lstm", partial(models.Recurrent, nn.LSTM), _sequences),
    _case("cnn-dropout", partial(models.CNN, dropout=0.3), _images),
    _case("gpt-dropout", partial(_gpt, dropout=0.1), _tokens, clip=1.0),
    _case("bert-dropout", partial(Bert, dropout=0.1), _padded, clip=1.0),
]
BY_NAME = {case.name: case for case in CASES}
