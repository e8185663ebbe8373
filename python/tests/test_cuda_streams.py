"""torch.cuda streams and events, torch.Stream, torch.accelerator."""

import time

import pytest


def test_work_of_any_stream_is_ordered(torch):
    stream = torch.cuda.Stream()
    x = torch.ones(4, device="cuda")
    with torch.cuda.stream(stream):
        assert torch.cuda.current_stream() == stream
        y = x * 2
    torch.cuda.current_stream().wait_stream(stream)
    y.record_stream(torch.cuda.current_stream())
    assert y.tolist() == [2.0] * 4
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


def test_a_stream_is_done_after_it_was_waited_for(torch):
    stream = torch.cuda.Stream()
    torch.ones(4, device="cuda").mul_(2)
    stream.synchronize()
    assert stream.query()
    assert torch.cuda.current_stream().query()


def test_events_measure_the_device_and_do_not_stall(torch):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    x = torch.randn(500, 500, device="cuda")
    torch.cuda.synchronize()
    asked = time.perf_counter()
    begin.record()
    for _ in range(40):
        x = (x @ x) / 500
    end.record()
    done_at_once = end.query()
    asked = time.perf_counter() - asked
    waited = time.perf_counter()
    end.synchronize()
    waited = time.perf_counter() - waited
    elapsed = begin.elapsed_time(end)
    assert end.query() and begin.query()
    assert elapsed > 0
    assert done_at_once or elapsed / 1000 <= asked + waited + 0.05
    assert not done_at_once or elapsed / 1000 <= asked + 0.05


def test_an_event_without_timing_measures_nothing(torch):
    begin, end = torch.cuda.Event(), torch.cuda.Event()
    begin.record(), end.record()
    with pytest.raises((RuntimeError, ValueError)):
        begin.elapsed_time(end)


def test_torch_streams_are_the_same(torch):
    stream = torch.Stream(device="cuda")
    torch.accelerator.set_stream(stream)
    try:
        assert torch.accelerator.current_stream() == stream
    finally:
        torch.accelerator.set_stream(torch.cuda.default_stream())
    event = torch.Event("cuda")
    event.record()
    event.synchronize()
    assert event.query()


def test_a_second_device_is_refused_everywhere(torch):
    refused = (RuntimeError, AssertionError, ValueError)
    for use in (lambda: torch.cuda.set_device(1), lambda: torch.cuda.get_device_properties(1),
                lambda: torch.cuda.memory_allocated(2), lambda: torch.cuda.synchronize(1),
                lambda: torch.cuda.get_device_name(5), lambda: torch.cuda.mem_get_info(1),
                lambda: torch.cuda.device(1).__enter__()):
        with pytest.raises(refused):
            use()


def test_waits_can_be_made_loud(torch):
    x = torch.ones(2, device="cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchronizing CUDA operation"):
            x.sum().item()
        torch.cuda.set_sync_debug_mode("warn")
        with pytest.warns(UserWarning, match="synchronizing CUDA operation"):
            x.sum().item()
        assert torch.cuda.get_sync_debug_mode() == 1
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert x.sum().item() == 2.0
