"""Turns the device on at the end of `import torch`, or leaves torch as it was."""

import os
import sys
import warnings

_active = False
_kept = []  # what must live as long as torch does


def is_active():
    return _active


def activate():
    """Once per process. Problems end in one warning, never in an exception."""
    global _active
    if _active:
        return
    try:
        _active = _activate()
    except Exception as error:  # a broken device must not break `import torch`
        warnings.warn(
            f"MoAI is not active, torch runs on the CPU: {type(error).__name__}: {error}",
            RuntimeWarning,
            stacklevel=2,
        )


def _activate():
    import torch

    from moai import _C

    settings = _C.settings()
    if settings["disabled"]:
        return False
    _register(torch, _C, settings)
    return True


def device_type(build, asked):
    """What torch shall call the device. `build`: the CUDA or HIP version that torch has of its own,
    which then is `cuda`; `asked`: MOAI_DEVICE, empty when not set."""
    if build and asked == "cuda":
        raise RuntimeError(f"MOAI_DEVICE=cuda beside a build of torch for CUDA {build}: without it "
                           "the device is `moai`; with the CPU build of torch it can be `cuda`")
    return asked or ("moai" if build else "cuda")


def _register(torch, c, settings):
    from moai import __version__, _session, _shapes, _torchvision

    build = torch.version.cuda or torch.version.hip
    device = device_type(build, settings["device_type"])
    c.choose_device(device)
    _C_folders = [os.path.dirname(os.path.abspath(torch.__file__)) + os.sep,
                  os.path.dirname(os.path.abspath(__file__)) + os.sep]
    c.set_library_folders(_C_folders)
    c.set_startup(_session.program(), __version__, f"pytorch-{_plain(torch.__version__)}",
                  _command())
    if device == "cuda":
        from moai._cuda import install
    else:
        from moai._privateuse import install
    install(torch, c, settings)
    _shapes.install(bool(build))
    _session.attach(torch, c, device)
    if not build:
        _kept.append(_torchvision.install(torch))


def _plain(version):
    return str(version).split("+")[0]


def _command():
    return " ".join([os.path.basename(sys.executable or "python"), *sys.argv])
