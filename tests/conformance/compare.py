"""Results beside those of the reference."""

import torch
from torch.utils import _pytree as pytree

from tests.conformance.case import Mismatch


def tensors(value):
    return [leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]


def _tensor(found, wanted, what, values, strides):
    if found.dtype != wanted.dtype:
        raise Mismatch(f"{what}: dtype {found.dtype}, wanted {wanted.dtype}")
    if found.shape != wanted.shape:
        raise Mismatch(f"{what}: shape {tuple(found.shape)}, wanted {tuple(wanted.shape)}")
    if found.layout != wanted.layout:
        raise Mismatch(f"{what}: layout {found.layout}, wanted {wanted.layout}")
    if strides and wanted.layout is torch.strided and wanted.numel() > 1:
        significant = [(a, b) for a, b, size in zip(found.stride(), wanted.stride(), wanted.shape)
                       if size > 1]
        if any(a != b for a, b in significant):
            raise Mismatch(f"{what}: strides {found.stride()}, wanted {wanted.stride()}")
    if values:
        try:
            torch.testing.assert_close(found.detach().cpu(), wanted.detach().cpu(),
                                       equal_nan=True)
        except AssertionError as problem:
            raise Mismatch(f"{what}: {problem}") from None


def same(found, wanted, what="result", values=True, strides=True):
    """Mismatch when `found` is not `wanted` (on the CPU), leaf by leaf."""
    found_leaves, found_tree = pytree.tree_flatten(found)
    wanted_leaves, wanted_tree = pytree.tree_flatten(wanted)
    if len(found_leaves) != len(wanted_leaves):
        raise Mismatch(f"{what}: {found_tree}, wanted {wanted_tree}")
    for index, (a, b) in enumerate(zip(found_leaves, wanted_leaves)):
        name = f"{what}[{index}]" if len(wanted_leaves) > 1 else what
        if isinstance(b, torch.Tensor):
            if not isinstance(a, torch.Tensor):
                raise Mismatch(f"{name}: {type(a).__name__}, wanted a tensor")
            _tensor(a, b, name, values, strides)
        elif isinstance(b, (int, float, complex, bool, str, torch.Size, torch.dtype)):
            if a != b and not (values and a != a and b != b) and values:
                raise Mismatch(f"{name}: {a}, wanted {b}")


def _bytes(tensor):
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    flat = plain.as_strided((plain.numel(),), (1,))  # a lone element may have any stride
    return flat.view(torch.uint8)


def differ(first, second):
    """Whether two runs of the reference gave different values: then the operator draws."""
    for a, b in zip(tensors(first), tensors(second)):
        if a.shape != b.shape:
            return True
        if a.layout is torch.strided and not torch.equal(_bytes(a), _bytes(b)):
            return True
    return False
