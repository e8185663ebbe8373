"""torch.compile: on the device the default back end passes operators through to the capture, and
what repeats is compiled beside the Worker (docs/design/008-compiled-windows.md).
"""

import functools


def install(torch, c, device_type):
    wrapper = torch._TorchCompileInductorWrapper
    compile_with_inductor = wrapper.__call__

    def values_of(graph):
        yield from graph.parameters()
        yield from graph.buffers()
        for node in graph.graph.nodes:  # a graph may make all of its tensors itself
            value = node.meta.get("example_value")
            yield from value if isinstance(value, (list, tuple)) else (value,)

    def on_device(tensors):
        return any(isinstance(t, torch.Tensor) and t.device.type == device_type for t in tensors)

    def compile_or_pass(self, graph, inputs):
        if on_device(inputs) or on_device(values_of(graph)):
            if c.settings()["may_compile"]:
                c.compile_windows()
            return graph.forward
        return compile_with_inductor(self, graph, inputs)

    wrapper.__call__ = compile_or_pass
    compile_as_told = torch.compile

    @functools.wraps(compile_as_told)
    def compile(*args, backend="inductor", **kwargs):
        # Windows that repeat are replayed anyway.
        return compile_as_told(*args, backend="eager" if backend == "cudagraphs" else backend,
                               **kwargs)

    torch.compile = compile
