"""MoAI: an unmodified PyTorch program trains on a leased accelerator.

`import torch` activates the device through the entry point group `torch.backends`; nothing here has
to be called by a program.
"""

__version__ = "0.1.0"


def _autoload():
    """Entry point of `torch.backends`. Never raises: without the device torch stays as it is."""
    from moai._activation import activate

    activate()
