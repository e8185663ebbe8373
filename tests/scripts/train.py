"""A small training; prints `step N LOSS` for each step, with the loss's exact bits.

    python train.py [--device cuda] [--steps 30] [--pause 0.0]    pause: seconds after each step
"""

import argparse
import time

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cuda")
parser.add_argument("--steps", type=int, default=30)
parser.add_argument("--pause", type=float, default=0.0)
arguments = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)).to(arguments.device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
print("begin", time.monotonic(), flush=True)
for step in range(arguments.steps):
    x, y = torch.randn(8, 16), torch.randint(0, 4, (8,))
    loss = F.cross_entropy(model(x.to(arguments.device)), y.to(arguments.device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("step", step, loss.item().hex(), flush=True)
    time.sleep(arguments.pause)
print("end", time.monotonic(), flush=True)
