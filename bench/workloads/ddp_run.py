"""The same steps under torch's DistributedDataParallel: Gloo, one process a rank on this machine.

    python -m workloads.ddp_run --device cpu --threads 1        with RANKS=2 in the environment

Answers requests as workloads.step_run does; every rank trains its share of the batch.
"""

import os
import subprocess
import sys
import tempfile
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from workloads import step_run
from workloads.serving import serve

RANKS = int(os.environ.get("RANKS", "2"))
_trained = {}


def join(rank, meeting):
    store = dist.FileStore(meeting, RANKS)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=RANKS)


class Trained(step_run.Trained):
    """Of the same model and batch."""

    def __init__(self, case):
        super().__init__(case, "cpu", False)
        rank = dist.get_rank()
        rows = len(self.x)
        assert rows % RANKS == 0 and len(self.y) % rows == 0, "equal shares"
        self.x = self.x.chunk(RANKS)[rank]
        self.y = self.y.chunk(RANKS)[rank]
        self.net = DistributedDataParallel(self.net)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-4, foreach=True)


def measure(request):
    """On every rank at once; of rank 0."""
    case = request["case"]
    if case not in _trained:
        _trained[case] = Trained(case)
    dist.barrier()
    begin = time.perf_counter()
    found = step_run.measure_steps(_trained[case], "cpu", request["steps"], request["read"])
    dist.barrier()
    return found | {"with_warmup_s": time.perf_counter() - begin}


def tell(request):
    box = [request]
    dist.broadcast_object_list(box, 0)
    return box[0]


def answer(request, device):
    return measure(tell(request))


def follow(threads):
    """A rank that does what rank 0 is told."""
    torch.set_num_threads(threads)
    while request := tell(None):
        measure(request)


def lead():
    meeting = tempfile.mktemp(prefix="moai-ddp-")
    threads = sys.argv[sys.argv.index("--threads") + 1]
    others = [subprocess.Popen([sys.executable, "-m", "workloads.ddp_run", "--follow", str(rank),
                                meeting, threads]) for rank in range(1, RANKS)]
    try:
        join(0, meeting)
        serve(answer)
        tell(None)
    finally:
        for other in others:
            other.wait(timeout=30)


if __name__ == "__main__":
    if sys.argv[1] == "--follow":
        join(int(sys.argv[2]), sys.argv[3])
        follow(int(sys.argv[4]))
    else:
        lead()
