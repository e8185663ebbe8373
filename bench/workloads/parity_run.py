"""Runs one parity case in this process and writes what it computed as JSON.

    python -m workloads.parity_run CASE --device cpu --dtype float32 --steps 50 --out FILE
"""

import argparse
import hashlib
import json

import torch

from workloads import cases, draws, parallel_cases


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--times", type=int, help="all of it so often; a list is written")
    parser.add_argument("--out", required=True)
    return parser.parse_args()


def digest(tensor):
    data = tensor.detach().cpu().contiguous()
    return hashlib.sha256(data.view(torch.uint8).numpy().tobytes() if data.dim() else
                          data.numpy().tobytes()).hexdigest()


def largest_gradients(modules, so_far):
    """By parameter, each element's largest magnitude seen; kept on the device."""
    for name, parameter in modules.named_parameters():
        if parameter.grad is not None:
            now = parameter.grad.detach().abs()
            so_far[name] = torch.maximum(so_far[name], now) if name in so_far else now
    return so_far


def run(case, arguments):
    """Losses of every step (a value each read), hashes of parameters and buffers, values."""
    torch.manual_seed(0)
    training = case.make(arguments.device, getattr(torch, arguments.dtype))
    gradients, losses = {}, []
    for i in range(arguments.steps):
        losses.append([loss.item() for loss in training.step(i)])
        if case.rule == cases.CLOSE:
            gradients = largest_gradients(training.modules, gradients)
    state = training.modules.state_dict()
    result = {"losses": losses, "hashes": {name: digest(t) for name, t in state.items()}}
    if case.rule == cases.CLOSE:
        result["values"] = {n: t.double().flatten().tolist() for n, t in state.items()}
        result["gradients"] = {n: t.double().flatten().tolist() for n, t in gradients.items()}
    return result


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.device != "cpu" and not torch.accelerator.is_available():
        raise SystemExit("the plug-in is not active: torch.accelerator.is_available() is false")
    if arguments.case == "draws":
        result = draws.measure(arguments.device)
    else:
        case = (cases.BY_NAME | parallel_cases.BY_NAME)[arguments.case]
        result = [run(case, arguments) for _ in range(arguments.times or 1)]
        if arguments.times is None:
            result, = result
    with open(arguments.out, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
