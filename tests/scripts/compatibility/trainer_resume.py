"""transformers.Trainer resumes from a checkpoint: the losses are those of a run without a break."""

import json
import os
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

generator = torch.Generator().manual_seed(1)
starts = torch.randint(0, 60, (96,), generator=generator)
train = [{"input_ids": ids, "labels": ids} for ids in (starts[:, None] + torch.arange(16)) % 64]


def trainer_in(folder, dropout, **how):
    set_seed(0)
    config = GPT2Config(vocab_size=64, n_positions=32, n_embd=48, n_layer=2, n_head=4,
                        bos_token_id=1, eos_token_id=1, resid_pdrop=dropout, embd_pdrop=dropout,
                        attn_pdrop=dropout)
    arguments = TrainingArguments(
        output_dir=folder, max_steps=12, per_device_train_batch_size=8, learning_rate=2e-3,
        logging_steps=1, save_steps=6, report_to=[], disable_tqdm=True, **how)
    return Trainer(model=GPT2LMHeadModel(config), args=arguments, train_dataset=train)


def losses_of(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def run(dropout, **how):
    with tempfile.TemporaryDirectory() as folder:
        whole = trainer_in(folder, dropout, **how)
        whole.train()
        resumed = trainer_in(folder, dropout, **how)
        resumed.train(resume_from_checkpoint=os.path.join(folder, "checkpoint-6"))
        assert sorted(os.listdir(folder)) == ["checkpoint-12", "checkpoint-6"]
    assert losses_of(whole) == losses_of(resumed), (losses_of(whole), losses_of(resumed))
    for one, other in zip(whole.model.parameters(), resumed.model.parameters()):
        assert torch.equal(one, other)
    return losses_of(whole)


losses = run(dropout=0.0)
assert losses[-1] < losses[0], losses
run(dropout=0.1)  # the generators are restored too
if torch.cuda.is_available():
    run(dropout=0.1, fp16=True)  # and the gradient scaler
print(json.dumps({"losses": losses}))
