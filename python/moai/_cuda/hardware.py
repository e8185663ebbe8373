"""What exists only on NVIDIA's hardware: switches keep what they are given, uses are refused."""


def _refuse(torch, what):
    def refuse(*args, **kwargs):
        raise RuntimeError(f"{what} needs a CUDA build of torch and NVIDIA hardware on this "
                           "machine; the device is computed on elsewhere")

    return refuse


def _tunable(refuse):
    """TunableOp chooses among kernels of a local GPU. Off, as where nothing was enabled."""
    kept = {"max_tuning_duration": 30, "max_tuning_iterations": 100, "rotating_buffer_size": -1}
    switches = {}

    def switch(name):
        def enable(value=True):
            if value:
                refuse("TunableOp")()
            switches[name] = False

        return enable

    names = {
        "_cuda_tunableop_enable": switch("enabled"),
        "_cuda_tunableop_is_enabled": lambda: False,
        "_cuda_tunableop_tuning_enable": switch("tuning"),
        "_cuda_tunableop_tuning_is_enabled": lambda: False,
        "_cuda_record_untuned_enable": switch("record_untuned"),
        "_cuda_record_untuned_is_enabled": lambda: False,
        "_cuda_tunableop_set_filename": lambda name, insert=False: kept.update(filename=name),
        "_cuda_tunableop_get_filename": lambda: kept.get("filename", ""),
        "_cuda_tunableop_get_results": lambda: (),
        "_cuda_tunableop_get_validators": lambda: (),
        "_cuda_tunableop_read_file": lambda name: False,
        "_cuda_tunableop_set_numerical_check_tolerances": lambda enable, *rest: None,
    }
    for key in list(kept):
        names["_cuda_tunableop_set_" + key] = lambda value, key=key: kept.update({key: value})
        names["_cuda_tunableop_get_" + key] = lambda key=key: kept[key]
    return names


def functions(torch):
    def refuse(what):
        return _refuse(torch, what)

    names = _tunable(refuse)
    names.update({
        "_cuda_jiterator_compile_and_launch_kernel": refuse("torch.cuda.jiterator"),
        "_cuda_customAllocator": refuse("CUDAPluggableAllocator"),
        "_cuda_changeCurrentAllocator": refuse("CUDAPluggableAllocator"),
        "_nccl_unique_id": refuse("torch.cuda.nccl.unique_id"),
        "_nccl_init_rank": refuse("torch.cuda.nccl.init_rank"),
    })
    return names
