"""CUDA graphs: a capture is recorded, a replay records the same calls again (moai._C)."""

import importlib
import itertools


def _refuse(what):
    def refuse(self, *args, **kwargs):
        raise RuntimeError(f"{what}: there is no cudaGraph_t behind a graph of this device")

    return refuse


def functions(c):
    numbers = itertools.count(1)
    return {
        "_cuda_isCurrentStreamCapturing": c.capturing,
        "_graph_pool_handle": lambda: (0, next(numbers)),
        # What torch's CUDA graph trees import, which nothing here gets to use.
        "_cuda_CUDAAllocator_AllocatorState": type("AllocatorState", (), {}),
        "_set_cached_tensors_enabled": lambda enabled: None,
    }


def types(c):
    class _CUDAGraph:
        def __new__(cls, keep_graph=False):
            self = super().__new__(cls)
            self._graph = c.CapturedGraph()
            self._pool = None
            return self

        def capture_begin(self, pool=None, capture_error_mode="global"):
            if capture_error_mode not in ("global", "thread_local", "relaxed"):
                raise RuntimeError("Unknown capture error mode. Expected `global`, `thread_local`, "
                                   f"or `relaxed`, got {capture_error_mode}")
            self._pool = pool or _torch_c()._graph_pool_handle()
            self._graph.capture_begin()

        def capture_end(self):
            self._graph.capture_end()

        def instantiate(self):
            pass

        def register_generator_state(self, generator):
            pass  # every generator of the device draws anew at each replay

        def replay(self):
            self._graph.replay()

        def reset(self):
            self._graph.reset()

        def pool(self):
            if self._pool is None:
                raise RuntimeError("Called CUDAGraph::pool() without a preceding successful "
                                   "capture.")
            return self._pool

        def enable_debug_mode(self):
            pass

        def debug_dump(self, path):
            with open(path, "w") as file:
                file.write(self._graph.text())

        raw_cuda_graph = _refuse("raw_cuda_graph")
        raw_cuda_graph_exec = _refuse("raw_cuda_graph_exec")

    return {"_CUDAGraph": _CUDAGraph}


def _torch_c():
    import torch

    return torch._C


def rebind(torch):
    """torch.cuda.graphs chose its base class when it was imported, before ours existed."""
    graphs = importlib.reload(importlib.import_module("torch.cuda.graphs"))
    for name in ("CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing",
                 "make_graphed_callables"):
        setattr(torch.cuda, name, getattr(graphs, name))
