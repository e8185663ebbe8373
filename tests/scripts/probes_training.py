"""What trainings are made of: modules, optimizers, autocast, scaling, loaders, torch.compile."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from probe import DEVICE, device_probe, probe, run_probes


def losses_on(device, make_optimizer, steps=6):
    """Of a small training; everything is drawn on the CPU."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).to(device)
    optimizer = make_optimizer(model.parameters())
    losses = []
    for _ in range(steps):
        x, y = torch.randn(5, 6).to(device), torch.randint(0, 3, (5,)).to(device)

        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).item())
    return losses


def agrees_with_the_host(make_optimizer):
    expected, found = (losses_on(device, make_optimizer) for device in ("cpu", DEVICE))
    assert torch.allclose(torch.tensor(expected), torch.tensor(found), rtol=1e-5), (expected, found)


def add_optimizer_probe(name, **options):
    def function():
        agrees_with_the_host(lambda p: getattr(torch.optim, name)(p, **options))

    words = "_".join([name.lower(), *(f"{k}_{v}".lower() for k, v in options.items())])
    function.__name__ = "optimizer_" + words.replace(".", "")
    probe(function)


for optimizer in ("Adadelta", "Adagrad", "Adam", "Adamax", "ASGD", "LBFGS", "NAdam", "RAdam",
                  "RMSprop", "Rprop", "SGD"):
    add_optimizer_probe(optimizer, lr=0.01)
for variant in ("foreach", "fused"):
    add_optimizer_probe("AdamW", lr=0.01, **{variant: True})
    add_optimizer_probe("SGD", lr=0.01, momentum=0.9, **{variant: True})
add_optimizer_probe("AdamW", lr=0.01, foreach=False)


@probe
def recurrent_layers_train():
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        layer = kind(4, 5, 2, batch_first=True).to(DEVICE)
        y, _ = layer(torch.randn(2, 3, 4, device=DEVICE))
        y.sum().backward()
        assert y.shape == (2, 3, 5)
        assert all(p.grad is not None for p in layer.parameters())


@probe
def attention_layers_train_and_evaluate():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).to(DEVICE)
    x = torch.randn(2, 3, 8, device=DEVICE)
    layer(x).sum().backward()
    layer.eval()
    with torch.no_grad():
        assert layer(x).shape == (2, 3, 8)


@probe
def batch_norm_keeps_running_statistics():
    layer = nn.BatchNorm2d(3).to(DEVICE)
    layer(torch.randn(4, 3, 5, 5, device=DEVICE) + 2)
    assert layer.num_batches_tracked.item() == 1
    assert layer.running_mean.min().item() > 0.1
    layer.eval()
    assert layer(torch.randn(4, 3, 5, 5, device=DEVICE)).shape == (4, 3, 5, 5)


@probe
def gradients_clip_accumulate_and_vanish():
    layer = nn.Linear(3, 1, bias=False).to(DEVICE)
    for _ in range(2):
        layer(torch.ones(1, 3, device=DEVICE)).sum().backward()
    assert layer.weight.grad.tolist() == [[2, 2, 2]]
    norm = nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    assert abs(norm.item() - 12**0.5) < 1e-5
    assert abs(layer.weight.grad.norm().item() - 1) < 1e-4
    layer.zero_grad(set_to_none=True)
    assert layer.weight.grad is None


@probe
def gradients_of_gradients_work():
    x = torch.tensor([2.0], device=DEVICE, requires_grad=True)
    first, = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    second, = torch.autograd.grad(first.sum(), x)
    assert (first.item(), second.item()) == (12, 12)


@probe
def hooks_and_own_functions_see_device_tensors():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad

    seen = []
    x = torch.ones(2, device=DEVICE, requires_grad=True)
    x.register_hook(lambda grad: seen.append(grad.device.type))
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2] and seen == [DEVICE]


@probe
def checkpointing_computes_the_same_gradients():
    from torch.utils.checkpoint import checkpoint

    layer = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.5)).to(DEVICE)
    x = torch.randn(3, 4, device=DEVICE, requires_grad=True)
    checkpoint(layer, x, use_reentrant=False).sum().backward()
    assert x.grad is not None


@probe
def autocast_chooses_types():
    layer = nn.Linear(4, 4).to(DEVICE)
    x = torch.randn(2, 4, device=DEVICE)
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        y = layer(x)
        loss = F.mse_loss(y, torch.zeros_like(y))
    assert y.dtype == torch.bfloat16
    loss.backward()
    assert layer.weight.grad.dtype == torch.float32


@device_probe
def older_ways_to_autocast_work():
    layer = nn.Linear(4, 4).cuda()
    x = torch.randn(2, 4, device="cuda")
    with torch.amp.autocast("cuda"):
        assert layer(x).dtype == torch.float16
    with torch.cuda.amp.autocast():
        assert layer(x).dtype == torch.float16


@probe
def a_grad_scaler_skips_infinite_steps_and_takes_the_others():
    layer = nn.Linear(4, 4).to(DEVICE)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1)
    scaler = torch.amp.GradScaler(DEVICE, init_scale=2.0**10)
    before = layer.weight.detach().cpu().clone()

    def step(factor):
        optimizer.zero_grad()
        scaler.scale(factor * layer(torch.ones(2, 4, device=DEVICE)).square().mean()).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()

    step(float("inf"))
    assert torch.equal(before, layer.weight.detach().cpu())
    assert scaler.get_scale() == 2.0**9
    step(1.0)
    assert not torch.equal(before, layer.weight.detach().cpu())


@device_probe
def pinned_memory_and_loader_workers_work():
    assert torch.ones(3).pin_memory().is_pinned()
    assert torch.empty(3, pin_memory=True).is_pinned()
    data = TensorDataset(torch.randn(8, 3), torch.arange(8))
    total = 0
    for x, y in DataLoader(data, batch_size=4, pin_memory=True, num_workers=2):
        assert x.is_pinned()
        total += y.to("cuda", non_blocking=True).sum().item()
    assert total == 28


@probe
def loader_workers_run_while_the_device_is_in_use():
    total = torch.zeros((), device=DEVICE)
    for (x,) in DataLoader(TensorDataset(torch.arange(6.0)), batch_size=2, num_workers=2):
        total += x.to(DEVICE).sum()
    assert total.item() == 15


@device_probe
def compile_with_its_default_falls_through():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).cuda()
    compiled = torch.compile(model)
    x = torch.randn(2, 4, device="cuda")
    y = compiled(x)
    y.sum().backward()
    assert torch.equal(y.detach().cpu(), model(x).detach().cpu())
    assert model[0].weight.grad is not None


@probe
def compile_with_a_back_end_of_ones_own_works():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).to(DEVICE)
    compiled = torch.compile(model, backend=lambda graph, inputs: graph.forward)
    compiled(torch.randn(2, 4, device=DEVICE)).sum().backward()
    assert model[0].weight.grad is not None


@probe
def the_same_seed_gives_the_same_dropout():
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(F.dropout(torch.ones(1000, device=DEVICE), 0.4).cpu())
    assert torch.equal(*results)
    kept = (results[0] > 0).float().mean().item()
    assert 0.5 < kept < 0.7


@probe
def inference_mode_works():
    with torch.inference_mode():
        assert nn.Linear(2, 2).to(DEVICE)(torch.ones(1, 2, device=DEVICE)).shape == (1, 2)


if __name__ == "__main__":
    run_probes()
