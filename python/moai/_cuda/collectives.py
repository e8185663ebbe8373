"""torch.cuda.comm and torch.cuda.nccl among one device: copies."""

import datetime


def functions(torch):
    def on_device(tensor, device):
        if device not in (0, torch.device("cuda"), torch.device("cuda:0")):
            raise torch.AcceleratorError("CUDA error: invalid device ordinal")
        return tensor.to("cuda")

    def broadcast(tensor, devices):
        return [on_device(tensor, device) for device in devices]

    def copy_to_each(tensor, outputs):
        for output in outputs:
            output.copy_(tensor)
        return outputs

    def scatter(tensor, devices, chunk_sizes, dim, streams):
        sizes = list(chunk_sizes) if chunk_sizes else None
        parts = tensor.split(sizes, dim) if sizes else tensor.chunk(len(devices), dim)
        return [on_device(part, device) for part, device in zip(parts, devices)]

    def scatter_out(tensor, outputs, dim, streams):
        parts = tensor.split([output.size(dim) for output in outputs], dim)
        for output, part in zip(outputs, parts):
            output.copy_(part)
        return outputs

    def gather(tensors, dim, destination):
        together = torch.cat([tensor.to("cuda") for tensor in tensors], dim)
        return together.cpu() if destination == -1 else together

    def gather_out(tensors, output, dim):
        return output.copy_(torch.cat([tensor.to("cuda") for tensor in tensors], dim))

    def copy_all(inputs, outputs, *rest):
        if len(inputs) != 1 or len(outputs) != 1:
            raise RuntimeError(f"nccl: {len(inputs)} inputs, but there is one device")
        outputs[0].view(-1).copy_(inputs[0].contiguous().view(-1))

    return {
        "_broadcast": broadcast,
        "_broadcast_out": copy_to_each,
        "_broadcast_coalesced": lambda tensors, devices, size:
            [[on_device(tensor, device) for tensor in tensors] for device in devices],
        "_scatter": scatter,
        "_scatter_out": scatter_out,
        "_gather": gather,
        "_gather_out": gather_out,
        "_nccl_all_reduce": lambda inputs, outputs, *rest: copy_all(inputs, outputs),
        "_nccl_reduce": lambda inputs, output, *rest: copy_all(inputs, [output]),
        "_nccl_broadcast": lambda inputs, *rest: copy_all(inputs, inputs),
        "_nccl_all_gather": lambda inputs, outputs, *rest: copy_all(inputs, outputs),
        "_nccl_reduce_scatter": lambda inputs, outputs, *rest: copy_all(inputs, outputs),
        # What programs compare with to choose code paths: the version torch's CUDA 12.8 build has.
        "_nccl_version": lambda: 2 << 32 | 27 << 16 | 5,
        "_nccl_version_suffix": lambda: b"",
    }


def install(torch, c):
    """`nccl` for one process. torch.distributed looked for it when it was imported."""
    if not torch.distributed.is_available():
        return
    from torch.distributed import distributed_c10d

    c.bind_distributed()
    group = c.ProcessGroupNCCL
    group.__module__ = "torch.distributed.distributed_c10d"
    torch._C._distributed_c10d.ProcessGroupNCCL = group
    for module in (distributed_c10d, torch.distributed):
        module.ProcessGroupNCCL = group
    distributed_c10d._NCCL_AVAILABLE = True
    # What torch's builds with NCCL have, in distributed.constants and here by value.
    distributed_c10d.default_pg_nccl_timeout = datetime.timedelta(minutes=10)
    _keep_gloo_to_the_host(torch, group)


def _keep_gloo_to_the_host(torch, solo_group):
    """Gloo reads tensors by pointer: those of the device are another group's, or nobody's."""
    groups = torch._C._distributed_c10d
    register = groups.ProcessGroup._register_backend

    def register_backend(self, device, backend_type, backend=None):
        if device.type != "cuda" or not isinstance(backend, groups.ProcessGroupGloo):
            return register(self, device, backend_type, backend)
        if backend.size() != 1:
            return None  # torch then says that no backend belongs to the device
        alone = solo_group(groups.HashStore(), 0, 1, solo_group.Options())
        return register(self, device, groups.ProcessGroup.BackendType.CUSTOM, alone)

    groups.ProcessGroup._register_backend = register_backend
