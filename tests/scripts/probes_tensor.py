"""Tensors: making, copying, viewing, changing, reading, indexing, saving."""

import copy
import io
import pickle

import torch
import torch.nn.functional as F
from torch import nn

from probe import DEVICE, device_probe, probe, run_probes


def on_device(values, **options):
    return torch.tensor(values, device=DEVICE, **options)


@probe
def factories_make_tensors_on_the_device():
    made = [torch.zeros(2, device=DEVICE), torch.ones(2, device=DEVICE),
            torch.full((2,), 7.0, device=DEVICE), torch.arange(5, device=DEVICE),
            torch.linspace(0, 1, 3, device=DEVICE), torch.eye(2, device=DEVICE),
            torch.randn(3, device=DEVICE), torch.randint(0, 5, (3,), device=DEVICE),
            torch.randperm(5, device=DEVICE), torch.empty(2, 3, device=DEVICE)]
    assert all(t.device.type == DEVICE for t in made)
    assert torch.arange(5, device=DEVICE).tolist() == [0, 1, 2, 3, 4]
    assert torch.linspace(0, 1, 3, device=DEVICE).tolist() == [0, 0.5, 1]
    assert sorted(torch.randperm(5, device=DEVICE).tolist()) == [0, 1, 2, 3, 4]
    assert torch.ones_like(made[0]).device.type == DEVICE


@probe
def copies_go_both_ways():
    x = torch.arange(6).view(2, 3).float()
    y = x.clone().to(DEVICE)
    assert torch.equal((y * 2 + 1).cpu(), x * 2 + 1)
    z = torch.empty(2, 3)
    z.copy_(y)
    assert torch.equal(z, x)
    y.copy_(x.t().reshape(2, 3))
    assert torch.equal(y.cpu(), x.t().reshape(2, 3))


@device_probe
def every_way_to_the_device_is_the_same():
    x = torch.ones(2)
    devices = {str(t.device) for t in (x.cuda(), x.to("cuda"), x.to(0), x.cuda(0),
                                       x.to(torch.device("cuda:0")), x.to("cuda", torch.half))}
    assert devices == {"cuda:0"}, devices
    assert x.cuda().is_cuda


@probe
def copies_change_types_and_strides():
    x = torch.arange(6.0).view(2, 3).t()
    assert torch.equal(x.to(DEVICE, torch.float64).cpu(), x.double())
    assert torch.equal(x.to(DEVICE).to(torch.int32).cpu(), x.int())
    assert x.to(DEVICE).stride() == x.stride()


@probe
def a_copy_that_does_not_block_has_the_values_of_its_moment():
    x = torch.ones(1000)
    y = x.to(DEVICE, non_blocking=True)
    if DEVICE == "cuda":
        x.zero_()
    assert y.sum().item() == 1000


@probe
def views_share_their_memory():
    x = torch.zeros(3, 4, device=DEVICE)
    x.view(12)[5] = 1
    x[:, 1:3].add_(2)
    x.t()[0].fill_(9)
    x.unsqueeze(0).transpose(1, 2)[0, 3, 2] = -1
    assert x.tolist() == [[9, 2, 2, 0], [9, 3, 2, 0], [9, 2, 2, -1]], x.tolist()
    assert x[1].data_ptr() == x.data_ptr() + 4 * x.element_size()


@probe
def operators_in_place_change_what_others_see():
    x = torch.ones(4, device=DEVICE)
    alias = x
    x.mul_(3).add_(1)
    x += 1
    x[1:].sub_(1)
    assert alias.tolist() == [5, 4, 4, 4]
    assert x._version > 0


@probe
def results_can_be_written_to_out():
    a, b = torch.ones(2, 2, device=DEVICE), torch.full((2, 2), 3.0, device=DEVICE)
    out = torch.empty(2, 2, device=DEVICE)
    assert torch.add(a, b, out=out) is out
    assert out.tolist() == [[4, 4], [4, 4]]
    grown = torch.empty(0, device=DEVICE)
    torch.mm(a, b, out=grown)
    assert grown.tolist() == [[6, 6], [6, 6]]


@probe
def scalars_come_out_as_python_numbers():
    x = on_device(2.5)
    assert (x.item(), float(x), int(x), bool(x > 1)) == (2.5, 2.5, 2, True)
    assert on_device([1, 2]).tolist() == [1, 2]
    assert [int(v) for v in torch.arange(3, device=DEVICE)] == [0, 1, 2]
    assert f"{on_device(3.14159):.2f}" == "3.14"


@probe
def tensors_print_their_values():
    text = repr(on_device([[1.0, 2.0], [3.5, 4.0]]))
    assert "3.5000" in text
    assert (DEVICE == "cpu") or f"device='{DEVICE}:0'" in text
    assert "..." in repr(torch.arange(3000, device=DEVICE))
    assert "Parameter containing" in repr(nn.Parameter(torch.ones(2, device=DEVICE)))


@probe
def indexing_reads_and_writes():
    x = torch.arange(12.0, device=DEVICE).view(3, 4)
    x[0] = 5
    x[:, 1] += 1
    x[on_device([0, 2])] = 0
    x[x > 6] = -1
    assert x.tolist() == [[0, 0, 0, 0], [4, 6, 6, -1], [0, 0, 0, 0]], x.tolist()
    assert x[1, 2].item() == 6
    assert x[torch.tensor([1, 0])][0].tolist() == [4, 6, 6, -1]
    assert x.masked_fill(x < 0, 9)[1].tolist() == [4, 6, 6, 9]
    assert x.gather(1, torch.ones(3, 1, dtype=torch.long, device=DEVICE)).flatten().tolist() == \
        [0, 6, 0]


@probe
def results_may_have_shapes_that_depend_on_data():
    x = on_device([0, 1, 0, 2, 2])
    assert x.nonzero().flatten().tolist() == [1, 3, 4]
    assert x[x > 0].tolist() == [1, 2, 2]
    assert x.unique().tolist() == [0, 1, 2]
    assert torch.where(x > 0)[0].tolist() == [1, 3, 4]
    assert torch.bincount(x).tolist() == [2, 1, 2]
    assert x.masked_select(x == 2).tolist() == [2, 2]
    assert x.repeat_interleave(on_device([1, 2, 1, 1, 1])).tolist() == [0, 1, 1, 0, 2, 2]


@probe
def comparisons_of_tensors_give_python_booleans():
    x = on_device([1.0, 2.0])
    assert torch.equal(x, x.clone()) is True
    assert torch.allclose(x, x + 1e-9) is True
    assert torch.equal(x, x + 1) is False


@probe
def sorting_and_reducing_agree_with_the_host():
    host = torch.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]])
    x = host.to(DEVICE)
    for name in ("sort", "topk", "max", "cumsum"):
        arguments = (2,) if name == "topk" else (1,)
        expected, found = (getattr(t, name)(*arguments) for t in (host, x))
        pairs = zip(expected, found) if isinstance(expected, tuple) else [(expected, found)]
        assert all(torch.equal(a, b.cpu()) for a, b in pairs), name
    assert x.std().item() == host.std().item()


@probe
def linear_algebra_works():
    a = torch.randn(4, 4, dtype=torch.float64).to(DEVICE)
    a = a @ a.T + torch.eye(4, dtype=torch.float64, device=DEVICE)
    one = torch.eye(4, dtype=torch.float64)
    assert torch.allclose((torch.linalg.inv(a) @ a).cpu(), one)
    lower = torch.linalg.cholesky(a)
    assert torch.allclose((lower @ lower.T).cpu(), a.cpu())
    assert torch.linalg.svd(a)[1].shape == (4,)
    assert torch.linalg.eigvalsh(a).min().item() > 0
    assert torch.fft.ifft(torch.fft.fft(a)).real.cpu().allclose(a.cpu())


@probe
def a_checkpoint_loads_with_every_map_location():
    model = nn.Linear(3, 2).to(DEVICE)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    places = {None: DEVICE, "cpu": "cpu", DEVICE: DEVICE, torch.device(DEVICE): DEVICE}
    if DEVICE == "cuda":
        places["cuda:0"] = DEVICE
    for place, expected in places.items():
        buffer.seek(0)
        state = torch.load(buffer, map_location=place)
        assert state["weight"].device.type == expected, place
        assert torch.equal(state["weight"].cpu(), model.weight.detach().cpu())
    buffer.seek(0)
    state = torch.load(buffer, map_location=lambda storage, location: storage)
    assert state["weight"].device.type == "cpu"
    model.load_state_dict(state)


@probe
def saved_views_share_their_memory_again():
    x = torch.arange(6.0, device=DEVICE)
    buffer = io.BytesIO()
    torch.save([x[2:4], x], buffer)
    buffer.seek(0)
    part, whole = torch.load(buffer)
    assert part.data_ptr() == whole.data_ptr() + 8
    whole[2] = 9
    assert part.tolist() == [9, 3]


@probe
def deep_copies_and_pickles_stay_on_the_device():
    model = nn.Linear(2, 2).to(DEVICE)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.weight.zero_()
    assert model.weight.abs().sum().item() > 0
    again = pickle.loads(pickle.dumps(model.weight))
    assert again.device.type == DEVICE and again.requires_grad
    assert torch.equal(again.cpu(), model.weight.detach().cpu())


@probe
def storages_know_their_size_and_place():
    x = torch.arange(6.0, device=DEVICE)
    storage = x.untyped_storage()
    assert storage.nbytes() == 24 and storage.device.type == DEVICE
    assert storage.data_ptr() != 0
    assert torch.UntypedStorage(8, device=DEVICE).device.type == DEVICE
    x.resize_(2)
    assert x.tolist() == [0, 1]


@device_probe
def legacy_types_are_there():
    assert torch.cuda.FloatTensor([1, 2]).tolist() == [1, 2]
    assert torch.ones(1, device="cuda").type() == "torch.cuda.FloatTensor"
    assert torch.ones(1).type("torch.cuda.HalfTensor").dtype == torch.float16


@probe
def modules_keep_their_parameters_when_moved():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
    model[1].weight = model[0].weight
    parameter = model[0].weight
    optimizer = torch.optim.AdamW(model.parameters())
    model.to(DEVICE)
    assert model[0].weight is parameter and model[1].weight is parameter
    assert optimizer.param_groups[0]["params"][0] is parameter
    assert parameter.device.type == DEVICE


@probe
def functions_of_half_and_integer_types_work():
    x = on_device([1.5, 2.5], dtype=torch.bfloat16)
    assert (x * 2).float().tolist() == [3, 5]
    assert F.softmax(x, 0).dtype == torch.bfloat16
    assert (on_device([7, -7]) // 2).tolist() == [3, -4]
    assert (on_device([5]) % 3 == 2).item()
    assert (on_device([True, False]) | on_device([False, False])).tolist() == [True, False]


@probe
def complex_numbers_work():
    x = on_device([1 + 2j, 3 - 1j])
    assert (x * x.conj()).real.tolist() == [5, 10]
    assert torch.view_as_real(x).shape == (2, 2)


if __name__ == "__main__":
    run_probes()
