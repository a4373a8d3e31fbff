"""Validation: outfits of the training part that training does not see. The test part is left alone.

They are what the sample sheets show, what the exchange test is made on, and what decides which weights a
run publishes.
"""

import math

from dnaf.core import seeds
from dnaf.core.errors import ConfigError
from dnaf.data.loader import PairImages
from dnaf.pipeline import DNAFPipeline
from dnaf.train.ema import Tensors
from dnaf.train.exchange import FULL, OTHER_KV, spread, x0_errors

_LITTLE_NOISE = (150, 300)  # where noise-aware features can carry texture
_TIMESTEPS = (*_LITTLE_NOISE, 600, 900)
_NUM_PAIRS = 24

Row = dict[str, float]


def hold_out(pairs: PairImages, num_outfits: int, seed: int) -> tuple[PairImages, PairImages]:
    """The pairs to train on, and those of so many outfits, chosen by the seed, to validate on.

    Raises:
        ConfigError: nothing is left to train on.
    """
    outfits = sorted(set(pairs.pairs["outfit"]))
    if num_outfits >= len(outfits):
        raise ConfigError(
            f"params.yaml: train.validation_outfits: leaves nothing to train on (found {num_outfits}, "
            f"expected less than the {len(outfits)} outfits of the training part). Set fewer."
        )
    order = seeds.generator(seed, "validation").permutation(len(outfits))
    held_out = {outfits[index] for index in order[:num_outfits]}
    return pairs.split(held_out)


class Validation:
    """What a run was on outfits that it does not train on, and its best weights by that.

    Attributes:
        rows: step; x0_error, the geometric mean over four noise levels, so that none outweighs the others;
            other_features, by which share the error grows at little noise with the noise-aware features of
            another outfit: 0 means that they are not used.
        best: the averaged weights at the step of the least error, on the CPU; empty before the first.
    """

    def __init__(self, pairs: PairImages) -> None:
        self._pairs, self._table = pairs, spread(pairs.pairs, _NUM_PAIRS)
        self.rows: list[Row] = []
        self.best: Tensors = {}

    @property
    def best_step(self) -> int | None:
        """The first one of the least error; None before the first row."""
        return int(min(self.rows, key=_error)["step"]) if self.rows else None

    def add(self, step: int, pipeline: DNAFPipeline, weights: Tensors) -> None:
        """Measures the model as it is; keeps its weights if it is the best so far. Without pairs nothing."""
        if not len(self._table):
            return
        logs, growth = [], []
        exchanged = {timestep: [OTHER_KV] if timestep in _LITTLE_NOISE else [] for timestep in _TIMESTEPS}
        for errors in x0_errors(pipeline, self._pairs, self._table, exchanged).values():
            full = errors.pop(FULL).mean()
            logs.append(math.log(full))
            growth += [float(other.mean() / full - 1) for other in errors.values()]
        error, other = math.exp(sum(logs) / len(logs)), sum(growth) / len(growth)
        self.rows.append({"step": step, "x0_error": error, "other_features": other})
        if self.best_step == step:
            self.best = {name: weight.detach().to("cpu", copy=True) for name, weight in weights.items()}


def _error(row: Row) -> float:
    return row["x0_error"]
