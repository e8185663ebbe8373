"""Uses the device, forks a child that uses it too, and goes on computing."""

import os

import torch

x = torch.ones(3, device="cuda")
print("parent before", x.sum().item(), flush=True)
child = os.fork()
if child == 0:
    try:
        print("child used the device", (x + 1).sum().item(), flush=True)
    except RuntimeError as error:
        print("child:", str(error).splitlines()[0], flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent after", (x * 2).sum().item(), flush=True)
