"""Memory pools and raw allocations. There is one pool of memory; pools are names in it."""

import itertools


def functions(torch):
    held = {}  # raw allocations by address

    def raw_alloc(size, stream):
        tensor = torch.empty(max(size, 1), dtype=torch.uint8, device="cuda")
        held[tensor.data_ptr()] = tensor
        return tensor.data_ptr()

    def raw_delete(pointer):
        if held.pop(pointer, None) is None:
            raise RuntimeError(f"invalid device pointer: {pointer:#x}")

    def nothing(*args):
        return None

    return {
        "_cuda_cudaCachingAllocator_raw_alloc": raw_alloc,
        "_cuda_cudaCachingAllocator_raw_delete": raw_delete,
        "_cuda_beginAllocateToPool": nothing,
        "_cuda_beginAllocateCurrentThreadToPool": nothing,
        "_cuda_endAllocateToPool": nothing,
        "_cuda_releasePool": nothing,
    }


def install(torch):
    """Fills the placeholder that torch.cuda.MemPool was derived from."""
    for name in functions(torch):  # torch.cuda.memory took some by value
        if hasattr(torch.cuda.memory, name):
            setattr(torch.cuda.memory, name, getattr(torch._C, name))
    numbers = itertools.count(1)
    placeholder = torch._C._MemPool

    def make(cls, *args, **kwargs):
        return object.__new__(cls)

    def begin(self, allocator=None, is_user_created=True, use_on_oom=False, no_split=False):
        if allocator is not None:
            raise RuntimeError("MemPool: the device takes no allocator of this machine")
        self._id = (next(numbers), 0)

    placeholder.__new__ = make
    placeholder.__init__ = begin
    placeholder.id = property(lambda self: self._id)
    placeholder.device = 0
    placeholder.allocator = None
    placeholder.use_count = lambda self: 1
