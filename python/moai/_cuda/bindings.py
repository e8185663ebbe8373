"""Functions of torch._C about device, process and settings."""


def _nothing(*args, **kwargs):
    return None


class _Cudart:
    """Stands in for the CUDA runtime module."""

    class cudaError(int):
        pass

    @staticmethod
    def cudaGetErrorString(error):
        return str(error)

    cudaProfilerStart = cudaProfilerStop = staticmethod(lambda: 0)
    cudaHostRegister = staticmethod(lambda pointer, size, flags: 0)
    cudaHostUnregister = staticmethod(lambda pointer: 0)


_Cudart.cudaError.success = _Cudart.cudaError(0)


def functions(torch, c):
    def init():
        c.register_fork_handler()
        torch.cuda.default_generators = (c.default_generator(),)
        torch._C.default_generators = torch.cuda.default_generators

    def set_device(index):
        if index not in (-1, 0):
            raise torch.AcceleratorError("CUDA error: invalid device ordinal")

    def exchange_device(index):
        set_device(max(index, -1))
        return 0 if index >= 0 else -1

    def maybe_exchange_device(index):  # of its own: torch.compile tells the two apart
        return exchange_device(index)

    _Cudart.cudaMemGetInfo = staticmethod(lambda device: c.memory_info())
    return {
        "_has_cuda": True,
        "_cudart": _Cudart,
        "_cuda_init": init,
        "_cuda_isInBadFork": c.in_bad_fork,
        "_cuda_getDeviceCount": lambda: 1,
        "_cuda_getDevice": lambda: 0,
        "_cuda_setDevice": set_device,
        "_cuda_exchangeDevice": exchange_device,
        "_cuda_maybeExchangeDevice": maybe_exchange_device,
        "_cuda_hasPrimaryContext": lambda device: True,
        "_cuda_canDeviceAccessPeer": lambda device, peer: False,
        "_cuda_getArchFlags": lambda: "sm_80 compute_80",
        "_cuda_getCompiledVersion": lambda: 12080,
        "_cuda_synchronize": c.synchronize,
        "_cuda_sleep": _nothing,
        "_cuda_ipc_collect": _nothing,
        "_cuda_lock_mutex": _nothing,
        "_cuda_unlock_mutex": _nothing,
        "_cuda_set_sync_debug_mode": c.set_sync_debug_mode,
        "_cuda_get_sync_debug_mode": c.sync_debug_mode,
        "_cuda_clearCublasWorkspaces": _nothing,
        "_cuda_getCurrentBlasHandle": lambda: 0,
        "_cuda_getCurrentSolverHandle": lambda: 0,
        "_cuda_get_cudnn_benchmark_limit": lambda: 10,
        "_cuda_set_cudnn_benchmark_limit": _nothing,
        "_cuda_set_conv_benchmark_empty_cache": _nothing,
        "_cuda_get_conv_benchmark_empty_cache": lambda: False,
    }


def rebind(torch, names):
    """Names that torch.cuda took by value when it was imported."""
    cuda = torch.cuda
    cuda._cudart = names["_cudart"]
    cuda._is_in_bad_fork = names["_cuda_isInBadFork"]
    cuda._exchange_device = names["_cuda_exchangeDevice"]
    cuda._maybe_exchange_device = names["_cuda_maybeExchangeDevice"]
    cuda._device_count_nvml = lambda: -1
    torch.version.cuda = "12.8"
    torch.backends.cudnn.is_acceptable = lambda tensor: False
