"""Models of timm.create_model train with timm's optimizer, schedule, loss, mix-up and averaged
weights: a ResNet, a vision transformer and a ConvNeXt."""

import json

import timm
import torch
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3, NativeScaler, accuracy

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MODELS = {
    "resnet10t": dict(),
    "vit_tiny_patch16_224": dict(img_size=64, depth=2, embed_dim=48, num_heads=4),
    "convnext_atto": dict(depths=(1, 1, 2, 1), dims=(16, 32, 48, 64)),
}


def pictures(count, seed):
    """Stripes in one of four directions, with noise."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    labels = torch.arange(count) % 4
    waves = torch.stack([torch.sin(0.4 * wave) for wave in (x, y, x + y, x - y)])
    noise = torch.randn(count, 3, 64, 64, generator=generator) * 0.4
    return waves[labels][:, None] + noise, labels


def train(name, settings, dtype):
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False, num_classes=4, **settings).to(device)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=2e-3, weight_decay=0.05)
    schedule = CosineLRScheduler(optimizer, t_initial=4, warmup_t=1, warmup_lr_init=1e-4)
    average = ModelEmaV3(model, decay=0.9)
    mixup = Mixup(mixup_alpha=0.1, num_classes=4, label_smoothing=0.05, prob=0.0)
    criterion = SoftTargetCrossEntropy()
    scaler = NativeScaler(device.type) if dtype == torch.float16 else None
    x, y = pictures(128, seed=1)
    losses = []
    model.train()
    for epoch in range(4):
        for batch in torch.randperm(128, generator=torch.Generator().manual_seed(epoch)).split(16):
            images, targets = mixup(x[batch].to(device), y[batch].to(device))
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                loss = criterion(model(images), targets)
            optimizer.zero_grad()
            if scaler:
                scaler(loss, optimizer, clip_grad=1.0, parameters=model.parameters())
            else:
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            average.update(model)
            losses.append(loss.item())
        schedule.step(epoch + 1)
    return losses, evaluate(average.module)


@torch.inference_mode()
def evaluate(model):
    model.eval()
    x, y = pictures(32, seed=2)
    return accuracy(model(x.to(device)), y.to(device))[0].item()


results = {}
for name, settings in MODELS.items():
    results[name], top = train(name, settings, torch.float32)
    assert sum(results[name][-4:]) < 0.8 * sum(results[name][:4]), (name, results[name])
    assert top > 50, (name, top)
bf16, _ = train("resnet10t", MODELS["resnet10t"], torch.bfloat16)
results["bf16"] = bf16[:8]  # further on a step's rounding grows
if device.type == "cuda":
    fp16, top = train("vit_tiny_patch16_224", MODELS["vit_tiny_patch16_224"], torch.float16)
    assert sum(fp16[-4:]) < 0.8 * sum(fp16[:4]) and top > 50, (fp16, top)
print(json.dumps(results))
