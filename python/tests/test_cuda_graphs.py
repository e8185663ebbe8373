"""torch.cuda.CUDAGraph: nothing runs while it captures, each replay runs all of it."""

import copy

import pytest


def test_a_replay_reads_its_inputs_anew(torch):
    x = torch.zeros(4, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        assert torch.cuda.is_current_stream_capturing()
        y = x * 2 + 1
    assert not torch.cuda.is_current_stream_capturing()
    for value in (1.0, 5.0, -3.0):
        x.fill_(value)
        graph.replay()
        assert y.tolist() == [value * 2 + 1] * 4


def test_graphs_work_on_each_others_results(torch):
    x = torch.ones(4, device="cuda")
    first, second = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(first):
        y = x + 1
    with torch.cuda.graph(second, pool=first.pool()):
        z = y * 10
    first.replay(), second.replay()
    assert z.tolist() == [20.0] * 4


def _model(torch):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))


def _step(torch, model, optimizer, x, y):
    optimizer.zero_grad(set_to_none=True)
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def test_a_captured_training_step_trains(torch):
    local = _model(torch)
    model = copy.deepcopy(local).cuda()
    make = torch.optim.SGD
    optimizer, local_optimizer = make(model.parameters(), 0.1), make(local.parameters(), 0.1)
    x, y = torch.randn(3, 4, device="cuda"), torch.randn(3, 1, device="cuda")
    _step(torch, model, optimizer, x, y)
    _step(torch, local, local_optimizer, x.cpu(), y.cpu())
    graph = torch.cuda.CUDAGraph()
    optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        loss = _step(torch, model, optimizer, x, y)
    for _ in range(4):
        batch, target = torch.randn(3, 4), torch.randn(3, 1)
        x.copy_(batch), y.copy_(target)
        graph.replay()
        assert loss.item() == _step(torch, local, local_optimizer, batch, target).item()
    for a, b in zip(model.parameters(), local.parameters()):
        assert torch.equal(a.cpu(), b)


def test_each_replay_draws_anew_and_by_the_seed(torch):
    torch.cuda.manual_seed(1)
    state = torch.cuda.get_rng_state()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = torch.rand(8, device="cuda")
    assert torch.equal(torch.cuda.get_rng_state(), state)
    graph.replay()
    first = y.cpu()
    graph.replay()
    assert not torch.equal(first, y.cpu())
    torch.cuda.manual_seed(1)
    graph.replay()
    assert torch.equal(first, y.cpu())


def test_waiting_inside_a_capture_is_refused(torch):
    x = torch.ones(2, device="cuda")
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            x.sum().item()
    assert (x + 1).sum().item() == 4.0


def test_a_graph_keeps_what_it_uses(torch):
    x = torch.full((4,), 3.0, device="cuda")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = x * 2
    del x
    graph.replay()
    assert y.tolist() == [6.0] * 4
    total = y.sum()
    graph.reset()
    assert total.item() == 24.0


def test_torch_accelerator_captures_too(torch):
    x = torch.ones(3, device="cuda")
    graph = torch.accelerator.Graph()
    with graph:
        x += 1
    assert x.tolist() == [1.0] * 3
    graph.replay(), graph.replay()
    assert x.tolist() == [3.0] * 3


def test_graphed_callables_give_the_same_gradients(torch):
    local = _model(torch)
    model = copy.deepcopy(local).cuda()
    graphed = torch.cuda.make_graphed_callables(
        model, (torch.randn(2, 4, device="cuda", requires_grad=True),))
    for _ in range(2):
        x = torch.randn(2, 4, requires_grad=True)
        on_device = x.detach().cuda().requires_grad_()
        model.zero_grad(), local.zero_grad()
        graphed(on_device).sum().backward()
        local(x).sum().backward()
        assert torch.equal(on_device.grad.cpu(), x.grad)
        for a, b in zip(model.parameters(), local.parameters()):
            torch.testing.assert_close(a.grad.cpu(), b.grad)
