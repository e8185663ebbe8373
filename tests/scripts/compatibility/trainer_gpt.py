"""transformers.Trainer trains GPT-2 from a config: accumulation, evaluation, warm-up, clipping."""

import json
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

set_seed(0)
config = GPT2Config(vocab_size=128, n_positions=64, n_embd=64, n_layer=2, n_head=4, resid_pdrop=0.0,
                    embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=1, eos_token_id=1, pad_token_id=0)


def sequences(count, generator):
    """Each counts up from a random start."""
    for _ in range(count):
        start = int(torch.randint(100, (), generator=generator))
        yield {"input_ids": [2 + (start + i) % 126 for i in range(32)]}


def collate(examples):
    ids = torch.tensor([e["input_ids"] for e in examples])
    return {"input_ids": ids, "labels": ids.clone()}


generator = torch.Generator().manual_seed(1)
train, held_out = list(sequences(192, generator)), list(sequences(32, generator))
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder, max_steps=24, per_device_train_batch_size=4,
        gradient_accumulation_steps=2, learning_rate=3e-3, warmup_steps=4, max_grad_norm=1.0,
        weight_decay=0.01, logging_steps=2, eval_strategy="steps", eval_steps=12,
        save_strategy="no", report_to=[], disable_tqdm=True)
    trainer = Trainer(model=GPT2LMHeadModel(config), args=arguments, train_dataset=train,
                      eval_dataset=held_out, data_collator=collate)
    trainer.train()
    history = trainer.state.log_history
    predictions = trainer.predict(held_out)

losses = [entry["loss"] for entry in history if "loss" in entry]
evaluations = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
norms = [entry["grad_norm"] for entry in history if "grad_norm" in entry]
assert len(losses) == 12 and losses[-1] < 0.7 * losses[0], losses
assert len(evaluations) == 2 and evaluations[1] < evaluations[0], evaluations
assert predictions.predictions.shape == (32, 32, 128)
assert abs(predictions.metrics["test_loss"] - evaluations[-1]) < 0.5 * evaluations[-1]
print(json.dumps({"losses": losses, "evaluations": evaluations, "gradient_norms": norms}))
