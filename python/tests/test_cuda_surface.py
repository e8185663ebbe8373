"""The rest of torch.cuda that libraries call."""

import copy
import io

import pytest


def test_every_public_name_is_there(torch):
    assert [name for name in torch.cuda.__all__ if not hasattr(torch.cuda, name)] == []


def test_nvtx_ranges_nest(torch):
    nvtx = torch.cuda.nvtx
    depth = nvtx.range_push("a")
    assert nvtx.range_push("b") == depth + 1
    nvtx.range_pop(), nvtx.range_pop()
    with nvtx.range("c"), torch.autograd.profiler.emit_nvtx():
        torch.ones(2, device="cuda") + 1
    nvtx.mark("d")
    nvtx.range_end(nvtx.range_start("e"))


def test_the_profiler_times_operators_on_the_device(torch):
    from torch.profiler import ProfilerActivity, profile

    x = torch.randn(300, 300, device="cuda")
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        (x @ x).relu()
    rows = {row.key: row for row in profiled.key_averages()}
    assert rows["aten::mm"].device_time_total > 0
    assert rows["aten::mm"].count == 1
    assert "aten::mm" in profiled.key_averages().table(sort_by="cuda_time_total")


def test_random_state_is_saved_and_forked(torch):
    state = torch.cuda.get_rng_state()
    first = torch.rand(4, device="cuda")
    with torch.random.fork_rng():
        torch.rand(9, device="cuda")
    second = torch.rand(4, device="cuda")
    torch.cuda.set_rng_state(state)
    assert torch.equal(torch.rand(4, device="cuda"), first)
    assert torch.equal(torch.rand(4, device="cuda"), second)
    generator = torch.Generator("cuda").manual_seed(7)
    copied = generator.clone_state()
    assert generator.initial_seed() == 7
    assert torch.equal(torch.rand(3, generator=generator, device="cuda"),
                       torch.rand(3, generator=copied, device="cuda"))


def test_legacy_types_choose_the_device(torch):
    x = torch.ones(2).type("torch.cuda.LongTensor")
    assert isinstance(x, torch.cuda.LongTensor) and x.type() == "torch.cuda.LongTensor"
    assert x.type(torch.cuda.HalfTensor).dtype == torch.float16
    assert torch.cuda.FloatTensor.__name__ == "FloatTensor"
    torch.set_default_tensor_type("torch.cuda.FloatTensor")
    try:
        assert torch.ones(1).is_cuda
    finally:
        torch.set_default_tensor_type("torch.FloatTensor")
    assert torch.ones(1).is_cpu


def test_data_parallel_on_one_device(torch):
    from torch.cuda import comm

    model = torch.nn.Linear(3, 2).cuda()
    x = torch.randn(4, 3, device="cuda")
    assert torch.equal(torch.nn.DataParallel(model)(x), model(x))
    copies = comm.broadcast(x, [0])
    assert torch.equal(comm.gather(copies, destination=0), x)
    assert torch.equal(comm.scatter(x.cpu(), [0])[0], x)
    torch.nn.parallel.replicate(model, [0])


def test_lengths_of_packed_sequences_stay_on_the_host(torch):
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.manual_seed(0)
    local = torch.nn.GRU(3, 4, batch_first=True)
    model = copy.deepcopy(local).cuda()
    x, lengths = torch.randn(3, 5, 3), torch.tensor([2, 5, 3])
    packed = pack_padded_sequence(x.cuda(), lengths, batch_first=True, enforce_sorted=False)
    assert packed.batch_sizes.is_cpu
    result, counts = pad_packed_sequence(model(packed)[0], batch_first=True)
    assert counts.is_cpu and counts.tolist() == [2, 5, 3]
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    torch.testing.assert_close(result.cpu(),
                               pad_packed_sequence(local(packed)[0], batch_first=True)[0])
    with pytest.raises(RuntimeError, match="should be a 1D CPU int64 tensor"):
        pack_padded_sequence(x.cuda(), lengths.cuda(), batch_first=True)


def test_compiled_functions_make_tensors_of_the_device(torch):
    @torch.compile
    def count(n):
        return torch.arange(n, device="cuda") * 2

    assert count(4).tolist() == [0, 2, 4, 6]
    doubled = torch.compile(lambda x: x * 2, mode="reduce-overhead")
    torch.compiler.cudagraph_mark_step_begin()
    assert doubled(torch.ones(2, device="cuda")).tolist() == [2.0, 2.0]
    assert torch.compile(lambda x: x + 1, backend="cudagraphs")(
        torch.ones(2, device="cuda")).tolist() == [2.0, 2.0]


def test_scripts_and_exports(torch):
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).cuda().eval()
    x = torch.randn(3, 4, device="cuda")
    scripted = torch.jit.script(model)
    for _ in range(3):
        torch.testing.assert_close(scripted(x), model(x))
    saved = io.BytesIO()
    torch.jit.save(scripted, saved)
    saved.seek(0)
    torch.testing.assert_close(torch.jit.load(saved, map_location="cuda")(x), model(x))
    torch.testing.assert_close(torch.export.export(model, (x,)).module()(x), model(x))


def test_what_needs_a_local_gpu_says_so(torch):
    jit = torch.cuda.jiterator._create_jit_fn("template <typename T> T f(T x) { return x; }")
    for use in (lambda: jit(torch.ones(2, device="cuda")),
                lambda: torch.cuda.tunable.enable(True),
                lambda: torch.cuda.memory.CUDAPluggableAllocator("lib.so", "a", "b")):
        with pytest.raises((RuntimeError, OSError)):
            use()
    assert torch.cuda.tunable.is_enabled() is False
    assert torch.backends.cuda.cufft_plan_cache.max_size > 0
