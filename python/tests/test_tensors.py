"""Tensors on the device behave as a CUDA user expects."""

import copy
import io
import pickle

import pytest


def test_moves_keep_values_and_type(torch):
    x = torch.arange(6.0).view(2, 3)
    for y in (x.cuda(), x.to("cuda"), x.to(0), x.to(torch.device("cuda:0"))):
        assert y.is_cuda and y.device == torch.device("cuda:0")
        assert torch.equal(y.cpu(), x)
    assert torch.equal((x.cuda() * 2 + 1).cpu(), x * 2 + 1)
    assert torch.equal(x.cuda().t().cpu(), x.t())
    assert torch.equal(x.double().cuda().to("cpu", torch.float32), x)


def test_strided_and_broadcast_copies_both_ways(torch):
    x = torch.arange(12.0).view(3, 4)
    d = torch.zeros(3, 4, device="cuda")
    d[:, ::2].copy_(x[:, ::2])
    d[:, 1::2] = x[:, 1::2].double().cuda()
    assert torch.equal(d.cpu(), x)
    d.copy_(torch.ones(4))
    assert torch.equal(d.cpu(), torch.ones(3, 4))
    host = torch.zeros(4, 3).t()
    host.copy_(x.cuda())
    assert torch.equal(host, x)
    image = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert image.cuda().is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(image.cuda().cpu(), image)


def test_factories_make_the_same_as_on_the_host(torch):
    for make in (lambda d: torch.zeros(2, device=d), lambda d: torch.arange(5, device=d),
                 lambda d: torch.arange(2, 9, 3, device=d),
                 lambda d: torch.full((2,), 7.0, device=d),
                 lambda d: torch.eye(3, device=d), lambda d: torch.linspace(0, 1, 5, device=d),
                 lambda d: torch.tensor([1, 2], device=d), lambda d: torch.ones(2, 3, device=d)):
        assert torch.equal(make("cuda").cpu(), make("cpu"))


def test_parameters_keep_their_identity(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
    model[1].weight = model[0].weight
    parameter = model[0].weight
    optimizer = torch.optim.AdamW(model.parameters())
    model.cuda()
    assert model[0].weight is parameter and model[1].weight is parameter and parameter.is_cuda
    assert optimizer.param_groups[0]["params"][0] is parameter


def test_values_can_be_looked_at(torch):
    x = torch.tensor([[1.0, 2.0], [3.5, 4.0]], device="cuda")
    assert "3.5" in repr(x) and "cuda:0" in repr(x)
    assert "2999" in repr(torch.arange(3000, device="cuda"))
    assert x.tolist() == [[1.0, 2.0], [3.5, 4.0]]
    assert f"{torch.tensor(3.14159, device='cuda'):.2f}" == "3.14"
    assert bool(x[0, 0] > 0) and int(x[1, 1]) == 4 and x.sum().item() == 10.5


def test_shapes_that_depend_on_data(torch):
    x = torch.tensor([0, 1, 0, 2, 2])
    d = x.cuda()
    assert torch.equal(d.nonzero().cpu(), x.nonzero())
    assert torch.equal(d[d > 0].cpu(), x[x > 0])
    assert torch.equal(d.unique().cpu(), x.unique())
    assert torch.equal(torch.bincount(d).cpu(), torch.bincount(x))
    assert torch.equal(d, d.clone()) and not torch.equal(d, d + 1)
    repeats = torch.tensor([1, 2, 1, 1, 1])
    assert torch.equal(d.repeat_interleave(repeats.cuda()).cpu(), x.repeat_interleave(repeats))


def test_indexing_reads_and_writes(torch):
    def use(x, device):
        x[0] = 5
        x[:, 1] += 1
        x[torch.tensor([0, 2], device=device)] = 0
        x[x > 8] = -1
        picked = x[torch.tensor([1, 0])]
        return [x, picked, x.masked_fill(x < 0, 9), x.topk(2).values, x.sort(dim=1)[1],
                x.gather(1, torch.zeros(3, 1, dtype=torch.long, device=device))]

    host = use(torch.arange(12.0).view(3, 4), "cpu")
    device = use(torch.arange(12.0).view(3, 4).cuda(), "cuda")
    assert all(torch.equal(d.cpu(), h) for d, h in zip(device, host))


@pytest.mark.parametrize("place", [None, "cpu", "cuda", "cuda:0"])
def test_state_is_saved_and_loaded(torch, place):
    model = torch.nn.Linear(3, 2).cuda()
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    state = torch.load(file, map_location=place)
    assert state["weight"].device.type == (place or "cuda").split(":")[0]
    assert torch.equal(state["weight"].cpu(), model.weight.detach().cpu())
    model.load_state_dict(state)


def test_views_share_memory_after_loading(torch):
    x = torch.arange(6.0, device="cuda")
    file = io.BytesIO()
    torch.save([x[2:4], x], file)
    file.seek(0)
    part, whole = torch.load(file)
    assert part.data_ptr() == whole.data_ptr() + 8
    assert part.tolist() == [2.0, 3.0]


def test_storages_and_copies(torch):
    x = torch.arange(6.0, device="cuda")
    storage = x.untyped_storage()
    assert storage.device.type == "cuda" and storage.nbytes() == 24
    assert torch.UntypedStorage(8, device="cuda").device.type == "cuda"
    assert torch.equal(copy.deepcopy(x).cpu(), x.cpu())
    assert torch.equal(pickle.loads(pickle.dumps(x)).cpu(), x.cpu())


def test_legacy_types(torch):
    assert torch.cuda.FloatTensor([1, 2]).cpu().tolist() == [1.0, 2.0]
    assert torch.cuda.FloatTensor(2).shape == (2,)
    assert isinstance(torch.ones(1, device="cuda"), torch.cuda.FloatTensor)
    assert torch.ones(1).type("torch.cuda.HalfTensor").dtype == torch.float16


def test_pinned_memory(torch):
    x = torch.ones(3).pin_memory()
    assert x.is_pinned() and not torch.ones(3).is_pinned()
    assert torch.equal(x.cuda(non_blocking=True).cpu(), x)


def test_generators_repeat_and_resume(torch):
    g = torch.Generator("cuda")
    g.manual_seed(3)
    first = torch.randn(3, device="cuda", generator=g).cpu()
    state = g.get_state()
    second = torch.randn(3, device="cuda", generator=g).cpu()
    g.manual_seed(3)
    assert torch.equal(torch.randn(3, device="cuda", generator=g).cpu(), first)
    g.set_state(state)
    assert torch.equal(torch.randn(3, device="cuda", generator=g).cpu(), second)
    assert not torch.equal(first, second)
    torch.manual_seed(5)
    a = torch.rand(4, device="cuda").cpu()
    kept = torch.cuda.get_rng_state()
    b = torch.rand(4, device="cuda").cpu()
    torch.cuda.set_rng_state(kept)
    assert torch.equal(torch.rand(4, device="cuda").cpu(), b)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(4, device="cuda").cpu(), a)


def test_streams_and_events(torch):
    stream, begin, end = torch.cuda.Stream(), torch.cuda.Event(enable_timing=True), \
        torch.cuda.Event(enable_timing=True)
    begin.record()
    with torch.cuda.stream(stream):
        assert torch.cuda.current_stream() == stream
        x = torch.ones(3, device="cuda")
    torch.cuda.current_stream().wait_stream(stream)
    x.record_stream(stream)
    end.record()
    end.synchronize()
    assert begin.elapsed_time(end) >= 0 and begin.query()
    torch.cuda.synchronize()


def test_default_device(torch):
    torch.set_default_device("cuda")
    try:
        assert torch.ones(2).is_cuda
    finally:
        torch.set_default_device(None)
