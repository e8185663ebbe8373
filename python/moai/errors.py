"""What ends a program's use of its accelerator.

Errors of operators are torch's own classes; these are about the accelerator itself. After one of
them every use of the device in this process raises it again.
"""


class MoaiError(RuntimeError):
    """Base of the others."""


class JobEnded(MoaiError):
    """The job was ended from outside: `moreh-smi -r`, a revoked token, an administrator."""


class WorkerLost(MoaiError):
    """The Worker died or cannot be reached any more; what was on the device is gone."""


class InvalidToken(MoaiError):
    """The token is missing, wrong or revoked, or may not do this."""


class AcceleratorUnavailable(MoaiError):
    """No accelerator can be had: the flavor cannot compute here, versions do not fit, and so on."""
