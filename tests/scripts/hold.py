"""Trains a little, says `ready`, then holds the device until it is ended.

    python hold.py [--workers N]    N forked DataLoader workers stay alive meanwhile
"""

import argparse
import time

import torch
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--workers", type=int, default=0)
arguments = parser.parse_args()
loader = DataLoader(TensorDataset(torch.arange(1000.0)), batch_size=2,
                    num_workers=arguments.workers)
batches = iter(loader)
total = torch.zeros(1, device="cuda")
total += next(batches)[0].cuda().sum()
print("ready", total.item(), time.monotonic(), flush=True)
while True:
    total += 1
    total.item()
    time.sleep(0.02)
