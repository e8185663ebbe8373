"""What torch.cuda says of the device: properties, memory, streams, events, generators."""

import torch

from probe import DEVICE, device_probe, probe, run_probes


@device_probe
def cuda_is_available_with_one_device():
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() == 1
    assert torch.cuda.current_device() == 0


@device_probe
def the_device_has_its_name():
    assert torch.cuda.get_device_name(0) == "MoAI Accelerator", torch.cuda.get_device_name(0)


@device_probe
def properties_have_name_memory_and_capability():
    properties = torch.cuda.get_device_properties(0)
    assert properties.name == torch.cuda.get_device_name()
    assert properties.total_memory > 1 << 20
    assert torch.cuda.get_device_capability() == (properties.major, properties.minor)
    assert torch.cuda.is_bf16_supported()


@device_probe
def the_accelerator_interface_finds_it():
    assert torch.accelerator.current_accelerator().type == "cuda"
    assert torch.accelerator.device_count() == 1
    torch.accelerator.synchronize()


@device_probe
def the_device_module_is_torch_cuda():
    assert torch.get_device_module("cuda") is torch.cuda


@device_probe
def memory_counts_what_is_alive():
    before = torch.cuda.memory_allocated()
    x = torch.ones(1024, 1024, device="cuda")
    assert torch.cuda.memory_allocated() - before >= 4 << 20
    assert torch.cuda.max_memory_allocated() >= torch.cuda.memory_allocated()
    del x
    assert torch.cuda.memory_allocated() == before
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.empty_cache()


@device_probe
def memory_info_summary_and_statistics_are_there():
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total
    assert "allocated" in torch.cuda.memory_summary().lower()
    assert torch.cuda.memory_stats()["allocated_bytes.all.current"] >= 0
    assert torch.cuda.memory_reserved() >= torch.cuda.memory_allocated()


@device_probe
def streams_nest_and_order_work():
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        assert torch.cuda.current_stream() == stream
        x = torch.ones(3, device="cuda")
    torch.cuda.current_stream().wait_stream(stream)
    x.record_stream(stream)
    stream.synchronize()
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert x.sum().item() == 3


@device_probe
def events_measure_time():
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    x = torch.ones(64, 64, device="cuda")
    (x @ x).sum()
    end.record()
    end.synchronize()
    assert end.query()
    assert 0 <= begin.elapsed_time(end) < 60_000


@device_probe
def generic_streams_and_events_work():
    stream, event = torch.Stream(device="cuda"), torch.Event(device="cuda")
    event.record(stream)
    event.synchronize()
    assert torch.accelerator.current_stream().device.type == "cuda"


@device_probe
def synchronize_waits_for_the_device():
    torch.ones(3, device="cuda").mul_(2)
    torch.cuda.synchronize()
    torch.cuda.synchronize("cuda:0")


@probe
def a_generator_repeats_its_numbers():
    generator = torch.Generator(DEVICE)
    generator.manual_seed(3)
    first = torch.randn(5, device=DEVICE, generator=generator).cpu()
    assert generator.initial_seed() == 3
    generator.manual_seed(3)
    assert torch.equal(first, torch.randn(5, device=DEVICE, generator=generator).cpu())
    assert generator.device.type == DEVICE


@probe
def a_generator_state_can_be_kept_and_set():
    generator = torch.Generator(DEVICE).manual_seed(5)
    state = generator.get_state()
    first = torch.rand(4, device=DEVICE, generator=generator).cpu()
    generator.set_state(state)
    assert torch.equal(first, torch.rand(4, device=DEVICE, generator=generator).cpu())


@device_probe
def the_rng_state_of_the_device_can_be_kept_and_set():
    torch.cuda.manual_seed_all(9)
    state = torch.cuda.get_rng_state()
    first = torch.rand(4, device="cuda").cpu()
    torch.cuda.set_rng_state(state)
    assert torch.equal(first, torch.rand(4, device="cuda").cpu())
    assert len(torch.cuda.get_rng_state_all()) == 1
    assert torch.cuda.initial_seed() == 9


@probe
def fork_rng_leaves_the_numbers_as_they_were():
    torch.manual_seed(1)
    expected = torch.rand(3, device=DEVICE).cpu()
    torch.manual_seed(1)
    with torch.random.fork_rng():
        torch.rand(7, device=DEVICE)
    assert torch.equal(expected, torch.rand(3, device=DEVICE).cpu())


@probe
def manual_seed_seeds_the_device():
    draws = []
    for _ in range(2):
        torch.manual_seed(4)
        draws.append(torch.randn(6, device=DEVICE).cpu())
    assert torch.equal(*draws)


@probe
def the_default_device_can_be_set():
    torch.set_default_device(DEVICE)
    try:
        assert torch.ones(2).device.type == DEVICE
    finally:
        torch.set_default_device(None)


@device_probe
def device_contexts_and_backend_flags_are_there():
    with torch.cuda.device(0):
        assert torch.ones(1, device="cuda").device == torch.device("cuda:0")
    assert isinstance(torch.backends.cudnn.is_available(), bool)
    assert isinstance(torch.backends.cuda.matmul.allow_tf32, bool)
    assert torch.cuda.is_initialized()


if __name__ == "__main__":
    run_probes()
