"""Uses the device, then becomes another program that uses it."""

import os
import sys

import torch

print("before", torch.ones(3, device="cuda").sum().item(), os.getpid(), flush=True)
following = os.path.join(os.path.dirname(os.path.abspath(__file__)), "first_result.py")
os.execv(sys.executable, [sys.executable, following])
