"""Files, copies and pickles of tensors."""

import copy
import io
import pickle

import torch

from tests.conformance.case import Mismatch
from tests.conformance.suites import programs
from tests.conformance.suites.programs import values

_suite = programs.Suite("serialization")
NAME, entries, cases, run = _suite.NAME, _suite.entries, _suite.cases, _suite.run
program = _suite.program


def _through_file(value, **load):
    file = io.BytesIO()
    torch.save(value, file, **load.pop("save", {}))
    file.seek(0)
    return torch.load(file, **load)


@program()
def back_to_the_device(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    again = _through_file(x)
    if again.device != x.device:
        raise Mismatch(f"{again.device}, wanted {x.device}")
    return again


@program()
def to_the_cpu(where, dtype):
    again = _through_file({"x": where.tensor(values((4, 6), dtype))}, map_location="cpu")
    return again["x"].device.type, again


@program()
def from_the_cpu(where, dtype):
    again = _through_file(values((4, 6), dtype), map_location=where.device)
    if again.device.type != torch.device(where.device).type:
        raise Mismatch(f"{again.device}, wanted {where.device}")
    return again


@program()
def old_format(where, dtype):
    return _through_file(where.tensor(values((4, 6), dtype)),
                         save={"_use_new_zipfile_serialization": False})


@program()
def views_share_after_loading(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    again, row = _through_file([x, x[1]])
    again[1].fill_(1)
    return again, row, row.untyped_storage().data_ptr() == again.untyped_storage().data_ptr()


@program()
def strides_stay(where, dtype):
    again = _through_file(where.tensor(values((4, 6), dtype)).t())
    return again, again.stride()


@program()
def deep_copies(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    copies = copy.deepcopy({"a": x, "b": x[1:], "c": x})
    copies["a"].fill_(1)
    return copies, copies["a"] is copies["c"], x


@program()
def pickles(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    return pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps([x, x[0]]))


@program(torch.float32, torch.float64)
def parameters(where, dtype):
    p = torch.nn.Parameter(where.tensor(values((3,), dtype)))
    again = _through_file(p, weights_only=False)
    return again, again.requires_grad, isinstance(copy.deepcopy(p), torch.nn.Parameter)


@program(torch.float32, torch.float64)
def modules_whole(where, dtype):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).to(dtype)
    net = net.to(where.device)
    again = _through_file(net, weights_only=False)
    x = where.tensor(values((5, 4), dtype))
    return again(x), again.state_dict()


@program(torch.float32)
def optimizers_resume(where, dtype):
    p = where.tensor(values((3,), dtype)).requires_grad_()
    optimizer = torch.optim.Adam([p], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    state = _through_file(optimizer.state_dict())
    again = torch.optim.Adam([p], lr=0.1)
    again.load_state_dict(state)
    (p * p).sum().backward()
    again.step()
    return p.detach(), again.state_dict()["state"][0]["exp_avg"]


@program()
def storages(where, dtype):
    x = where.tensor(values((4,), dtype))
    storage = x.untyped_storage()
    again = _through_file(x.untyped_storage(), weights_only=False)
    return storage.nbytes(), again.nbytes(), bytes(again.cpu()) == bytes(storage.cpu())


@program()
def mapped_files(where, dtype):
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        torch.save(where.tensor(values((4, 6), dtype)), file.name)
        return torch.load(file.name, map_location=where.device), torch.load(
            file.name, map_location="cpu", mmap=True).clone()


@program(torch.float32, torch.int64)
def to_numpy_and_back(where, dtype):
    x = where.tensor(values((4, 6), dtype))
    array = x.cpu().numpy()
    return torch.from_numpy(array).to(where.device), x.tolist(), float(array.sum())
