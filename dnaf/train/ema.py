"""The exponential moving average of the trained weights, which is what a run publishes.

Not by diffusers' `EMAModel`, whose bits are others: it forgets the start at once (its first decay is 0, ours
1/10). Its decay also follows a counter of its own, ours the step, so that there is no counter to restore.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

Tensors = dict[str, torch.Tensor]


class EMA:
    """Exponential moving averages of named weights.

    Attributes:
        values: by name; at first the weights themselves.
    """

    def __init__(self, weights: Mapping[str, torch.nn.Parameter], decay: float) -> None:
        self._weights = weights
        self._decay = decay
        self.values: Tensors = {name: weight.detach().clone() for name, weight in weights.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after a step t, counted from 0: average += (1 - d_t) (weights - average)."""
        # d_t = min(decay, (1 + t) / (10 + t)): a young average follows faster, to forget the random start.
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            list(self.values.values()), [weight.data for weight in self._weights.values()], 1 - decay
        )

    def load(self, values: Tensors) -> None:
        """Replaces the averages."""
        copy(values, self.values)

    def apply(self) -> None:
        """Puts the averages in the weights' place."""
        copy(self.values, self._weights)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The weights are their averages within the block."""
        trained = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self.apply()
        try:
            yield
        finally:
            copy(trained, self._weights)


@torch.no_grad()
def copy(values: Mapping[str, torch.Tensor], targets: Mapping[str, torch.Tensor]) -> None:
    """Copies tensors into those of the same name."""
    for name, target in targets.items():
        target.copy_(values[name])
