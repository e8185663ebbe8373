"""torch.amp.GradScaler: steps as in torch, without a wait at each of them."""

import pytest


def _train(torch, batches, make, device="cuda", as_torch=False):
    """Losses' parameters after these batches; an infinite batch is skipped by the scaler."""
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3).to(device)
    optimizer = make(model.parameters())
    scaler = torch.amp.GradScaler(device, init_scale=1024.0)
    if as_torch:  # somebody listens, so it is decided on the host
        optimizer.register_step_post_hook(lambda *arguments: None)
    for batch in batches:
        optimizer.zero_grad()
        scaler.scale(model(batch.to(device)).pow(2).mean()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
    steps = [int(s["step"]) for s in optimizer.state_dict()["state"].values() if "step" in s]
    return [p.detach().cpu() for p in model.parameters()], steps, scaler.get_scale()


def _batches(torch, infinite):
    generator = torch.Generator().manual_seed(1)
    return [torch.full((2, 4), float("inf")) if i in infinite
            else torch.randn(2, 4, generator=generator) for i in range(7)]


@pytest.mark.parametrize("name", ["SGD", "momentum", "Adam", "AdamW", "RMSprop", "Adagrad"])
@pytest.mark.parametrize("infinite", [(), (0,), (2, 3, 6)])
def test_skipped_steps_leave_no_trace(torch, name, infinite):
    def make(parameters):
        if name == "momentum":
            return torch.optim.SGD(parameters, 0.1, momentum=0.9)
        return getattr(torch.optim, name)(parameters, 0.1)

    batches = _batches(torch, infinite)
    parameters, steps, scale = _train(torch, batches, make)
    expected, expected_steps, expected_scale = _train(torch, batches, make, as_torch=True)
    assert scale == expected_scale and steps == expected_steps
    for a, b in zip(parameters, expected):
        assert torch.equal(a, b)


def test_a_step_waits_for_nothing(torch):
    from moai import _C

    model = torch.nn.Linear(8, 8).cuda()
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5)
    scaler = torch.amp.GradScaler("cuda")
    x = torch.ones(4, 8, device="cuda")

    def step():
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16):
            loss = model(x).float().mean()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()

    for _ in range(4):
        step()
        torch.cuda.synchronize()
    waits = _C.statistics()["round_trips"]
    step()
    assert _C.statistics()["round_trips"] == waits


def test_a_closure_is_refused_as_in_torch(torch):
    model = torch.nn.Linear(2, 2).cuda()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cuda")
    scaler.scale(model(torch.ones(1, 2, device="cuda")).sum()).backward()
    with pytest.raises(RuntimeError, match="Closure use is not currently supported"):
        scaler.step(optimizer, closure=lambda: 5)
