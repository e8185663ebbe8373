"""The surface of torch.cuda that a CPU build of torch lacks, on top of moai._C."""

from moai._cuda import bindings, compiling, legacy, memory, properties, storages, streams


def install(torch, c, settings):
    """Fills in torch._C and torch.cuda. Starts nothing; the order matters."""
    names = {}
    names.update(bindings.functions(torch, c))
    names.update(memory.functions(c))
    names.update(streams.functions(c))
    names.update(streams.types(torch, c))
    names.update(properties.types())
    torch._C.__dict__.update(names)
    bindings.rebind(torch, names)
    streams.rebind(torch)
    properties.rebind(torch, c, settings)
    memory.rebind(torch, c)
    storages.install(torch)
    legacy.install(torch)
    compiling.install(torch)
