"""The device as torch's PrivateUse1, which is called `moai` then: the module torch.moai."""

NAME = "moai"


def install(torch, c, settings):
    """Renames, registers and puts the module into torch. Starts nothing; the order matters."""
    torch.utils.rename_privateuse1_backend(NAME)
    c.register_device()
    from moai import _compiling, _scaling
    from moai._privateuse import surface

    surface.device_name = settings["device_name"]
    torch._register_device_module(NAME, surface)
    torch.utils.generate_methods_for_privateuse1_backend(for_storage=True)
    lazy = torch.nn.parameter.UninitializedTensorMixin
    lazy._allowed_methods = [*lazy._allowed_methods, getattr(torch.Tensor, NAME)]
    _scaling.install(torch, c, NAME)
    _compiling.install(torch, c, NAME)
