"""Uses the device as a package of an older series would."""

import moai

moai.__version__ = "0.0.9"

import torch

print("result", torch.ones(3, device="cuda").sum().item(), flush=True)
