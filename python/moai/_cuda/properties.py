"""Properties of the device. Known without a connection."""

import types as _types


class _CudaDeviceProperties(_types.SimpleNamespace):
    pass


# Figures that programs use to choose code paths; an accelerator of compute capability 8.0.
_FIGURES = dict(
    major=8, minor=0, multi_processor_count=108, is_integrated=0, is_multi_gpu_board=0,
    max_threads_per_multi_processor=2048, regs_per_multiprocessor=65536, warp_size=32,
    gcnArchName="", uuid="00000000-0000-0000-0000-000000000000", L2_cache_size=40 << 20,
    clock_rate=1410000, memory_clock_rate=1215000, memory_bus_width=5120,
    shared_memory_per_block=49152, shared_memory_per_multiprocessor=167936,
    shared_memory_per_block_optin=166912, max_threads_per_block=1024,
    pci_bus_id=0, pci_device_id=0, pci_domain_id=0)


def types():
    return {"_CudaDeviceProperties": _CudaDeviceProperties}


def rebind(torch, c, settings):
    def properties(device=None):
        index = torch.cuda._utils._get_device_index(device, optional=True)
        if index != 0:
            raise AssertionError("Invalid device id")
        total = c.total_memory()
        return _CudaDeviceProperties(name=settings["device_name"], total_memory=total, **_FIGURES)

    torch.cuda._CudaDeviceProperties = _CudaDeviceProperties
    torch.cuda._get_device_properties = properties
    torch.cuda.get_device_properties = properties
