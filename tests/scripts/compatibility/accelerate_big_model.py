"""Models that are spread over devices by accelerate: device_map, offloading, empty weights."""

import json
import tempfile

import torch
from accelerate import (Accelerator, cpu_offload, disk_offload, dispatch_model,
                        infer_auto_device_map, init_empty_weights, load_checkpoint_and_dispatch)
from accelerate.utils import find_executable_batch_size
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, set_seed

device = "cuda" if torch.cuda.is_available() else "cpu"
config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=3,
                     num_attention_heads=4, max_position_embeddings=64)
prompt = torch.randint(3, 64, (2, 10), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def logits_of(model):
    return model(prompt.to(device)).logits.float().cpu()


def check(model):
    assert torch.allclose(logits_of(model), wanted, atol=1e-4)


with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as offloaded:
    set_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    wanted = logits_of(AutoModelForCausalLM.from_pretrained(folder).to(device))
    check(AutoModelForCausalLM.from_pretrained(folder, device_map="auto"))
    half = AutoModelForCausalLM.from_pretrained(folder, device_map=device, dtype=torch.bfloat16)
    assert torch.allclose(logits_of(half), wanted, atol=0.05)
    check(cpu_offload(AutoModelForCausalLM.from_pretrained(folder), torch.device(device)))
    disk = AutoModelForCausalLM.from_pretrained(folder)
    disk_offload(disk, offloaded, torch.device(device))
    check(disk)
    with init_empty_weights():
        empty = LlamaForCausalLM(config)
    assert empty.lm_head.weight.device.type == "meta"
    placement = infer_auto_device_map(empty, no_split_module_classes=["LlamaDecoderLayer"])
    assert set(placement.values()) <= {0, "cpu"}, placement
    check(load_checkpoint_and_dispatch(LlamaForCausalLM(config), folder,
                                       device_map={"": 0 if device == "cuda" else "cpu"}))
    if device == "cuda":
        spread = {name: 0 for name in ("model.embed_tokens", "model.rotary_emb", "model.norm",
                                       "model.layers.0", "model.layers.2", "lm_head")}
        spread["model.layers.1"] = "cpu"
        check(dispatch_model(AutoModelForCausalLM.from_pretrained(folder), spread))


@find_executable_batch_size(starting_batch_size=64)
def fit(size):
    if size > 40:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return size


assert 20 < fit() <= 40
assert Accelerator().device.type == device
print(json.dumps({"logits": wanted[0, -1].tolist()}))
