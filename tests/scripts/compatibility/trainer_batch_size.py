"""transformers.Trainer finds a batch size that fits (auto_find_batch_size) after running out of
memory, and trains on."""

import json
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

CUDA = torch.cuda.is_available()
LIMIT_BYTES = 96 << 20
if CUDA:
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(LIMIT_BYTES / total)
set_seed(0)
config = GPT2Config(vocab_size=256, n_positions=64, n_embd=32, n_layer=2, n_head=2,
                    bos_token_id=1, eos_token_id=1)
starts = torch.randint(0, 200, (1024,), generator=torch.Generator().manual_seed(1))
train = [{"input_ids": ids, "labels": ids} for ids in (starts[:, None] + torch.arange(64)) % 256]
tried = []


class Counting(Trainer):
    def get_train_dataloader(self):
        tried.append(self._train_batch_size)
        return super().get_train_dataloader()


with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder, max_steps=8, per_device_train_batch_size=512 if CUDA else 64,
        auto_find_batch_size=True, learning_rate=2e-3, logging_steps=1, save_strategy="no",
        report_to=[], disable_tqdm=True)
    trainer = Counting(model=GPT2LMHeadModel(config), args=arguments, train_dataset=train)
    trainer.train()

losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry][-8:]
assert losses[-1] < losses[0], losses
if CUDA:
    assert len(tried) > 1 and tried == sorted(tried, reverse=True), tried
    assert torch.cuda.max_memory_allocated() <= LIMIT_BYTES
    assert torch.cuda.memory_stats()["num_ooms"] >= 1
print(json.dumps({f"losses_from_{tried[0]}": losses, "tried": len(tried) > 1 or not CUDA}))
