"""Continues a text with a checkpoint of train.py, on the CPU, with nothing but torch.

    python sample.py [checkpoint.pt] [--prompt "The import statement"] [--characters 400]
"""

import argparse

import torch

from model import GPT, Config
from text import decode, encode


def load(path):
    """The model and its vocabulary."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    model = GPT(Config(**checkpoint["config"]))
    model.load_state_dict(checkpoint["model"])
    return model.eval(), checkpoint["vocabulary"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", nargs="?", default="checkpoint.pt")
    parser.add_argument("--prompt", default="The import statement")
    parser.add_argument("--characters", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    model, vocabulary = load(arguments.checkpoint)
    ids = torch.tensor([encode(arguments.prompt, vocabulary)])
    print(decode(model.generate(ids, arguments.characters)[0].tolist(), vocabulary))


if __name__ == "__main__":
    main()
