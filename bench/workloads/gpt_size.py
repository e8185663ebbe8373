"""A GPT of any size in bfloat16, as users write one; for planning, which computes nothing.

    moai plan --cluster clusters/h100-dgx.toml:4096 bench/workloads/gpt_size.py
    moai plan --cluster clusters/h100-dgx.toml:4096 bench/workloads/gpt_size.py \
        --width 25600 --layers 128 --heads 160 --batch 3072
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=12288)
    parser.add_argument("--layers", type=int, default=96)
    parser.add_argument("--heads", type=int, default=96)
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--vocabulary", type=int, default=51200)
    parser.add_argument("--batch", type=int, default=1536, help="sequences a step")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--unfused", action="store_true", help="attention as its products")
    return parser.parse_args()


class Block(nn.Module):
    def __init__(self, width, heads, unfused):
        super().__init__()
        self.heads = heads
        self.unfused = unfused
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def attention(self, x):
        batch, tokens, width = x.shape
        q, k, v = (part.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
                   for part in self.qkv(x).split(width, dim=2))
        if self.unfused:
            mask = torch.ones(tokens, tokens, dtype=torch.bool, device=x.device).triu(1)
            scores = (q @ k.transpose(2, 3)) * (width // self.heads)**-0.5
            y = F.softmax(scores.masked_fill(mask, float("-inf")), dim=3) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.words = nn.Embedding(a.vocabulary, a.width)
        self.places = nn.Embedding(a.tokens, a.width)
        self.blocks = nn.ModuleList(Block(a.width, a.heads, a.unfused) for _ in range(a.layers))
        self.norm = nn.LayerNorm(a.width)
        self.head = nn.Linear(a.width, a.vocabulary, bias=False)

    def forward(self, ids, targets):
        x = self.words(ids) + self.places(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def main():
    a = parse_arguments()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = GPT(a)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    for _ in range(a.steps):
        batch = torch.randint(a.vocabulary, (a.batch, a.tokens + 1)).cuda()
        optimizer.zero_grad()
        loss = model(batch[:, :-1], batch[:, 1:])
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
