"""transformers.Seq2SeqTrainer trains T5 to copy, and evaluates what it generates."""

import json
import tempfile

import torch
from transformers import (Seq2SeqTrainer, Seq2SeqTrainingArguments, T5Config,
                          T5ForConditionalGeneration, set_seed)

set_seed(0)
config = T5Config(vocab_size=16, d_model=48, d_kv=12, d_ff=96, num_layers=2, num_heads=4,
                  dropout_rate=0.0, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)


def examples(count, seed):
    ids = torch.randint(2, 16, (count, 5), generator=torch.Generator().manual_seed(seed))
    return [{"input_ids": row, "labels": torch.cat([row[:3], torch.tensor([1])])} for row in ids]


def exact(prediction):
    guess, wanted = prediction.predictions[:, 1:5], prediction.label_ids
    return {"exact": float((guess[:, :3] == wanted[:, :3]).mean())}


held_out = examples(24, seed=2)
with tempfile.TemporaryDirectory() as folder:
    arguments = Seq2SeqTrainingArguments(
        output_dir=folder, max_steps=60, per_device_train_batch_size=16, learning_rate=3e-3,
        optim="adafactor", logging_steps=10, predict_with_generate=True, generation_max_length=6,
        generation_num_beams=2, save_strategy="no", report_to=[], disable_tqdm=True)
    trainer = Seq2SeqTrainer(model=T5ForConditionalGeneration(config), args=arguments,
                             train_dataset=examples(256, seed=1), eval_dataset=held_out,
                             compute_metrics=exact)
    trainer.train()
    evaluation = trainer.evaluate()

losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
assert losses[-1] < 0.8 * losses[0], losses
assert evaluation["eval_exact"] > 0.2, evaluation
print(json.dumps({"losses": losses, "evaluation": evaluation["eval_loss"]}))
