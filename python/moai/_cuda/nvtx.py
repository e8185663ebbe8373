"""torch.cuda.nvtx: ranges are counted, nothing listens to them."""

import itertools
import threading


class _Ranges(threading.local):
    def __init__(self):
        self.depth = 0
        self.numbers = itertools.count(1)

    def rangePushA(self, message):
        self.depth += 1
        return self.depth - 1

    def rangePop(self):
        self.depth -= 1
        return self.depth

    def rangeStartA(self, message):
        return next(self.numbers)

    def rangeEnd(self, number):
        return None

    def markA(self, message):
        return None

    def deviceRangeStart(self, message, stream):
        return object()

    def deviceRangeEnd(self, handle, stream):
        return None


def install(torch):
    torch._C.__dict__["_nvtx"] = torch.cuda.nvtx._nvtx = _Ranges()
