"""The device as torch's PrivateUse1, `moai`: each program runs with MOAI_DEVICE=moai."""

import pytest

from moai import _activation


@pytest.fixture
def run(run_program):
    """Runs a program that asserts; its last words are its own."""

    def run(source, **environment):
        done = run_program("import torch\n" + source, MOAI_DEVICE="moai", MOAI_QUIET="1",
                           **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_build_with_a_gpu_of_its_own_decides_the_name():
    assert _activation.device_type(None, "") == "cuda"
    assert _activation.device_type("12.8", "") == "moai"
    assert _activation.device_type("6.4 (HIP)", "moai") == "moai"
    assert _activation.device_type(None, "moai") == "moai"
    with pytest.raises(RuntimeError, match="MOAI_DEVICE=cuda beside .* CUDA 12.8"):
        _activation.device_type("12.8", "cuda")


def test_another_name_leaves_torch_as_it_was(run_program):
    done = run_program("import torch; print(torch.cuda.is_available(), torch.ones(2).sum().item())",
                       MOAI_DEVICE="tpu")
    assert done.stdout.split() == ["False", "2.0"], done.stderr
    assert "no kind of device 'tpu': MOAI_DEVICE is cuda or moai" in done.stderr


def test_tensors_live_on_it_and_cuda_is_left_alone(run):
    assert run("""
import sys
x = torch.ones(3, device="moai")
assert x.device == torch.device("moai:0") and x.is_moai and not x.is_cuda
assert torch.arange(3).to("moai").device == torch.arange(3).moai().device == x.device
assert x.cpu().device.type == "cpu" and (x + 1).tolist() == [2, 2, 2]
assert not torch.cuda.is_initialized() and "moai._cuda" not in sys.modules
print((x + 1).cpu())
""") == "tensor([2., 2., 2.])\n"


def test_the_accelerator_of_torch_is_this_device(run):
    run("""
assert torch.accelerator.is_available() and torch.accelerator.device_count() == 1
assert torch.accelerator.current_accelerator() == torch.device("moai")
x = torch.ones(1 << 20, device=torch.accelerator.current_accelerator())
torch.accelerator.synchronize()
assert torch.accelerator.memory_allocated() == 4 << 20 == torch.moai.memory_allocated()
free, total = torch.accelerator.get_memory_info()
assert 0 < free <= total - (4 << 20) and torch.moai.mem_get_info()[1] == total
del x
assert torch.moai.memory_allocated() == 0 and torch.moai.max_memory_allocated() >= 4 << 20
""")


def test_the_module_has_the_usual_surface(run):
    run("""
from moai import _C
m = torch.moai
assert m.is_available() and m.device_count() == 1 and m.current_device() == 0
assert torch.get_device_module("moai") is m and not m.is_initialized()
m.set_device("moai:0"), m.synchronize(), m.empty_cache()
assert m.get_device_name() == m.get_device_properties(0).name == "MoAI Accelerator"
assert m.get_device_properties("moai").total_memory > 0 and m.is_bf16_supported()
assert not _C.statistics().get("connected")
with m.device(0):
    assert torch.zeros(1, device="moai").item() == 0 and m.is_initialized()
for wrong, kind in ((1, torch.AcceleratorError), ("cpu", ValueError)):
    try:
        m.set_device(wrong)
        raise SystemExit(f"{wrong} was accepted")
    except kind:
        pass
""")


def test_seeds_and_states_repeat_what_is_drawn(run):
    run("""
torch.manual_seed(3)
first = torch.rand(5, device="moai")
state = torch.moai.get_rng_state()
second = torch.rand(5, device="moai")
torch.moai.set_rng_state(state)
assert torch.equal(second, torch.rand(5, device="moai"))
torch.moai.manual_seed_all(3)
assert torch.moai.initial_seed() == 3 and torch.equal(first, torch.rand(5, device="moai"))
with torch.random.fork_rng(device_type="moai"):
    torch.rand(7, device="moai")
assert torch.equal(second, torch.rand(5, device="moai"))
generator = torch.Generator("moai").manual_seed(3)
assert torch.equal(first, torch.rand(5, device="moai", generator=generator))
""")


def test_streams_and_events(run):
    run("""
side = torch.moai.Stream()
begin, end = torch.moai.Event(enable_timing=True), torch.moai.Event(enable_timing=True)
begin.record()
with torch.moai.stream(side):
    assert torch.moai.current_stream() == side != torch.moai.default_stream()
    y = torch.ones(8, device="moai") * 2
torch.moai.current_stream().wait_stream(side)
end.record()
end.synchronize()
assert end.query() and begin.elapsed_time(end) >= 0
torch.moai.synchronize()
assert side.query()
with torch.Stream(device="moai") as other:
    assert torch.accelerator.current_stream() == other
assert y.sum().item() == 16 and torch.moai.current_stream() == torch.moai.default_stream()
""")


def test_parameters_keep_their_identity_when_a_module_moves(run):
    run("""
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4, bias=False))
model[1].weight = model[0].weight
weight, optimizer = model[0].weight, torch.optim.SGD(model.parameters(), lr=1.0)
model.to("moai")
assert model[0].weight is weight is model[1].weight and weight.device.type == "moai"
before = weight.detach().clone()
model(torch.ones(2, 4, device="moai")).sum().backward()
optimizer.step()
assert not torch.equal(before, weight)
weight.data = weight.data * 2
model.cpu()
assert model[1].weight is weight and weight.device.type == "cpu"
model.moai()
lazy = torch.nn.LazyLinear(3).to("moai")
assert lazy(torch.ones(1, 2, device="moai")).shape == (1, 3) and lazy.weight.is_moai
""")


def test_autocast_casts_by_the_lists_of_cuda(run):
    run("""
x, w = torch.randn(4, 4, device="moai"), torch.randn(4, 4, device="moai", requires_grad=True)
for dtype in (torch.float16, torch.bfloat16):
    with torch.autocast("moai", dtype=dtype):
        y = x @ w
        assert y.dtype == dtype and y.exp().dtype == torch.float32
        assert torch.norm(y).dtype == y.sum().dtype == torch.float32
        assert torch.addcmul(y, y, x).dtype == torch.float32
        with torch.autocast("moai", enabled=False):
            assert (x @ w).dtype == torch.float32
assert (x @ w).dtype == torch.float32
try:
    with torch.autocast("moai", dtype=torch.float16):
        torch.nn.functional.binary_cross_entropy(x.sigmoid(), x.sigmoid())
    raise SystemExit("not refused")
except RuntimeError as error:
    assert "unsafe to autocast" in str(error)
scaler = torch.amp.GradScaler("moai", init_scale=16.0)
optimizer = torch.optim.AdamW([w])
with torch.autocast("moai", dtype=torch.float16):
    loss = (x @ w).square().mean()
scaler.scale(loss).backward()
scaler.step(optimizer), scaler.update()
assert scaler.get_scale() == 16 and w.isfinite().all()
""")


def test_fused_attention_gives_the_bits_of_the_host(run):
    run("""
F = torch.nn.functional
q, k, v = (torch.randn(2, 3, 8, 16, requires_grad=True) for _ in range(3))
moved = [t.detach().to("moai").requires_grad_() for t in (q, k, v)]
for causal in (False, True):
    here = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    there = F.scaled_dot_product_attention(*moved, is_causal=causal)
    torch.testing.assert_close(there.cpu(), here)
    wanted = torch.autograd.grad(here.square().sum(), (q, k, v))
    found = torch.autograd.grad(there.square().sum(), moved)
    for f, w in zip(found, wanted):
        torch.testing.assert_close(f.cpu(), w)
with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as kept:
    F.scaled_dot_product_attention(*moved)
assert any("overrideable" in event.key for event in kept.key_averages())
""")


def test_files_keep_where_a_tensor_was(run):
    run("""
import copy, io
kept = io.BytesIO()
x = torch.arange(6.0, device="moai").reshape(2, 3)
torch.save({"x": x, "view": x[1]}, kept)
for where, device in ((None, "moai"), ("cpu", "cpu"), ("moai:0", "moai")):
    kept.seek(0)
    again = torch.load(kept, map_location=where)
    assert again["x"].device.type == device and again["view"].tolist() == [3, 4, 5]
    assert again["view"].untyped_storage().data_ptr() == again["x"].untyped_storage().data_ptr()
assert torch.equal(copy.deepcopy(x), x)
storage = torch.UntypedStorage(8, device="moai")
storage.resize_(16)
assert storage.nbytes() == 16 and storage.is_moai
pinned = torch.ones(4).pin_memory()
assert pinned.is_pinned() and pinned.to("moai", non_blocking=True).sum().item() == 4
""")


def test_sparse_tensors_and_layouts_that_are_refused(run):
    run("""
s = torch.eye(3).to_sparse().to("moai")
assert s.is_sparse and s.device.type == "moai" and (s @ s.to_dense()).trace().item() == 3
assert (s + s).coalesce().values().tolist() == [2, 2, 2]
assert torch.eye(3).to_sparse_csr().to("moai").to_dense().sum().item() == 3
try:
    torch.quantize_per_tensor(torch.ones(2, device="moai"), 1.0, 0, torch.qint8)
    raise SystemExit("not refused")
except NotImplementedError:
    pass
""")


def test_graphs_of_torch_accelerator(run):
    run("""
x = torch.ones(4, device="moai")
graph = torch.accelerator.Graph()
with graph:
    y = x * 3
x.fill_(2)
graph.replay()
assert y.tolist() == [6, 6, 6, 6]
""")


def test_compile_passes_operators_through(run):
    run("""
@torch.compile
def double(t):
    return t * 2 + 1

assert double(torch.ones(2, device="moai")).tolist() == [3, 3]
""")


def test_messages_name_this_device(run):
    run("""
x = torch.ones(2, device="moai")
for make, text in (
        (lambda: x + torch.ones(2), "at least two devices, moai:0 and cpu"),
        (lambda: torch.rand(2, device="moai", generator=torch.Generator()), "'moai' device type"),
        (lambda: torch.empty(1 << 50, device="moai"), "MoAI out of memory"),
        (lambda: torch.empty(1, device="moai:1"), "MoAI error: invalid device ordinal")):
    try:
        make()
        raise SystemExit(text)
    except (RuntimeError, torch.OutOfMemoryError) as error:
        assert text in str(error), error
""")


def test_a_forked_child_is_told_so(run):
    run("""
import os
x = torch.ones(2, device="moai").sum().item()
child = os.fork()
if child == 0:
    try:
        torch.ones(2, device="moai")
    except RuntimeError as error:
        os._exit(0 if "Cannot re-initialize MoAI in forked subprocess" in str(error) else 2)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
torch.manual_seed(1)
""")
