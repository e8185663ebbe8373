"""torch.amp.GradScaler without a wait at each step.

Torch waits for `found_inf` to decide whether the optimizer steps. Here the step is recorded as a
region that the device skips by itself, and the verdict is looked at before the next step. Where it
says "skipped", what the step changed on the host (counts of steps, which states exist) is taken
back. Optimizers that keep more on the host, closures, and steps that somebody listens to wait as in
torch.
"""

import weakref

_pending = weakref.WeakKeyDictionary()  # optimizer -> _Step
_known = weakref.WeakSet()  # optimizers that settle before they are looked at


class _Step:
    def __init__(self, optimizer):
        self.verdict = None
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.begun = [p for p in parameters
                      if p.grad is not None and _has_state(optimizer.state.get(p))]
        self.begin = [p for p in parameters
                      if p.grad is not None and not _has_state(optimizer.state.get(p))]

    def settle(self, optimizer):
        if not self.verdict.value():
            return
        for parameter in self.begin:
            optimizer.state.pop(parameter, None)
        for parameter in self.begun:
            step = optimizer.state[parameter].get("step")
            if step is not None and step.device.type == "cpu":
                step -= 1


def _has_state(state):
    return bool(state) and any(value is not None for value in state.values())


def _settle(optimizer, *_):
    step = _pending.pop(optimizer, None)
    if step is not None:
        step.settle(optimizer)


def _plain_step(optimizer):
    """Whether nobody but torch's learning rate schedulers has put himself around step()."""
    own = optimizer.__dict__.get("step")
    return own is None or getattr(own, "_wrapped_by_lr_sched", False)


def install(torch, c, device_type):
    optim = torch.optim
    # Their state is device tensors and the count of steps, which grows by one.
    simple = (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad)
    scaler_type = torch.amp.GradScaler
    wait_and_step = scaler_type._maybe_opt_step

    def listened_to(optimizer):
        return bool(optimizer._optimizer_step_post_hooks) or any(
            hook is not _settle for hook in optimizer._optimizer_step_pre_hooks.values())

    def can_skip(optimizer, found, arguments):
        return (len(found) == 1 and found[0].device.type == device_type and not arguments
                and type(optimizer) in simple and _plain_step(optimizer)
                and not listened_to(optimizer) and not c.capturing())

    def maybe_step(self, optimizer, optimizer_state, *args, **kwargs):
        found = list(optimizer_state["found_inf_per_device"].values())
        if not can_skip(optimizer, found, args or kwargs):
            _settle(optimizer)
            return wait_and_step(self, optimizer, optimizer_state, *args, **kwargs)
        if optimizer not in _known:
            _known.add(optimizer)
            optimizer.register_step_pre_hook(_settle)
            optimizer.register_state_dict_pre_hook(_settle)
        _settle(optimizer)
        step = _Step(optimizer)
        c.skip_if(found[0])
        try:
            result = optimizer.step()
        finally:
            c.skip_end()
        # Behind the region: a read in front of it would be among what several devices run as one.
        step.verdict = c.PendingScalar(found[0])
        _pending[optimizer] = step
        return result

    scaler_type._maybe_opt_step = maybe_step
