"""Stable Diffusion's pipeline of diffusers with tiny random networks: guidance, slicing, fp16."""

import json

import torch
from diffusers import (AutoencoderKL, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
                       StableDiffusionImg2ImgPipeline, StableDiffusionPipeline,
                       UNet2DConditionModel)
from transformers import CLIPTextConfig, CLIPTextModel

device = "cuda" if torch.cuda.is_available() else "cpu"


def pipeline(dtype):
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, layers_per_block=1, block_out_channels=(16, 32), norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), cross_attention_dim=16,
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), attention_head_dim=8)
    vae = AutoencoderKL(
        block_out_channels=(16, 32), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=8, latent_channels=4)
    text = CLIPTextModel(CLIPTextConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=16))
    made = StableDiffusionPipeline(
        vae=vae.to(dtype), text_encoder=text.to(dtype), tokenizer=None, unet=unet.to(dtype),
        scheduler=DPMSolverMultistepScheduler(), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False).to(device)
    made.set_progress_bar_config(disable=True)
    return made


def sample(made, generator, **how):
    dtype = made.unet.dtype
    words = torch.randn(2, 1, 5, 16, generator=torch.Generator().manual_seed(3))
    positive, negative = words.to(device, dtype)
    return made(prompt_embeds=positive, negative_prompt_embeds=negative, num_inference_steps=4,
                guidance_scale=4.0, output_type="np", generator=generator, **how).images


def seeded(where="cpu"):
    return torch.Generator(where).manual_seed(1)


single = pipeline(torch.float32)
picture = sample(single, seeded(), height=16, width=16)
assert picture.shape == (1, 16, 16, 3) and (picture == sample(single, seeded(), height=16,
                                                             width=16)).all()
single.enable_attention_slicing()
single.vae.enable_slicing()
sliced = sample(single, seeded(), height=16, width=16)
assert abs(sliced - picture).max() < 1e-3
single.scheduler = EulerAncestralDiscreteScheduler.from_config(single.scheduler.config)
drawn = sample(single, seeded(device), height=16, width=16)
assert (drawn == sample(single, seeded(device), height=16, width=16)).all()
changed = sample(StableDiffusionImg2ImgPipeline(**single.components, requires_safety_checker=False),
                 seeded(), image=torch.zeros(1, 3, 16, 16), strength=0.5)
assert changed.shape == picture.shape
half = sample(pipeline(torch.float16 if device == "cuda" else torch.bfloat16), seeded(),
              height=16, width=16)
assert abs(half - picture).max() < 0.1
print(json.dumps({"picture": picture.ravel().tolist()[:64], "mean": float(changed.mean())}))
