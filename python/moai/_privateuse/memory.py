"""torch.moai.memory: the figures of torch.accelerator, whose device this is."""

from torch.accelerator import (empty_cache, max_memory_allocated, max_memory_reserved,
                               memory_allocated, memory_reserved, memory_stats,
                               reset_accumulated_memory_stats, reset_peak_memory_stats)

from moai import _C
from moai._privateuse.index import device_index


def mem_get_info(device=None):
    """(free, total), in bytes."""
    device_index(device)
    return _C.memory_info()


def set_per_process_memory_fraction(fraction, device=None):
    device_index(device)
    _C.set_memory_fraction(fraction)
