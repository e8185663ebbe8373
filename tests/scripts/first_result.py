"""Times the first use of the device: seconds from the first operator to its result."""

import time

import torch

torch.cuda.is_available()
begin = time.monotonic()
value = (torch.ones(2, 2, device="cuda") * 3).sum().item()
end = time.monotonic()
assert value == 12, value
print("result", begin, end, flush=True)
