"""Prints what CMake must know of the torch of this Python, one fact a line."""

import os
import sysconfig

import torch

print(os.path.dirname(torch.__file__))
print(torch.__version__)
print(torch.version.cuda or "no")
print(torch.version.hip or "no")
print(sysconfig.get_paths()["include"])
