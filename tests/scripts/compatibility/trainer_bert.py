"""transformers.Trainer fine-tunes BERT as a classifier: padding, metrics, best model at the end."""

import json
import tempfile

import torch
from transformers import (BertConfig, BertForSequenceClassification, EarlyStoppingCallback, Trainer,
                          TrainingArguments, set_seed)

set_seed(0)
config = BertConfig(vocab_size=64, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
                    intermediate_size=96, max_position_embeddings=32, num_labels=3,
                    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def examples(count, generator):
    """The first token tells the class; lengths differ."""
    for _ in range(count):
        label = int(torch.randint(3, (), generator=generator))
        length = int(torch.randint(5, 20, (), generator=generator))
        noise = torch.randint(10, 64, (length,), generator=generator).tolist()
        yield {"input_ids": [2, 5 + label, *noise], "label": label}


def collate(batch):
    longest = max(len(e["input_ids"]) for e in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, example in enumerate(batch):
        ids[row, :len(example["input_ids"])] = torch.tensor(example["input_ids"])
        mask[row, :len(example["input_ids"])] = 1
    return {"input_ids": ids, "attention_mask": mask,
            "labels": torch.tensor([e["label"] for e in batch])}


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


generator = torch.Generator().manual_seed(1)
train, held_out = list(examples(256, generator)), list(examples(48, generator))
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder, num_train_epochs=6, per_device_train_batch_size=8,
        per_device_eval_batch_size=16, learning_rate=3e-3, lr_scheduler_type="cosine",
        logging_steps=8, eval_strategy="epoch", save_strategy="epoch", save_total_limit=2,
        load_best_model_at_end=True, metric_for_best_model="accuracy", label_smoothing_factor=0.05,
        train_sampling_strategy="group_by_length", report_to=[], disable_tqdm=True)
    trainer = Trainer(model=BertForSequenceClassification(config), args=arguments,
                      train_dataset=train, eval_dataset=held_out, data_collator=collate,
                      compute_metrics=accuracy, callbacks=[EarlyStoppingCallback(4)])
    trainer.train()
    history = trainer.state.log_history
    best = trainer.evaluate()

losses = [entry["loss"] for entry in history if "loss" in entry]
accuracies = [entry["eval_accuracy"] for entry in history if "eval_accuracy" in entry]
assert losses[-1] < 0.7 * losses[0], losses
assert best["eval_accuracy"] == max(accuracies) > 0.9, (best, accuracies)
print(json.dumps({"losses": losses, "accuracies": accuracies}))
