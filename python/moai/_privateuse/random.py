"""torch.moai.random: the generator of the device."""

from moai import _C
from moai._privateuse.index import device_index

default_generators = (_C.default_generator(),)


def get_rng_state(device="moai"):
    device_index(device)
    return default_generators[0].get_state()


def set_rng_state(new_state, device="moai"):
    device_index(device)
    default_generators[0].set_state(new_state)


def get_rng_state_all():
    return [get_rng_state()]


def set_rng_state_all(new_states):
    for state in new_states:
        set_rng_state(state)


def manual_seed(seed):
    default_generators[0].manual_seed(int(seed))


def manual_seed_all(seed):
    manual_seed(seed)


def seed():
    default_generators[0].seed()


def seed_all():
    seed()


def initial_seed():
    return default_generators[0].initial_seed()
