"""Trains small models; prints their losses as hex. `python training.py DEVICE MODEL OPTIMIZER`."""

import json
import sys

import torch
import torch.nn.functional as F
from torch import nn

STEPS = 12


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.GELU(),
                                    nn.Linear(64, 10))

    def forward(self, x):
        return self.layers(x)

    def batch(self):
        return torch.randn(16, 32), torch.randint(0, 10, (16,))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3)
        self.norm_first, self.norm_second = nn.BatchNorm2d(8), nn.BatchNorm2d(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm_first(self.first(x))), 2)
        x = F.relu(self.norm_second(self.second(x)))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))

    def batch(self):
        return torch.randn(8, 3, 16, 16), torch.randint(0, 10, (8,))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        rows, length, width = x.shape
        q, k, v = (part.view(rows, length, self.heads, -1).transpose(1, 2)
                   for part in self.qkv(self.norm_attention(x)).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(F.gelu(self.up(self.norm_mlp(x))))


class Gpt(nn.Module):
    def __init__(self, words=101, width=32, heads=4, layers=2, length=16):
        super().__init__()
        self.token, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        self.head.weight = self.token.weight

    def forward(self, tokens):
        x = self.token(tokens) + self.place(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).flatten(0, 1)

    def batch(self):
        tokens = torch.randint(0, 101, (4, 17))
        return tokens[:, :-1], tokens[:, 1:].reshape(-1)


def train(device, model_name, optimizer_name):
    torch.manual_seed(0)
    model = {"mlp": Mlp, "cnn": Cnn, "gpt": Gpt}[model_name]()
    batches = [model.batch() for _ in range(4)]
    model.to(device)
    kind = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, **kind[optimizer_name])
    losses = []
    for step in range(STEPS):
        x, y = (t.to(device) for t in batches[step % len(batches)])
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item().hex())
    # On the host: a sum depends on the number of threads.
    weights = [p.detach().cpu().double() for p in model.parameters()]
    losses.append(sum(w.abs().sum() for w in weights).item().hex())
    return losses


if __name__ == "__main__":
    print(json.dumps(train(*sys.argv[1:4])))
