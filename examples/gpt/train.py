"""Trains a small character-level GPT on the text of Python's language reference.

    python train.py [--device cuda] [--steps 400] [--seed 0] [--out checkpoint.pt]

Two to three minutes on two CPU cores. Weights and batches are drawn by the CPU generator, so the
losses are the same on every device up to rounding. See README.md of this folder.
"""

import argparse
import math
import time

import torch
from torch import nn

from model import GPT, Config
from text import encode, read_text, unigram_entropy, vocabulary_of

REPORT_S = 2.0
EVALUATION_BATCHES = 8
WARMUP_STEPS = 20


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16, help="sequences a step")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="checkpoint.pt")
    return parser.parse_args()


class Batches:
    """Random pieces of a text, drawn on the CPU and moved to the device."""

    def __init__(self, ids, size, context, seed, device):
        self.ids, self.size, self.device = ids, size, device
        self.offsets = torch.arange(context + 1)
        self.generator = torch.Generator().manual_seed(seed)

    def next(self):
        starts = torch.randint(len(self.ids) - len(self.offsets) + 1, (self.size, 1),
                               generator=self.generator)
        piece = self.ids[starts + self.offsets].to(self.device)
        return piece[:, :-1], piece[:, 1:]


class Progress:
    """A line about every two seconds. Speed is timed from one loss read to the next."""

    def __init__(self, steps, tokens_per_step):
        self.steps, self.tokens_per_step = steps, tokens_per_step
        self.done, self.due, self.time = 0, 1, time.monotonic()

    def report(self, done, loss):
        if done < self.due and done < self.steps:
            return
        value = loss.item()
        now = time.monotonic()
        step_s = (now - self.time) / (done - self.done)
        print(f"step {done:4d}/{self.steps}  loss {value:.4f}  "
              f"{self.tokens_per_step / step_s:8,.0f} tokens/s  "
              f"ETA {step_s * (self.steps - done):4.0f} s", flush=True)
        self.done, self.time = done, now
        self.due = done + max(1, round(REPORT_S / step_s))


def learning_rate_factor(steps):
    def factor(step):
        if step < WARMUP_STEPS:
            return (step + 1) / WARMUP_STEPS
        return 0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, step / steps)))

    return factor


@torch.no_grad()
def held_out_loss(model, ids, size, device):
    """Mean loss in nats a character over pieces of the held-out text, always the same ones."""
    model.eval()
    batches = Batches(ids, size, model.config.context, 1, device)
    losses = [model(*batches.next()) for _ in range(EVALUATION_BATCHES)]
    model.train()
    return torch.stack(losses).mean().item()


def train(model, batches, arguments):
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.lr, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, learning_rate_factor(arguments.steps))
    progress = Progress(arguments.steps, arguments.batch * model.config.context)
    for step in range(1, arguments.steps + 1):
        loss = model(*batches.next())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress.report(step, loss)


def main():
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    text = read_text()
    vocabulary = vocabulary_of(text)
    ids = torch.tensor(encode(text, vocabulary))
    border = len(ids) * 9 // 10
    model = GPT(Config(len(vocabulary)))
    print(f"{len(text):,} characters, {len(vocabulary)} different; "
          f"{sum(p.numel() for p in model.parameters()):,} parameters; device {arguments.device}",
          flush=True)
    model.to(arguments.device)
    batches = Batches(ids[:border], arguments.batch, model.config.context, arguments.seed,
                      arguments.device)
    train(model, batches, arguments)
    loss = held_out_loss(model, ids[border:], arguments.batch, arguments.device)
    torch.save({"config": vars(model.config), "vocabulary": vocabulary,
                "model": model.state_dict()}, arguments.out)
    entropy = unigram_entropy(text)
    print(f"saved {arguments.out}")
    print(f"final held-out loss {loss:.4f} nats, unigram entropy of the text {entropy:.4f} nats, "
          f"gap {entropy - loss:.4f} nats")


if __name__ == "__main__":
    main()
