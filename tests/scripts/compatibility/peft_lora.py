"""LoRA with peft: only the adapter learns, is saved, loaded, merged."""

import json
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

device = "cuda" if torch.cuda.is_available() else "cpu"
config = LlamaConfig(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                     num_attention_heads=4, max_position_embeddings=32)


def base_model():
    set_seed(0)
    return LlamaForCausalLM(config).to(device)


generator = torch.Generator().manual_seed(1)
starts = torch.randint(0, 60, (96,), generator=generator)
train = [{"input_ids": ids, "labels": ids} for ids in (starts[:, None] + torch.arange(16)) % 64]
before = [p.detach().cpu().clone() for p in base_model().parameters()]
model = get_peft_model(base_model(), LoraConfig(
    r=8, lora_alpha=32, lora_dropout=0.0, task_type="CAUSAL_LM", modules_to_save=["lm_head"],
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"]))
learning, total = model.get_nb_trainable_parameters()
assert 0 < learning < total / 3
prompt = train[0]["input_ids"][None].to(device)
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        output_dir=folder, max_steps=24, per_device_train_batch_size=8, learning_rate=1e-2,
        logging_steps=2, save_strategy="no", report_to=[], disable_tqdm=True)
    trainer = Trainer(model=model, args=arguments, train_dataset=train)
    trainer.train()
    model.eval()
    with torch.no_grad():
        adapted = model(prompt).logits
        with model.disable_adapter():
            plain = model(prompt).logits
    model.save_pretrained(folder)
    loaded = PeftModel.from_pretrained(base_model(), folder).eval()
    with torch.no_grad():
        again = loaded(prompt).logits
        merged = loaded.merge_and_unload()(prompt).logits

losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
assert losses[-1] < 0.8 * losses[0], losses
with torch.no_grad():
    assert torch.equal(plain, base_model().eval()(prompt).logits)
assert torch.equal(again, adapted) and not torch.equal(adapted, plain)
assert torch.allclose(merged, adapted, atol=1e-4), (merged - adapted).abs().max()
for name, parameter in model.named_parameters():
    assert parameter.requires_grad == ("lora_" in name or "modules_to_save" in name), name
print(json.dumps({"losses": losses, "logits": adapted[0, -1, :8].tolist()}))
