"""A loop over accelerate: no, bf16 and fp16 precision, accumulation, clipping, gathering, a state
that is saved and loaded."""

import json
import tempfile

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CUDA = torch.cuda.is_available()


def prepared(precision):
    AcceleratorState._reset_state(True)
    accelerator = Accelerator(mixed_precision=precision, gradient_accumulation_steps=2)
    set_seed(0)
    model = nn.Sequential(nn.Linear(12, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 32)
    x = torch.randn(256, 12)
    y = (x @ torch.randn(12, 4)).argmax(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=16)
    return accelerator, *accelerator.prepare(model, optimizer, schedule, loader)


def train_epoch(accelerator, model, optimizer, schedule, loader):
    losses = []
    for x, y in loader:
        with accelerator.accumulate(model):
            loss = nn.functional.cross_entropy(model(x), y)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        losses.append(accelerator.gather(loss.detach().reshape(1)).mean().item())
    return losses


def accuracy(accelerator, model, loader):
    right = seen = 0
    model.eval()
    for x, y in loader:
        with torch.no_grad():
            guess = model(x).argmax(1)
        guess, y = accelerator.gather_for_metrics((guess, y))
        right, seen = right + (guess == y).sum().item(), seen + len(y)
    model.train()
    return right / seen


def train(precision):
    accelerator, *parts = prepared(precision)
    model, loader = parts[0], parts[-1]
    assert accelerator.device.type == ("cuda" if CUDA else "cpu")
    first = train_epoch(accelerator, *parts)
    with tempfile.TemporaryDirectory() as folder:
        accelerator.save_state(folder)
        second = train_epoch(accelerator, *parts)
        accelerator.load_state(folder)
    assert train_epoch(accelerator, *parts) == second
    assert sum(second) < 0.8 * sum(first), (first, second)
    return first, accuracy(accelerator, model, loader)


results = {}
for precision in ["no", "bf16", *(["fp16"] if CUDA else [])]:
    losses, right = train(precision)
    assert right > 0.6, right
    results[f"losses_{precision}"] = losses
print(json.dumps(results))
