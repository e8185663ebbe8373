"""transformers.Trainer trains Mixtral: experts chosen by a router with a loss of its own."""

import json
import tempfile

import torch
from transformers import MixtralConfig, MixtralForCausalLM, Trainer, TrainingArguments, set_seed

CUDA = torch.cuda.is_available()
config = MixtralConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, num_local_experts=4,
    num_experts_per_tok=2, output_router_logits=True, bos_token_id=1, eos_token_id=2)
starts = torch.randint(0, 60, (128,), generator=torch.Generator().manual_seed(1))
train = [{"input_ids": ids, "labels": ids} for ids in (starts[:, None] + torch.arange(16)) % 64]


def losses_of(**how):
    set_seed(0)
    model = MixtralForCausalLM(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=16, per_device_train_batch_size=8, learning_rate=5e-3,
            logging_steps=2, save_strategy="no", report_to=[], disable_tqdm=True,
            use_cpu=not CUDA, **how)
        trainer = Trainer(model=model, args=arguments, train_dataset=train)
        trainer.train()
        prompt = train[0]["input_ids"][None, :6].to(model.device)
        made = model.generate(prompt, max_new_tokens=8, do_sample=False)
        assert torch.equal(made, model.generate(prompt, max_new_tokens=8, do_sample=False))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < 0.9 * losses[0], losses
    return losses


results = {"losses": losses_of(), "losses_bf16": losses_of(bf16=True)}
if CUDA:
    results["losses_fp16"] = losses_of(fp16=True)
print(json.dumps(results))
