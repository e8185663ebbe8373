"""What a call came to: a value or an exception. Both are part of how torch behaves."""

import itertools
import warnings

import torch

from tests.conformance import compare
from tests.conformance.case import Mismatch, Unsupported
from tests.conformance.subject import synchronize

SAMPLES = 3
LOOKED_AT = 40  # samples of an entry, of which SAMPLES are spread over

# Their values are whatever the memory held.
UNDEFINED = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty",
             "new_empty_strided", "resize_", "resize_as_"}


class Outcome:
    def __init__(self, value=None, error=None):
        self.value, self.error = value, error

    @staticmethod
    def of(function, seed=0):
        torch.manual_seed(seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = function()
                synchronize()  # raises what the device has against it
                return Outcome(value=value)
        except Exception as error:  # its class is compared
            return Outcome(error=error)

    def get(self):
        if self.error is not None:
            raise self.error
        return self.value


def first_line(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"


def same(found, wanted, what, values=True, strides=True):
    """Mismatch when the outcomes differ in kind, class of the exception, or value."""
    if wanted.error is not None:
        if found.error is None:
            raise Mismatch(f"{what}: no error, wanted {first_line(wanted.error)}")
        if type(found.error) is not type(wanted.error):
            raise Mismatch(f"{what}: {first_line(found.error)}, wanted "
                           f"{first_line(wanted.error)}") from found.error
        return
    if found.error is not None:
        raise found.error
    compare.same(found.value, wanted.value, what, values, strides)


def spread(items, count=SAMPLES):
    """The first, the last and those between, `count` at most."""
    if len(items) <= count:
        return items
    return [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


def samples(case, make, *args, **kwargs):
    """Samples on the CPU, the same in every process. Unsupported when there are none."""
    torch.manual_seed(case.seed)
    found = spread(list(itertools.islice(make("cpu", *args, **kwargs), LOOKED_AT)))
    if not found:
        raise Unsupported("no samples")
    return found
