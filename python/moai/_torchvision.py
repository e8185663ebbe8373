"""torchvision's wheel for CUDA beside the CPU build of torch.

Package indexes offer the CUDA wheel where the CPU one is not asked for by name. Its binary cannot
load here, and its import then fails at two operators whose shape functions it registers. With
their schemas known it imports; what needs the binary says so when it is called.
"""

import importlib.util
import pathlib
import re

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPERATORS = ("nms", "qnms")


def version():
    """Of the installed torchvision, which is not imported for it; None when there is none."""
    spec = importlib.util.find_spec("torchvision")
    for folder in spec.submodule_search_locations or [] if spec else []:
        file = pathlib.Path(folder, "version.py")
        if file.is_file() and (found := re.search(r"__version__ = '(.+)'", file.read_text())):
            return found[1]
    return None


def is_for_cuda(version):
    return version is not None and "+cu" in version


def install(torch):
    """Returns the library that keeps the schemas; None where torchvision needs no help."""
    if not is_for_cuda(version()):
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in _OPERATORS:
        library.define(name + _SCHEMA)
    return library
