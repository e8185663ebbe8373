"""torch.cuda.FloatTensor and its like."""

_NAMES = {"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16",
          "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8",
          "Bool": "bool"}


def install(torch):
    class LegacyType(type):
        def __instancecheck__(cls, value):
            return isinstance(value, torch.Tensor) and value.is_cuda and value.dtype == cls.dtype

    def make_type(name, dtype):
        def make(cls, *args, **kwargs):
            if len(args) == 1 and isinstance(args[0], torch.Size):
                return torch.empty(args[0], dtype=dtype, device="cuda")
            if len(args) == 1 and not isinstance(args[0], int):
                return torch.tensor(args[0], dtype=dtype, device="cuda")
            return torch.empty(args or (0,), dtype=dtype, device="cuda")

        return LegacyType(name, (), {"__new__": make, "dtype": dtype, "is_cuda": True,
                                     "__module__": "torch.cuda"})

    for prefix, dtype in _NAMES.items():
        name = prefix + "Tensor"
        setattr(torch.cuda, name, make_type(name, getattr(torch, dtype)))
