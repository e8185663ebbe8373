"""generate() of GPT-2 and Llama: greedy with cache and without, sampling, beams, static cache."""

import json

import torch
from transformers import (GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, set_seed)

device = "cuda" if torch.cuda.is_available() else "cpu"
common = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
models = {
    "gpt2": (GPT2LMHeadModel, GPT2Config(vocab_size=96, n_positions=96, n_embd=64, n_layer=2,
                                         n_head=4, **common)),
    "llama": (LlamaForCausalLM, LlamaConfig(
        vocab_size=96, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=96, **common)),
}
results = {"tokens": {}, "logits": {}}
for name, (kind, config) in models.items():
    set_seed(0)
    model = kind(config).to(device).eval()
    for parameter in model.parameters():  # wider apart, so that no two tokens are near a tie
        parameter.data *= 4 if parameter.dim() > 1 else 1
    prompt = torch.randint(3, 96, (2, 7), generator=torch.Generator().manual_seed(1)).to(device)
    mask = torch.ones_like(prompt)
    mask[1, :3] = 0  # the second is padded on the left

    def generate(**how):
        return model.generate(prompt, attention_mask=mask, max_new_tokens=24, **how).tolist()

    greedy = generate(do_sample=False)
    assert greedy == generate(do_sample=False)
    assert greedy == generate(do_sample=False, use_cache=False)
    assert greedy == generate(do_sample=False, cache_implementation="static")
    set_seed(7)
    sampled = generate(do_sample=True, top_k=20, top_p=0.95, temperature=0.9)
    set_seed(7)
    assert sampled == generate(do_sample=True, top_k=20, top_p=0.95, temperature=0.9)
    beams = generate(num_beams=3, do_sample=False)
    assert beams == generate(num_beams=3, do_sample=False)
    penalised = generate(do_sample=False, repetition_penalty=1.3, no_repeat_ngram_size=2)
    for row in penalised:
        made = [pair for pair in zip(row[7:], row[8:]) if 0 not in pair]
        assert len(made) == len(set(made)), row
    with torch.no_grad():
        results["logits"][name] = model(prompt, attention_mask=mask).logits[0, -1, :8].tolist()
    results["tokens"][name] = [greedy, beams, penalised]
print(json.dumps(results))
