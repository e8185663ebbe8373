"""Memory: live tensors are exact at the call, reserved and peak bytes are the Worker's."""

import gc

import pytest

MIB = 1 << 20


def test_the_worker_tells_what_it_reserves(torch):
    x = torch.ones(64 * MIB, dtype=torch.uint8, device="cuda")
    y = x + 1
    torch.cuda.synchronize()
    assert torch.cuda.memory_reserved() >= 128 * MIB
    assert torch.cuda.memory_reserved() >= torch.cuda.memory_allocated()
    free, total = torch.cuda.mem_get_info()
    assert free <= total - 128 * MIB
    del x, y


def test_empty_cache_gives_it_back(torch):
    gc.collect()
    x = torch.ones(64 * MIB, dtype=torch.uint8, device="cuda")
    torch.cuda.synchronize()
    before = torch.cuda.memory_reserved()
    del x
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() <= before - 64 * MIB


def test_the_peak_has_workspace_in_it_and_starts_anew(torch):
    gc.collect()
    x = torch.randn(4 * MIB, device="cuda")
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    x.sort()  # its results are gone at once
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() >= held + 48 * MIB
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_allocated() < held + 16 * MIB


def test_statistics_agree_with_each_other(torch):
    x = torch.empty(3 * MIB, dtype=torch.uint8, device="cuda")
    stats = torch.cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == torch.cuda.memory_allocated()
    assert stats["allocation.all.current"] >= stats["allocation.large_pool.current"] >= 1
    same = torch.accelerator.memory_stats()
    assert all(same[name] == value for name, value in stats.items() if name in same)
    assert torch.accelerator.max_memory_reserved() == torch.cuda.max_memory_reserved()
    assert "Allocated memory" in torch.cuda.memory_summary()
    del x


def test_the_snapshot_has_every_live_tensor(torch):
    x = torch.empty(5 * MIB, dtype=torch.uint8, device="cuda")
    blocks = [block for segment in torch.cuda.memory_snapshot() for block in segment["blocks"]]
    assert any(b["address"] == x.data_ptr() and b["size"] == 5 * MIB
               and b["state"] == "active_allocated" for b in blocks)
    assert sum(b["size"] for b in blocks) == torch.cuda.memory_allocated()


def test_the_history_tells_lines(torch):
    torch.cuda.memory._record_memory_history(max_entries=100)
    try:
        x = torch.empty(MIB, dtype=torch.uint8, device="cuda")
        address = x.data_ptr()
        del x
        trace = torch.cuda.memory._snapshot()["device_traces"][0]
    finally:
        torch.cuda.memory._record_memory_history(enabled=None)
    mine = [entry for entry in trace if entry["addr"] == address]
    assert [entry["action"] for entry in mine] == ["alloc", "free_requested", "free_completed"]
    assert mine[0]["size"] == MIB
    assert mine[0]["frames"][0]["filename"].endswith("test_cuda_memory.py")


def test_a_fraction_bounds_the_process(torch):
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        assert torch.cuda.get_per_process_memory_fraction() == 0.01
        with pytest.raises(torch.cuda.OutOfMemoryError, match="allowed"):
            torch.empty(total // 50, dtype=torch.uint8, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert torch.cuda.memory_stats()["num_ooms"] >= 1


def test_pinned_memory_is_counted(torch):
    before = torch.cuda.host_memory_stats()["allocated_bytes.current"]
    x = torch.empty(MIB, dtype=torch.uint8, pin_memory=True)
    assert torch.cuda.host_memory_stats()["allocated_bytes.current"] == before + MIB
    assert x.is_pinned()


def test_storages_are_resized(torch):
    x = torch.arange(1024.0, device="cuda")
    storage = x.untyped_storage()
    held = torch.cuda.memory_allocated()
    storage.resize_(0)
    assert storage.size() == 0 and torch.cuda.memory_allocated() == held - 4096
    storage.resize_(4096)
    assert torch.equal(x.fill_(3.0).cpu(), torch.full((1024,), 3.0))
    storage.resize_(8192)
    assert x.sum().item() == 3072.0 and storage.size() == 8192


def test_pools_and_raw_allocations_are_accepted(torch):
    with torch.cuda.use_mem_pool(torch.cuda.MemPool()):
        x = torch.ones(3, device="cuda")
    assert x.sum().item() == 3.0
    pointer = torch.cuda.caching_allocator_alloc(1024)
    torch.cuda.caching_allocator_delete(pointer)
