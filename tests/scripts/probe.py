"""Collects functions as probes and prints, for each, a JSON line with what it raised.

A file of probes is run as `python probes_….py [cuda|moai|cpu]`: elsewhere those that need no CUDA
device of their own, which shows that they ask for torch's behaviour.
"""

import json
import sys
import traceback

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cuda"
_PROBES = []


def probe(function):
    """Runs on every device."""
    _PROBES.append(function)
    return function


def device_probe(function):
    """Asks for something that only a CUDA device has."""
    if DEVICE == "cuda":
        _PROBES.append(function)
    return function


def raises(kind, text, function):
    """The error, after checking that `function` raises it with `text` in its message."""
    try:
        function()
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error}"
        return error
    raise AssertionError(f"no {kind} was raised")


def run_probes():
    for function in _PROBES:
        try:
            function()
            raised = None
        except BaseException:
            raised = traceback.format_exc()[-2000:]
        print(json.dumps({"probe": function.__name__, "raised": raised}), flush=True)
