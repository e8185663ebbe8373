"""A UNet of diffusers learns to remove noise; pictures are then sampled by two pipelines."""

import json
import tempfile

import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)
model = UNet2DModel(
    sample_size=16, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=8,
    block_out_channels=(16, 32), down_block_types=("DownBlock2D", "AttnDownBlock2D"),
    up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=8).to(device)
scheduler = DDPMScheduler(num_train_timesteps=100)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
schedule = get_cosine_schedule_with_warmup(optimizer, 4, 40)
average = EMAModel(model.parameters(), decay=0.9)
generator = torch.Generator().manual_seed(1)
losses = []
for step in range(40):
    corners = torch.randint(2, 8, (8, 2), generator=generator)
    pictures = -torch.ones(8, 1, 16, 16)
    for picture, (top, left) in zip(pictures, corners.tolist()):
        picture[:, top:top + 6, left:left + 6] = 1.0
    noise = torch.randn(pictures.shape, generator=generator).to(device)
    times = torch.randint(100, (8,), generator=generator).to(device)
    noisy = scheduler.add_noise(pictures.to(device), noise, times)
    loss = torch.nn.functional.mse_loss(model(noisy, times).sample, noise)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    average.step(model.parameters())
    losses.append(loss.item())
assert sum(losses[-5:]) < 0.6 * sum(losses[:5]), losses

average.copy_to(model.parameters())
model.eval()


def sample(pipeline, steps, seed):
    pipeline.set_progress_bar_config(disable=True)
    draws = torch.Generator("cpu").manual_seed(seed)
    return pipeline(batch_size=2, generator=draws, num_inference_steps=steps,
                    output_type="np").images


ddim = DDIMPipeline(unet=model, scheduler=DDIMScheduler(num_train_timesteps=100))
pictures = sample(ddim, 8, seed=3)
assert (pictures == sample(ddim, 8, seed=3)).all() and (pictures != sample(ddim, 8, 4)).any()
assert pictures.shape == (2, 16, 16, 1) and 0 <= pictures.min() < pictures.max() <= 1
ddpm = sample(DDPMPipeline(unet=model, scheduler=scheduler), 10, seed=3)
with tempfile.TemporaryDirectory() as folder:
    ddim.save_pretrained(folder)
    loaded = DDIMPipeline.from_pretrained(folder).to(device)
    assert (sample(loaded, 8, seed=3) == pictures).all()
on_device = torch.Generator(device).manual_seed(5)
first = ddim(generator=on_device, num_inference_steps=4, output_type="np").images
on_device.manual_seed(5)
assert (ddim(generator=on_device, num_inference_steps=4, output_type="np").images == first).all()
print(json.dumps({"losses": losses, "ddim": float(pictures.mean()), "ddpm": float(ddpm.mean())}))
