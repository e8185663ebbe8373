"""What ties the device to this process: its holder program, step ends, and the way out."""

import atexit
import os
import sys
import types


def program():
    """Path of moai-session: in the package when installed, else where the build put it."""
    packaged = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "moai-session")
    if os.path.exists(packaged):
        return packaged
    try:
        from moai._build import PROGRAM_DIR
    except ImportError:
        return packaged
    return os.path.join(PROGRAM_DIR, "moai-session")


def attach(torch, c, device):
    from moai import __version__, _parallelization

    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(lambda optimizer, args, kwargs: c.step_end())
    if c.settings()["rehearsal"]:
        register_optimizer_step_post_hook(lambda optimizer, args, kwargs: _end_rehearsal(c))
    process = os.getpid()
    atexit.register(lambda: _leave(c, process))
    torch.version.moreh = __version__
    option = types.SimpleNamespace(
        enable_advanced_parallelization=_parallelization.make_enable(torch, c, device))
    torch.moreh = types.SimpleNamespace(__version__=__version__, version=__version__,
                                        option=option)


def _end_rehearsal(c):
    if c.rehearsal_complete():
        raise SystemExit(0)


def _leave(c, process):
    """Drains what was not sent. An error that the program has not seen is printed, exit code 1."""
    if os.getpid() != process:
        return
    error = c.shutdown(failed=hasattr(sys, "last_value"))  # set by a traceback that ends a program
    if error is None:
        return
    sys.stdout.flush()
    sys.stderr.write(f"[error] the device failed after the last result was read: {error}\n")
    sys.stderr.flush()
    os._exit(1)
