"""The measured half of harness/side.py."""

import argparse
import json
import sys

import torch


def serve(answer):
    """Calls `answer(request, device)` for each JSON request on stdin; its result is a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), arguments.device)), flush=True)
