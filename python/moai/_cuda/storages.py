"""Storages on the device, which the CPU build refuses to make and to resize."""


def install(torch, c):
    storage_type = torch.UntypedStorage
    make_on_host = storage_type.__new__

    def make_on_device(size_or_bytes=0):
        if isinstance(size_or_bytes, int):
            tensor = torch.empty(size_or_bytes, dtype=torch.uint8, device="cuda")
        else:
            tensor = torch.tensor(list(size_or_bytes), dtype=torch.uint8, device="cuda")
        return tensor.untyped_storage()

    def make(cls, *args, device=None, **kwargs):
        if device is None:
            return make_on_host(cls, *args, **kwargs)
        if torch.device(device).type == "cuda":
            return make_on_device(*args)
        return make_on_host(cls, *args, device=device, **kwargs)

    storage_type.__new__ = staticmethod(make)
    resize_on_host = storage_type.resize_

    def resize_(self, size):
        if self.device.type != "cuda":
            return resize_on_host(self, size)
        c.resize_storage(self, size)
        return self

    storage_type.resize_ = resize_
