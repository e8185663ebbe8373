"""`torch.moreh.option.enable_advanced_parallelization`: what a script decides of its job's plan."""

_RECOMPUTATION = {False: "none", True: "selective", 2: "full", "none": "none",
                  "default": "selective", "selective": "selective", "full": "full"}


def pins(pipeline_parallel, num_stages, num_micro_batches, activation_recomputation,
         distribute_parameter):
    """The same as MOAI_PLAN spells it; what is 'auto' is left open."""
    if not pipeline_parallel and num_stages not in ("auto", 1):
        raise ValueError(f"num_stages={num_stages!r} without pipeline_parallel")
    stages = num_stages if pipeline_parallel else 1
    said = {"pp": _number("num_stages", stages),
            "microbatches": _number("num_micro_batches", num_micro_batches),
            "recompute": _choice("activation_recomputation", activation_recomputation,
                                 _RECOMPUTATION),
            "zero": _choice("distribute_parameter", distribute_parameter, {True: 3, False: 0})}
    return ",".join(f"{key}={value}" for key, value in said.items() if value is not None)


def _number(name, value):
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}={value!r} is neither 'auto' nor a number from 1 on")
    return value


def _choice(name, value, choices):
    if value == "auto":
        return None
    if value not in choices:
        raise ValueError(f"{name}={value!r} is not one of 'auto', " +
                         ", ".join(repr(choice) for choice in choices))
    return choices[value]


def make_enable(torch, c, device):
    def enable_advanced_parallelization(pipeline_parallel=True, num_stages="auto",
                                        num_micro_batches="auto", activation_recomputation="auto",
                                        distribute_parameter="auto", mixed_precision=False):
        """Before the device is used: a job on several devices has the best plan of those that this
        leaves open, and its search is told. `mixed_precision`: computes in bfloat16 from here on,
        as under torch.autocast."""
        c.ask_for_plan(pins(pipeline_parallel, num_stages, num_micro_batches,
                            activation_recomputation, distribute_parameter))
        if mixed_precision:
            torch.set_autocast_enabled(device, True)
            torch.set_autocast_dtype(device, torch.bfloat16)
            # Nothing ever leaves this autocast, so copies of weights would outlive their steps.
            torch.set_autocast_cache_enabled(False)

    return enable_advanced_parallelization
