"""Torch's shape functions in Python, as far as the device uses them."""


def install(torch_has_gpu):
    """Results lie as those of a CPU, whose kernels make them; torch would assume a CUDA device."""
    import torch._meta_registrations as registrations

    if not torch_has_gpu:
        registrations.device_hint = lambda tensor: "cpu"
        return
    hint = registrations.device_hint

    def device_hint(tensor):
        fake = getattr(tensor, "fake_device", None)  # of a tensor that stands for one of the GPU
        return hint(tensor) if fake is not None and fake.type == "cuda" else "cpu"

    registrations.device_hint = device_hint
