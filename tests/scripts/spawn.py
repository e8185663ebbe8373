"""Uses the device, then waits for a program of its own that uses it too."""

import subprocess
import sys

import torch

CHILD = """
import time
import torch
begin = time.monotonic()
try:
    print("child used the device", torch.ones(3, device="cuda").sum().item())
except RuntimeError as error:
    kind = type(error)
    print(f"child {time.monotonic() - begin:.2f} s: {kind.__module__}.{kind.__name__}: {error}")
"""

x = torch.ones(3, device="cuda")
print("parent before", x.sum().item(), flush=True)
subprocess.run([sys.executable, "-c", CHILD], check=True, timeout=60)
print("parent after", (x * 2).sum().item(), flush=True)
