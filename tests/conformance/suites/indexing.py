"""Reading and writing parts of tensors."""

import torch

from tests.conformance.suites import programs
from tests.conformance.suites.programs import values

_suite = programs.Suite("indexing")
NAME, entries, cases, run = _suite.NAME, _suite.entries, _suite.cases, _suite.run
program = _suite.program

FLOATS = (torch.float32, torch.float64, torch.bfloat16)


def _indices(where, *numbers):
    return where.tensor(torch.tensor(numbers))


@program()
def integers_and_slices(where, dtype):
    x = where.tensor(values((5, 6, 7), dtype))
    return x[0], x[-1, 2], x[1, 2, 3], x[1:4], x[:, ::2], x[..., -3:], x[2:2], x[:, None, 1:9:3]


@program()
def ellipsis_and_none(where, dtype):
    x = where.tensor(values((2, 3, 4), dtype))
    return x[...], x[..., 0], x[None], x[..., None], x[:, None, ..., None, 1], x[0, ..., 2]


@program()
def zero_dimensional(where, dtype):
    x = where.tensor(values((), dtype))
    return x[None], x[...], x[()]


@program()
def integer_tensors(where, dtype):
    x = where.tensor(values((5, 6, 7), dtype))
    i, j = _indices(where, 0, 4, 2), _indices(where, 1, -1, 3)
    return x[i], x[:, i], x[i, j], x[i, :, j], x[i[:, None], j], x[..., i], x[i, None, j]


@program()
def integer_tensors_of_the_cpu(where, dtype):
    x = where.tensor(values((5, 6), dtype))
    return x[torch.tensor([0, 3])], x[[1, 2, 4]], x[[0, 1], [2, 3]], x[torch.tensor(2)]


@program()
def masks(where, dtype):
    x = where.tensor(values((4, 5), dtype))
    mask = where.tensor(values((4, 5), torch.bool, 3))
    row = where.tensor(torch.tensor([True, False, True, True]))
    return x[mask], x[row], x[row, 1:3], x[~mask], x[mask.cpu()], x[row & False]


@program()
def masks_and_integers(where, dtype):
    x = where.tensor(values((4, 5), dtype))
    row = where.tensor(torch.tensor([True, False, True, False]))
    return x[row, _indices(where, 1, 3)], x[2, row.new_tensor([True, False, True, True, False])]


@program()
def empty_indices(where, dtype):
    x = where.tensor(values((4, 5), dtype))
    none = where.tensor(torch.empty(0, dtype=torch.int64))
    return x[none], x[:, none], x[none, none], x[where.tensor(torch.zeros(4, dtype=torch.bool))]


@program()
def out_of_range(where, dtype):
    x = where.tensor(values((4, 5), dtype))
    messages = []
    for index in (4, -5, (0, 5), (0, 0, 0)):
        try:
            x[index]
        except IndexError as error:
            messages.append(str(error))
    return "; ".join(messages)


@program()
def assigned_numbers(where, dtype):
    x = where.tensor(values((5, 6), dtype))
    x[0] = 1
    x[:, 2] = 0
    x[1:3, ::2] = 1
    x[..., -1] = 0
    return x


@program()
def assigned_tensors(where, dtype):
    x = where.tensor(values((5, 6), dtype))
    x[0] = where.tensor(values((6,), dtype, 1))
    x[1:4] = where.tensor(values((1, 6), dtype, 2))
    x[:, 0] = where.tensor(values((5,), dtype, 3))
    x[4, 5] = where.tensor(values((), dtype, 4))
    return x


@program()
def assigned_by_integer_tensors(where, dtype):
    x = where.tensor(values((5, 6), dtype))
    x[_indices(where, 0, 2)] = where.tensor(values((2, 6), dtype, 1))
    x[_indices(where, 1, 3), _indices(where, 4, 5)] = where.tensor(values((2,), dtype, 2))
    x[:, _indices(where, 1)] = 1
    return x


@program()
def assigned_by_masks(where, dtype):
    x = where.tensor(values((5, 6), dtype))
    mask = where.tensor(values((5, 6), torch.bool, 2))
    x[mask] = 1
    x[~mask] = where.tensor(values((int((~mask).sum()),), dtype, 5))
    x[where.tensor(torch.tensor([True, False, False, True, False]))] = 0
    return x


@program()
def assigned_from_other_dtypes(where, dtype):
    x = where.tensor(values((3, 4), dtype))
    x[0] = where.tensor(values((4,), torch.float64, 1)).bool().to(torch.int32)
    x[1] = torch.tensor([1, 0, 1, 1])  # of the CPU
    x[2, 1] = torch.tensor(1.0)
    return x


@program()
def through_views(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    x.t()[1:3] = 0
    x.view(-1)[::5] = 1
    x[1:][0][2:4] = 1
    return x


@program(*FLOATS, torch.int64)
def accumulated(where, dtype):
    x = where.tensor(values((5, 3), dtype))
    index = _indices(where, 0, 2, 0, 4)
    source = where.tensor(values((4, 3), dtype, 1))
    return (x.index_add(0, index, source), x.index_put((index,), source, accumulate=True),
            x.scatter_add(0, index[:, None].expand(4, 3).contiguous(), source),
            x.index_copy(0, _indices(where, 3, 1), source[:2]), x.index_fill(1, index[1:2], 2))


@program()
def gathered(where, dtype):
    x = where.tensor(values((4, 5), dtype))
    index = where.tensor(torch.tensor([[0, 4, 2], [1, 1, 1], [3, 0, 2], [4, 4, 0]]))
    return (x.gather(1, index), x.take(index), x.index_select(1, _indices(where, 0, 3)),
            torch.take_along_dim(x, index, 1), x.masked_select(x == x))


@program()
def masked(where, dtype):
    x = where.tensor(values((4, 5), dtype))
    mask = where.tensor(values((4, 5), torch.bool, 2))
    y = where.tensor(values((4, 5), dtype, 1))
    return (x.masked_fill(mask, 0), torch.where(mask, x, y), x.masked_scatter(mask, y),
            torch.where(mask), mask.nonzero(), x.nonzero(), torch.argwhere(mask))


@program(*FLOATS)
def differentiated(where, dtype):
    x = where.tensor(values((5, 6), dtype)).requires_grad_()
    i = _indices(where, 0, 4, 0)
    y = x[i].sum() + (x[:, 1:3] ** 2).sum() + x[x > 0].sum() + x[1, 2]
    y.backward()
    return x.grad


@program(*FLOATS)
def differentiated_writes(where, dtype):
    x = where.tensor(values((5, 6), dtype)).requires_grad_()
    y = x * 2
    y[0] = 0
    y[:, _indices(where, 1, 2)] = x[:, :2]
    (y * y).sum().backward()
    return x.grad


@program()
def iterated(where, dtype):
    x = where.tensor(values((3, 4), dtype))
    first, *rest = x
    return first, torch.stack(rest), len(x), x.tolist(), [row.shape for row in x]


@program(torch.int64, torch.bool)
def as_python_indices(where, dtype):
    letters = "abcdefgh"
    if dtype is torch.bool:
        return "yes" if where.tensor(torch.tensor(True)) else "no"
    number = where.tensor(torch.tensor(3))
    return letters[number], letters[int(number)], list(range(number)), [0] * number
