"""Torch's shape functions in Python, as far as the device uses them."""


def install():
    """Results lie as those of a CPU, whose kernels make them; torch would assume a CUDA device."""
    import torch._meta_registrations as registrations

    registrations.device_hint = lambda tensor: "cpu"
