"""The surface of torch.cuda that a CPU build of torch lacks, on top of moai._C."""

from moai import _compiling, _scaling
from moai._cuda import (bindings, collectives, graphs, hardware, legacy, memory, nvtx, pools,
                        properties, storages, streams)


def install(torch, c, settings):
    """Fills in torch._C and torch.cuda. Starts nothing; the order matters."""
    c.register_device()
    names = {}
    names.update(hardware.functions(torch))
    names.update(bindings.functions(torch, c))
    names.update(collectives.functions(torch))
    names.update(memory.functions(torch, c))
    names.update(streams.functions(c))
    names.update(streams.types(torch, c))
    names.update(graphs.functions(c))
    names.update(graphs.types(c))
    names.update(pools.functions(torch))
    names.update(properties.types())
    torch._C.__dict__.update(names)
    bindings.rebind(torch, names)
    streams.rebind(torch)
    graphs.rebind(torch)
    properties.rebind(torch, c, settings)
    memory.rebind(torch, c)
    storages.install(torch, c)
    pools.install(torch)
    nvtx.install(torch)
    _scaling.install(torch, c, "cuda")
    collectives.install(torch, c)
    legacy.install(torch)
    _compiling.install(torch, c, "cuda")
