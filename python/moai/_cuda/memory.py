"""Memory statistics in the form of torch's caching allocator."""

_POOLS = ("all", "small_pool", "large_pool")
_BYTES = ("allocated_bytes", "reserved_bytes", "active_bytes", "requested_bytes")
_COUNTS = ("allocation", "active")
_UNUSED = ("segment", "inactive_split", "inactive_split_bytes")


def _statistic(current=0, peak=0, allocated=0, freed=0):
    return {"current": current, "peak": peak, "allocated": allocated, "freed": freed}


def _pools(statistic):
    return {pool: dict(statistic) if pool != "small_pool" else _statistic() for pool in _POOLS}


def functions(c):
    def statistics(device=0):
        m = c.memory_counters()
        in_bytes = _statistic(m["allocated_bytes"], m["peak_bytes"], m["allocated_total_bytes"],
                              m["released_total_bytes"])
        live = m["allocations"] - m["releases"]
        in_counts = _statistic(live, live, m["allocations"], m["releases"])
        result = {name: _pools(in_bytes) for name in _BYTES}
        result.update({name: _pools(in_counts) for name in _COUNTS})
        result.update({name: _pools(_statistic()) for name in _UNUSED})
        result.update(oversize_allocations=_statistic(), oversize_segments=_statistic(),
                      num_alloc_retries=0, num_ooms=m["out_of_memory"], num_sync_all_streams=0,
                      num_device_alloc=0, num_device_free=0, max_split_size=-1)
        return result

    def nothing(*args, **kwargs):
        return None

    return {
        "_cuda_memoryStats": statistics,
        "_cuda_resetPeakMemoryStats": lambda device: c.reset_peak_memory(),
        "_cuda_resetAccumulatedMemoryStats": lambda device: c.reset_accumulated_memory(),
        "_cuda_emptyCache": nothing,
        "_cuda_setMemoryFraction": nothing,
        "_cuda_getMemoryFraction": lambda device: 1.0,
        "_cuda_hostMemoryStats": dict,
        "_cuda_resetPeakHostMemoryStats": nothing,
        "_cuda_resetAccumulatedHostMemoryStats": nothing,
        "_cuda_memorySnapshot": lambda *args: {"segments": [], "device_traces": []},
        "_cuda_getAllocatorBackend": lambda: "native",
        "_cuda_cudaCachingAllocator_is_enabled": lambda: True,
        "_cuda_cudaHostAllocator": lambda: 0,
    }


def rebind(torch, c):
    def mem_get_info(device=None):
        return torch._C._cudart.cudaMemGetInfo(0)

    torch.cuda.memory.mem_get_info = torch.cuda.mem_get_info = mem_get_info
