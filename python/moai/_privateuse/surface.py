"""What programs see as torch.moai, in the form of torch.cuda. There is one device."""

import types

import torch

from moai import _C
from moai._privateuse import memory, random, streams
from moai._privateuse.index import device_index
from moai._privateuse.memory import (empty_cache, max_memory_allocated, max_memory_reserved,
                                     mem_get_info, memory_allocated, memory_reserved, memory_stats,
                                     reset_accumulated_memory_stats, reset_peak_memory_stats,
                                     set_per_process_memory_fraction)
from moai._privateuse.random import (default_generators, get_rng_state, get_rng_state_all,
                                     initial_seed, manual_seed, manual_seed_all, seed, seed_all,
                                     set_rng_state, set_rng_state_all)
from moai._privateuse.streams import (Event, Stream, StreamContext, current_stream, default_stream,
                                      set_stream, stream, synchronize)

device_name = ""  # written by install()
_initialized = False


def is_available():
    return True


def device_count():
    return 1


def is_initialized():
    return _initialized and not _is_in_bad_fork()


def init():
    _lazy_init()


def _lazy_init():
    """Called by torch before the first tensor of the device."""
    global _initialized
    if _is_in_bad_fork():
        raise RuntimeError("Cannot re-initialize MoAI in forked subprocess. To use MoAI with "
                           "multiprocessing, you must use the 'spawn' start method")
    if not _initialized:
        _C.register_fork_handler()
        _initialized = True


def _is_in_bad_fork():
    return _C.in_bad_fork()


def current_device():
    return 0


def set_device(device):
    device_index(device)


class device:
    """Context in which a device is the current one."""

    def __init__(self, device):
        self.idx = device_index(device)

    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False


class device_of(device):
    """The same for the device of a tensor; nothing for tensors elsewhere."""

    def __init__(self, tensor):
        super().__init__(0 if tensor.device.type != "moai" else tensor.device)


def get_device_name(device=None):
    device_index(device)
    return device_name


def get_device_properties(device=None):
    device_index(device)
    return types.SimpleNamespace(name=device_name, total_memory=_C.total_memory())


def get_amp_supported_dtype():
    return [torch.float16, torch.bfloat16]


def is_bf16_supported(including_emulation=True):
    return True
