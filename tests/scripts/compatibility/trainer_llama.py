"""transformers.Trainer trains Llama in bf16 and fp16, with gradient checkpointing and without."""

import json
import tempfile

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

CUDA = torch.cuda.is_available()
config = LlamaConfig(vocab_size=128, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                     num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
generator = torch.Generator().manual_seed(1)
starts = torch.randint(0, 100, (128,), generator=generator)
train = [{"input_ids": ids, "labels": ids} for ids in (starts[:, None] + torch.arange(24)) % 126]


def losses_of(**how):
    set_seed(0)
    model = LlamaForCausalLM(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=12, per_device_train_batch_size=8, learning_rate=3e-3,
            logging_steps=2, save_strategy="no", report_to=[], disable_tqdm=True,
            use_cpu=not CUDA, **how)
        trainer = Trainer(model=model, args=arguments, train_dataset=train)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < 0.8 * losses[0], losses
    assert next(model.parameters()).device.type == ("cuda" if CUDA else "cpu")
    assert all(p.dtype == torch.float32 for p in model.parameters())
    return losses


def close(one, other, tolerance):
    return all(abs(a - b) <= tolerance * abs(b) for a, b in zip(one, other, strict=True))


plain = losses_of()
checkpointed = losses_of(gradient_checkpointing=True)
assert close(checkpointed, plain, 1e-4), (checkpointed, plain)
results = {"losses": plain, "checkpointed": checkpointed, "bf16": losses_of(bf16=True)}
results["bf16_checkpointed"] = losses_of(
    bf16=True, gradient_checkpointing=True,
    gradient_checkpointing_kwargs={"use_reentrant": False})
assert close(results["bf16"], plain, 0.05), results
if CUDA:  # transformers wants a GPU for it
    results["fp16"] = losses_of(fp16=True)
    assert close(results["fp16"], plain, 0.05), results
print(json.dumps(results))
