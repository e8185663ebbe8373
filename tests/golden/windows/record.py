"""Records the third training step of a small model, as the tests of the compiler read it.

    MOAI_REHEARSAL=/tmp/gpt.txt MOAI_REHEARSAL_STEPS=3 python tests/golden/windows/record.py gpt

Only the last window of the recording is kept: `tail -n +$(grep -n '^step$' … | tail -1)`; of an
evaluation without what the end of the script releases.
"""

import itertools
import sys

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY, TOKENS, WIDTH, HEADS, BATCH = 36, 8, 16, 4, 6


class Attention(nn.Module):
    """Fused projection, causal, all heads alike."""

    def __init__(self, dropout):
        super().__init__()
        self.dropout = dropout
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (t.view(batch, tokens, HEADS, width // HEADS).transpose(1, 2)
                   for t in self.qkv(x).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, width))


class Gpt(nn.Module):
    def __init__(self, layers=2, dropout=0.0):
        super().__init__()
        self.drop = nn.Dropout(dropout) if dropout else nn.Identity()
        self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.attention = nn.ModuleList(Attention(dropout) for _ in range(layers))
        self.hidden = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(),
                          nn.Linear(4 * WIDTH, WIDTH)) for _ in range(layers))
        self.norm = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(layers + 1))
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x, y):
        h = self.drop(self.tokens(x) + self.places(torch.arange(x.shape[1], device=x.device)))
        for norm, attention, hidden in zip(self.norm, self.attention, self.hidden):
            h = h + self.drop(attention(norm(h)))
            h = h + self.drop(hidden(h))
        return F.cross_entropy(self.head(self.norm[-1](h)).flatten(0, 1), y.flatten())


class Pieces(Gpt):
    """Inputs and labels are pieces of one upload."""

    def __init__(self):
        super().__init__(layers=1)

    def forward(self, ids):
        return super().forward(ids[:, :-1], ids[:, 1:])


class Rms(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class LlamaBlock(nn.Module):
    """Rotary positions, two query heads for each key head, gated hidden layer."""

    def __init__(self, hidden=24):
        super().__init__()
        width = WIDTH // HEADS
        self.q, self.k, self.v, self.o = (
            nn.Linear(a, b, bias=False) for a, b in
            ((WIDTH, WIDTH), (WIDTH, 2 * width), (WIDTH, 2 * width), (WIDTH, WIDTH)))
        self.gate, self.up = (nn.Linear(WIDTH, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, WIDTH, bias=False)
        self.norms = nn.ModuleList((Rms(), Rms()))

    def heads(self, x, count):
        return x.view(*x.shape[:2], count, -1).transpose(1, 2)

    def turned(self, x, cos, sin):
        a, b = x.chunk(2, dim=-1)
        return x * cos + torch.cat((-b, a), -1) * sin

    def forward(self, x, cos, sin):
        y = self.norms[0](x)
        q = self.turned(self.heads(self.q(y), HEADS), cos, sin)
        k = self.turned(self.heads(self.k(y), 2), cos, sin)
        k, v = (t.repeat_interleave(2, dim=1) for t in (k, self.heads(self.v(y), 2)))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(x.shape))
        y = self.norms[1](x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.block = nn.Embedding(VOCABULARY, WIDTH), LlamaBlock()
        self.norm, self.head = Rms(), nn.Linear(WIDTH, VOCABULARY, bias=False)
        angle = torch.arange(TOKENS)[:, None] * 0.1 ** torch.arange(2)
        self.register_buffer("cos", torch.cat((angle.cos(), angle.cos()), -1))
        self.register_buffer("sin", torch.cat((angle.sin(), angle.sin()), -1))

    def forward(self, x, y):
        h = self.block(self.tokens(x), self.cos, self.sin)
        return F.cross_entropy(self.head(self.norm(h)).flatten(0, 1), y.flatten())


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 10), nn.GELU(), nn.Linear(10, 4))

    def forward(self, x, y):
        return F.cross_entropy(self.net(x), y)


class Noisy(nn.Module):
    """Draws in every way: into what is there, like something, of a size, whole."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(6, 10), nn.Linear(10, 4)

    def forward(self, x, y):
        h = self.hidden(x)
        h = h + 0.1 * torch.randn_like(h) + 0.1 * torch.rand(h.shape, device=h.device)
        h = h * torch.empty(10, 7, device=h.device).bernoulli_(0.7).t()
        h = F.rrelu(h, training=True)
        order = torch.randperm(10, device=x.device)
        with torch.no_grad():
            self.out.weight.normal_(0.0, 0.1)
        return F.cross_entropy(self.out(h[:, order]), y)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(12, 4))

    def forward(self, x, y):
        return F.cross_entropy(self.net(x), y)


class BertLayer(nn.Module):
    """Norms behind the sums, attention under a mask."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(3 * WIDTH, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))

    def forward(self, x, mask):
        q, k, v = (f(x).view(*x.shape[:2], HEADS, -1).transpose(1, 2)
                   for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norms[0](x + self.o(y.transpose(1, 2).reshape(x.shape)))
        return self.norms[1](x + self.down(F.gelu(self.up(x))))


class Bert(nn.Module):
    """Three embeddings, a decoder tied to one of them, labels of which some do not count."""

    def __init__(self):
        super().__init__()
        self.tokens, self.places, self.kinds = (
            nn.Embedding(n, WIDTH) for n in (VOCABULARY, TOKENS, 2))
        self.norm, self.layer = nn.LayerNorm(WIDTH), BertLayer()
        self.transform = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH))
        self.decoder = nn.Linear(WIDTH, VOCABULARY)
        self.decoder.weight = self.tokens.weight

    def forward(self, x, kinds, y):
        places = torch.arange(x.shape[1], device=x.device)
        h = self.tokens(x) + self.places(places) + self.kinds((kinds > VOCABULARY // 2).long())
        h = self.layer(self.norm(h), (x != 1)[:, None, None, :])
        return F.cross_entropy(self.decoder(self.transform(h)).flatten(0, 1), y.flatten(),
                               ignore_index=0)


class Vit(nn.Module):
    """Patches behind a token of their own, whose value is the answer."""

    def __init__(self):
        super().__init__()
        self.patches, self.first = nn.Conv2d(3, WIDTH, 4, stride=4), nn.Parameter(torch.zeros(WIDTH))
        self.layer, self.head = BertLayer(), nn.Linear(WIDTH, 5)

    def forward(self, x, y):
        h = self.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat((self.first.expand(len(x), 1, WIDTH), h), 1)
        return F.cross_entropy(self.head(self.layer(h, None)[:, 0]), y)


class Experts(nn.Module):
    """Two of four experts a token, all of them computed."""

    def __init__(self, experts=4, hidden=20):
        super().__init__()
        self.tokens, self.router = nn.Embedding(VOCABULARY, WIDTH), nn.Linear(WIDTH, experts)
        self.up = nn.Parameter(torch.randn(experts, WIDTH, hidden))
        self.down = nn.Parameter(torch.randn(experts, hidden, WIDTH))
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, x, y):
        h = self.tokens(x).flatten(0, 1)
        routes = F.softmax(self.router(h), dim=-1)
        share, chosen = routes.topk(2, dim=-1)
        gates = torch.zeros_like(routes).scatter(1, chosen, share / share.sum(-1, keepdim=True))
        z = torch.bmm(F.silu(torch.bmm(h.expand(len(self.up), *h.shape), self.up)), self.down)
        h = h + (z * gates.t()[:, :, None]).sum(0)
        balance = (routes.mean(0) * (gates > 0).double().mean(0)).sum()
        return F.cross_entropy(self.head(h), y.flatten()) + 0.01 * balance


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.cells, self.head = nn.LSTM(WIDTH, 12, batch_first=True), nn.Linear(12, VOCABULARY)

    def forward(self, x, y):
        return F.cross_entropy(self.head(self.cells(self.tokens(x))[0]).flatten(0, 1), y.flatten())


def tokens(more=0):
    return torch.randint(VOCABULARY, (BATCH, TOKENS + more))


CASES = {
    "mlp": (Mlp, lambda: (torch.randn(7, 6), torch.randint(4, (7,))), 4),
    "cnn": (Cnn, lambda: (torch.randn(5, 3, 8, 8), torch.randint(4, (5,))), 4),
    "gpt": (Gpt, lambda: (tokens(), tokens()), VOCABULARY),
    "gpt24": (lambda: Gpt(layers=24), lambda: (tokens(), tokens()), VOCABULARY),
    "dropout": (lambda: Gpt(1, 0.1), lambda: (tokens(), tokens()), VOCABULARY),
    "noisy": (Noisy, lambda: (torch.randn(7, 6), torch.randint(4, (7,))), 4),
    "gpt5": (lambda: Gpt(5), lambda: (tokens(), tokens()), VOCABULARY),
    "llama": (Llama, lambda: (tokens(), tokens()), VOCABULARY),
    "bert": (Bert, lambda: (tokens(), tokens(), tokens()), VOCABULARY),
    "vit": (Vit, lambda: (torch.randn(7, 3, 8, 12), torch.randint(5, (7,))), 5),
    "experts": (Experts, lambda: (tokens(), tokens()), VOCABULARY),
    "lstm": (Lstm, lambda: (tokens(), tokens()), VOCABULARY),
    "fused": (Mlp, lambda: (torch.randn(7, 6), torch.randint(4, (7,))), 4),
    "evaluation": (lambda: Gpt(1), lambda: (tokens(), tokens()), VOCABULARY),
    "pieces": (Pieces, lambda: (tokens(1),), VOCABULARY),
    "accumulation": (lambda: Gpt(1), lambda: (tokens()[:5], tokens()[:5]), VOCABULARY),
}


# Calls over lists unless it says otherwise.
OPTIONS = {name: {"foreach": False}
           for name in ("bert", "experts", "lstm", "evaluation", "accumulation")}
OPTIONS["fused"] = {"fused": True}


def evaluate(model, batch):
    total = torch.zeros((), device="cuda")
    with torch.no_grad():
        for _ in range(2):
            x, y = (t.cuda() for t in batch())
            total += model(x, y)
    return total


def accumulate(model, batch, optimizer):
    """Scaled losses of two micro-batches a step."""
    scaler = torch.amp.GradScaler("cuda")
    while True:
        optimizer.zero_grad()
        for _ in range(2):
            x, y = (t.cuda() for t in batch())
            with torch.autocast("cuda"):
                loss = model(x, y) / 2
            scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()


def main(name):
    torch.set_default_dtype(torch.float64)
    model, batch, _ = CASES[name]
    model = model().cuda()
    optimizer = (torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9) if name == "cnn"
                 else torch.optim.AdamW(model.parameters(), lr=1e-2, **OPTIONS.get(name, {})))
    if name == "accumulation":
        accumulate(model, batch, optimizer)
    steps = itertools.count()
    while name != "evaluation" or next(steps) < 1:
        inputs = [t.cuda() for t in batch()]
        optimizer.zero_grad()
        model(*inputs).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return evaluate(model, batch)


if __name__ == "__main__":
    main(sys.argv[1])
