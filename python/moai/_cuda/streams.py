"""Streams and events. There is one order of execution; streams are names."""

import importlib

_CUDA = 1  # number of the device type


def functions(c):
    return {
        "_cuda_getCurrentStream": lambda device: (c.current_stream(), 0, _CUDA),
        "_cuda_getDefaultStream": lambda device: (0, 0, _CUDA),
        "_cuda_getCurrentRawStream": lambda device: c.current_stream(),
        "_cuda_setStream": lambda stream_id, device_index=0, device_type=_CUDA:
            c.set_current_stream(stream_id),
        "_cuda_getStreamFromExternal": lambda pointer, device: (pointer, 0, _CUDA),
    }


def types(torch, c):
    priorities = {}  # of streams that have another than 0, by id

    class _CudaStreamBase(torch.Stream):
        def __new__(cls, priority=0, stream_id=None, device_index=0, device_type=_CUDA,
                    stream_ptr=0):
            if stream_id is not None:
                return torch.Stream.__new__(cls, stream_id=stream_id, device_index=device_index,
                                            device_type=device_type)
            self = torch.Stream.__new__(cls, device="cuda", priority=priority)
            if priority < 0:
                priorities[self.stream_id] = -1
            return self

        cuda_stream = property(lambda self: self.stream_id)
        priority = property(lambda self: priorities.get(self.stream_id, 0))

        @staticmethod
        def priority_range():
            return (0, -1)

    class _CudaEventBase(torch.Event):
        def __new__(cls, enable_timing=False, blocking=False, interprocess=False, external=False):
            self = torch.Event.__new__(cls, device="cuda", enable_timing=enable_timing,
                                       blocking=blocking, interprocess=interprocess)
            self._timed = enable_timing
            return self

        cuda_event = property(lambda self: self.event_id)

        def elapsed_time(self, other):  # the one of torch.Event wants its exact type
            if not (self._timed and getattr(other, "_timed", True)):
                raise ValueError("Both events must be created with argument 'enable_timing=True'.")
            return c.elapsed_ms(self.event_id, other.event_id)

    return {"_CudaStreamBase": _CudaStreamBase, "_CudaEventBase": _CudaEventBase}


def rebind(torch):
    """These modules chose their base classes when they were imported, before ours existed."""
    cuda = torch.cuda
    streams = importlib.reload(importlib.import_module("torch.cuda.streams"))
    cuda.Stream, cuda.Event = streams.Stream, streams.Event
    cuda.ExternalStream = streams.ExternalStream
