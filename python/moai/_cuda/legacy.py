"""torch.cuda.FloatTensor and its like, also as default tensor type."""

_NAMES = {"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16",
          "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8",
          "Bool": "bool"}


def _make_types(torch):
    class LegacyType(type):
        # Tensor.type(...) goes by the name that a type was made with.
        __name__ = property(lambda cls: type.__dict__["__name__"].__get__(cls).split(".")[-1])

        def __instancecheck__(cls, value):
            return isinstance(value, torch.Tensor) and value.is_cuda and value.dtype == cls.dtype

        def __repr__(cls):
            return f"<class 'torch.cuda.{cls.__name__}'>"

    def make_type(name, dtype):
        def make(cls, *args, **kwargs):
            if len(args) == 1 and isinstance(args[0], torch.Size):
                return torch.empty(args[0], dtype=dtype, device="cuda")
            if len(args) == 1 and not isinstance(args[0], int):
                return torch.tensor(args[0], dtype=dtype, device="cuda")
            return torch.empty(args or (0,), dtype=dtype, device="cuda")

        return LegacyType(f"torch.cuda.{name}", (),
                          {"__new__": make, "dtype": dtype, "is_cuda": True,
                           "is_sparse": False, "layout": torch.strided,
                           "__module__": "torch.cuda"})

    for prefix, dtype in _NAMES.items():
        name = prefix + "Tensor"
        setattr(torch.cuda, name, make_type(name, getattr(torch, dtype)))
    return LegacyType


def install(torch):
    legacy_type = _make_types(torch)
    set_type = torch.set_default_tensor_type

    def set_default_tensor_type(t):
        kind = torch._import_dotted_name(t) if isinstance(t, str) else t
        if isinstance(kind, legacy_type):
            if not kind.dtype.is_floating_point:
                raise TypeError("invalid type object: only floating-point types are supported as "
                                "the default type")
            torch.set_default_dtype(kind.dtype)
            torch.set_default_device("cuda")
            return
        set_type(kind)
        if torch.get_default_device().type == "cuda":
            torch.set_default_device(None)

    torch.set_default_tensor_type = set_default_tensor_type
