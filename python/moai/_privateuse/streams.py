"""torch.moai.streams. There is one order of execution; streams are names."""

import torch

from moai import _C
from moai._privateuse.index import device_index

_TYPE = torch._C._autograd.DeviceType.PrivateUse1.value


class Stream(torch.Stream):
    def __new__(cls, device="moai", priority=0, **kwargs):
        if "stream_id" in kwargs:
            return torch.Stream.__new__(cls, **kwargs)
        return torch.Stream.__new__(cls, device=device, priority=priority)


class Event(torch.Event):
    def __new__(cls, enable_timing=False, blocking=False, interprocess=False):
        self = torch.Event.__new__(cls, device="moai", enable_timing=enable_timing,
                                   blocking=blocking, interprocess=interprocess)
        self._timed = enable_timing
        return self

    def elapsed_time(self, other):  # the one of torch.Event wants its exact type
        if not (self._timed and getattr(other, "_timed", True)):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        return _C.elapsed_ms(self.event_id, other.event_id)


def _named(stream_id):
    return Stream(stream_id=stream_id, device_index=0, device_type=_TYPE)


def current_stream(device=None):
    device_index(device)
    return _named(_C.current_stream())


def default_stream(device=None):
    device_index(device)
    return _named(0)


def set_stream(stream):
    if stream is not None:
        _C.set_current_stream(stream.stream_id)


class StreamContext:
    """Context in which a stream is the current one; None changes nothing."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        self._before = _C.current_stream()
        set_stream(self.stream)

    def __exit__(self, *_):
        _C.set_current_stream(self._before)


def stream(stream):
    return StreamContext(stream)


def synchronize(device=None):
    """Waits until all that was recorded is done."""
    device_index(device)
    _C.synchronize()
