"""transformers.Trainer trains ViT on pictures made here; data loader workers, pinned memory."""

import json
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import (Trainer, TrainingArguments, ViTConfig, ViTForImageClassification,
                          set_seed)


class Stripes(Dataset):
    """Pictures of vertical, horizontal or diagonal stripes."""

    def __len__(self):
        return 128

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
        label = index % 3
        wave = torch.sin((x, y, x + y)[label] * 0.8)
        noise = torch.randn(3, 32, 32, generator=generator) * 0.3
        return {"pixel_values": wave.expand(3, 32, 32) + noise, "labels": label}


def train(**how):
    set_seed(0)
    model = ViTForImageClassification(ViTConfig(
        image_size=32, patch_size=8, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, num_labels=3, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=3, per_device_train_batch_size=16,
            learning_rate=2e-3, logging_steps=4, dataloader_num_workers=2, eval_strategy="epoch",
            dataloader_pin_memory=torch.cuda.is_available(), save_strategy="no", report_to=[],
            disable_tqdm=True, use_cpu=not torch.cuda.is_available(), **how)
        trainer = Trainer(model=model, args=arguments, train_dataset=Stripes(),
                          eval_dataset=Stripes())
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < 0.5 * losses[0], losses
    return losses


results = {"losses": train(), "bf16": train(bf16=True)}
if torch.cuda.is_available():
    results["fp16"] = train(fp16=True)
print(json.dumps(results))
