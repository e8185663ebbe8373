"""Memory statistics: live tensors as counted here, and what the Worker's allocator tells."""


def _of_device(torch, function):
    """There is one device; another one raises what torch's allocator raises."""
    def call(device=0, *args):
        if device not in (-1, 0):
            raise RuntimeError(f"Invalid device argument {device}: did you call init?")
        return function(*args)

    return call


def _snapshot(c):
    """Segments in the form of torch's caching allocator; a Worker keeps each block by itself."""
    def block(address, size):
        return {"address": address, "size": size, "requested_size": size, "frames": [],
                "state": "active_allocated"}

    return [{"device": 0, "address": address, "total_size": size, "allocated_size": size,
             "active_size": size, "requested_size": size, "stream": 0, "frames": [],
             "registration_counter": -1, "segment_type": "small" if size <= 1 << 20 else "large",
             "segment_pool_id": (0, 0), "is_expandable": False, "blocks": [block(address, size)]}
            for address, size in c.memory_blocks()]


def _trace(c):
    """What _record_memory_history kept, a frame the line of the program."""
    actions = (("alloc",), ("free_requested", "free_completed"), ("oom",))

    def frames(line):
        file, _, number = line.rpartition(":")
        return [{"name": "", "filename": file, "line": int(number)}] if file else []

    return [{"action": action, "addr": address, "size": size, "stream": 0, "time_us": time,
             "frames": frames(line)}
            for kind, address, size, time, line in c.memory_events() for action in actions[kind]]


def functions(torch, c):
    metadata = {"value": ""}

    def statistics():
        # In this form torch.accelerator asks for them too.
        return torch._C._accelerator_getDeviceStats(0)

    def snapshot(*args):
        return {"segments": _snapshot(c), "device_traces": [_trace(c)],
                "external_annotations": [], "allocator_settings": {}}

    def record_history(enabled, context="all", stacks="all", max_entries=1 << 20, *args,
                       **kwargs):
        c.record_memory_history(min(max_entries, 1 << 20) if enabled else 0)

    def record_history_legacy(enabled, keep, max_entries, *args, **kwargs):
        record_history(enabled, max_entries=max_entries)

    def one(function):
        return _of_device(torch, function)

    return {
        "_cuda_memoryStats": one(statistics),
        "_cuda_resetPeakMemoryStats": one(c.reset_peak_memory),
        "_cuda_resetAccumulatedMemoryStats": one(c.reset_accumulated_memory),
        "_cuda_emptyCache": c.empty_cache,
        "_cuda_setMemoryFraction": lambda fraction, device=0: c.set_memory_fraction(fraction),
        "_cuda_getMemoryFraction": lambda device=0: c.memory_fraction(),
        "_cuda_hostMemoryStats": c.pinned_statistics,
        "_cuda_resetPeakHostMemoryStats": c.reset_peak_pinned,
        "_cuda_resetAccumulatedHostMemoryStats": c.reset_accumulated_pinned,
        "_cuda_memorySnapshot": snapshot,
        "_cuda_record_memory_history": record_history,
        "_cuda_record_memory_history_legacy": record_history_legacy,
        "_cuda_isHistoryEnabled": c.records_memory_history,
        "_cuda_setMemoryMetadata": lambda value: metadata.update(value=value),
        "_cuda_getMemoryMetadata": lambda: metadata["value"],
        "_cuda_getAllocatorBackend": lambda: "native",
        "_cuda_cudaCachingAllocator_is_enabled": lambda: True,
        "_cuda_cudaCachingAllocator_enable": lambda value: None,
        "_cuda_cudaHostAllocator": lambda: 0,
        "_host_emptyCache": lambda: None,  # nothing is kept
    }


def rebind(torch, c):
    def mem_get_info(device=None):
        index = torch.cuda._utils._get_device_index(device, optional=True)
        return _of_device(torch, c.memory_info)(index)

    torch.cuda.memory.mem_get_info = torch.cuda.mem_get_info = mem_get_info
