"""torch.distributed with one process: `nccl` is accepted, DDP and FSDP wrap."""

BEGIN = """
import os, torch, torch.distributed as dist
from torch import nn
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="0", RANK="0", WORLD_SIZE="1")
store = dist.HashStore()
def begin(backend="nccl"):
    dist.init_process_group(backend, store=store, rank=0, world_size=1)
"""


def _run(run_program, source):
    done = run_program(BEGIN + source)
    assert done.returncode == 0, done.stderr


def test_collectives_of_one(run_program):
    _run(run_program, """
assert dist.is_nccl_available()
begin()
assert dist.get_backend() == "nccl" and dist.get_world_size() == 1
x = torch.arange(4.0, device="cuda")
out = torch.empty_like(x)
dist.all_reduce(x); dist.broadcast(x, 0); dist.reduce(x, 0)
dist.all_reduce(x, op=dist.ReduceOp.AVG, async_op=True).wait()
parts = [torch.empty_like(x)]
dist.all_gather(parts, x); assert torch.equal(parts[0], x)
dist.all_gather_into_tensor(out, x); assert torch.equal(out, x)
dist.reduce_scatter_tensor(out.zero_(), x); assert torch.equal(out, x)
dist.all_to_all_single(out.zero_(), x); assert torch.equal(out, x)
dist.reduce_scatter(out.zero_(), [x]); assert torch.equal(out, x)
dist.scatter(out.zero_(), [x], src=0); assert torch.equal(out, x)
dist.gather(x, [out.zero_()], dst=0); assert torch.equal(out, x)
dist.all_to_all([out.zero_()], [x]); assert torch.equal(out, x)
objects = [None]; dist.all_gather_object(objects, {"a": 1}); assert objects == [{"a": 1}]
dist.broadcast_object_list(objects, 0)
dist.barrier(); dist.barrier(device_ids=[0])
half = dist._make_nccl_premul_sum(0.5)
dist.all_reduce(x, op=half); dist.reduce_scatter_tensor(out, x, op=half)
assert out.tolist() == [0.0, 0.25, 0.5, 0.75]
dist.all_reduce(x, op=dist._make_nccl_premul_sum(torch.tensor(2.0, device="cuda")))
dist.all_reduce(x, group=dist.new_group([0]))
assert x.tolist() == [0.0, 1.0, 2.0, 3.0]
dist.destroy_process_group()
begin("cpu:gloo,cuda:nccl")
dist.all_reduce(x); dist.all_reduce(torch.ones(2))
""")


def test_more_processes_are_told_why_not(run_program):
    _run(run_program, """
try:
    dist.ProcessGroupNCCL(store, 0, 2, dist.ProcessGroupNCCL.Options())
except RuntimeError as error:
    assert "one device" in str(error)
else:
    raise AssertionError
""")


def test_wrapped_models_train_as_plain_ones(run_program):
    _run(run_program, """
from torch.distributed.fsdp import FullyShardedDataParallel as FSDP, fully_shard
from torch.nn.parallel import DistributedDataParallel as DDP
begin()
def train(wrap):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).cuda()
    model = wrap(model)
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss = model(torch.linspace(0, 1, 12, device="cuda").view(3, 4)).pow(2).sum()
        loss.backward()
        optimizer.step()
    return loss.item()
plain = train(lambda m: m)
assert train(lambda m: DDP(m, device_ids=[0])) == plain
assert train(lambda m: DDP(m, find_unused_parameters=True, gradient_as_bucket_view=True)) == plain
assert abs(train(lambda m: FSDP(m, device_id=0, use_orig_params=True)) - plain) < 1e-5
def sharded(m):
    fully_shard(m[0]); return fully_shard(m) or m
assert abs(train(sharded) - plain) < 1e-5
""")
