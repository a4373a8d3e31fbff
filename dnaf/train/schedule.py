"""How a run goes along its steps: the learning rate, and which timesteps it trains at."""

import math
from typing import Protocol

from dnaf.core import config

_FINAL_LR = 0.05  # share of the peak learning rate at the end of the cosine decay


class RateParams(Protocol):
    """What the learning rate depends on."""

    @property
    def lr(self) -> float: ...

    @property
    def lr_warmup_steps(self) -> int: ...

    @property
    def steps(self) -> int: ...


def learning_rate(step: int, params: RateParams) -> float:
    """Linear warm-up, then a half cosine down to 5 % of the peak; `step` counts from 0."""
    warmup = min(1.0, (step + 1) / max(1, params.lr_warmup_steps))
    cosine = 0.5 * (1 + math.cos(math.pi * step / params.steps))
    return params.lr * warmup * (_FINAL_LR + (1 - _FINAL_LR) * cosine)


def timestep(uniform: float, sampling: config.TimestepSampling, num_timesteps: int) -> int:
    """A timestep in 0 … num_timesteps - 1 from a number that is uniform in [0, 1).

    `uniform`: T u. `cubic`: T (1 - u³), as CFLD (pose_transfer_train.py). `fourth_root`: T u^(1/4), which
    leaves out the clean end, where a small model that predicts the image has nothing to learn.
    """
    fraction = {
        "uniform": uniform,
        "cubic": 1 - uniform**3,
        "fourth_root": uniform**0.25,
    }[sampling]
    return min(int(fraction * num_timesteps), num_timesteps - 1)
