"""Which device is meant. There is one."""

import torch


def device_index(device):
    """0, of None, an index, a name or a torch.device of the device; raises for any other."""
    if isinstance(device, int):
        index = device
    else:
        given = torch.device("moai" if device is None else device)
        if given.type != "moai":
            raise ValueError(f"Expected a moai device, but got: {given}")
        index = given.index or 0
    if index not in (-1, 0):
        raise torch.AcceleratorError("MoAI error: invalid device ordinal")
    return 0
