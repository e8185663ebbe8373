"""The script of `soak`: trains for as long as it is told, in every way at once.

Prints a JSON line every few seconds: {"seconds", "steps", "resident_kib", "errors", "loss"}.
"""

import argparse
import io
import json
import random
import sys
import time

import torch
import torch.nn.functional as F

from harness.memory import resident_kib
from workloads import models

TELL_S = 5
EVALUATE_EVERY, SAVE_EVERY, FAIL_EVERY = 50, 200, 120


class Soak:
    def __init__(self, device):
        torch.manual_seed(0)
        self.device, self.errors = device, 0
        self.net = models.GPT(101, 64, 4, 2, 64).to(device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=3e-4)
        self.choose = random.Random(3)

    def batch(self):
        """Rows and tokens vary from step to step."""
        rows, tokens = self.choose.randint(1, 8), self.choose.randint(8, 64)
        ids = torch.randint(0, 101, (rows, tokens + 1))
        return ids[:, :-1].contiguous().to(self.device), ids[:, 1:].flatten().to(self.device)

    def train(self):
        self.optimizer.zero_grad()
        ids, wanted = self.batch()
        loss = F.cross_entropy(self.net(ids), wanted)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        return loss

    def evaluate(self):
        self.net.eval()
        with torch.no_grad():
            ids, wanted = self.batch()
            logits = self.net(ids)
            right = logits.argmax(1) == wanted
            hardest = logits[~right]
        self.net.train()
        return int(right.sum()), tuple(hardest.shape)

    def checkpoint(self):
        file = io.BytesIO()
        torch.save({"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}, file)
        file.seek(0)
        state = torch.load(file)
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])

    def provoke(self):
        """An error that a script can make at the call, and one that the device finds."""
        try:
            torch.ones(2, 3, device=self.device) @ torch.ones(2, 3, device=self.device)
        except RuntimeError:
            self.errors += 1
        try:
            torch.linalg.cholesky(-torch.eye(3, device=self.device)).sum().item()
        except RuntimeError:
            self.errors += 1

    def step(self, number):
        loss = self.train()
        if number % EVALUATE_EVERY == 0:
            self.evaluate()
        if number % SAVE_EVERY == 0:
            self.checkpoint()
        if number % FAIL_EVERY == 0:
            self.provoke()
        return loss


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    soak, number = Soak(arguments.device), 0
    began = told = time.monotonic()
    while (now := time.monotonic()) - began < arguments.seconds:
        number += 1
        loss = soak.step(number)
        if now - told >= TELL_S:
            told = now
            print(json.dumps({"seconds": now - began, "steps": number, "errors": soak.errors,
                              "resident_kib": resident_kib(), "loss": loss.item()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
