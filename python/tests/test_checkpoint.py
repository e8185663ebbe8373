"""Checkpoints are plain torch files, and reading them takes few round trips."""

import io


def test_many_tensors_come_to_the_host_in_few_round_trips(torch):
    from moai import _C

    weights = [torch.full((50, 50), float(i), device="cuda") for i in range(200)]
    torch.cuda.synchronize()
    before = _C.statistics()["round_trips"]
    saved = io.BytesIO()
    torch.save(weights, saved)
    assert _C.statistics()["round_trips"] - before <= 20
    saved.seek(0)
    loaded = torch.load(saved, map_location="cpu")
    assert [float(w[3, 7]) for w in loaded] == [float(i) for i in range(200)]


def test_what_was_read_ahead_is_not_stale(torch):
    first, second, third = (torch.full((64,), float(i), device="cuda") for i in range(3))
    assert first.cpu()[0] == 0 and second.cpu()[0] == 1  # may bring the third
    third.add_(10)
    assert third.cpu()[0] == 12
    second.mul_(0)
    assert second.cpu()[0] == 0 and third.cpu()[0] == 12
