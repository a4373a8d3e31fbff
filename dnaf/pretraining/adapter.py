"""Adapters to start from: DNAF's own training, on the drawn people and the frozen base.

`full`, and what the paper's ablations leave out, with equal history: `b1` without noise-aware features, `b2`
without appearance blocks, `clean` with keys and values of a style without noise. Each is a model folder as
stage train writes it.
"""

from pathlib import Path
from typing import Any

from dnaf.core import config
from dnaf.pretraining.dataset import LATENTS, TRAINING, sources_of
from dnaf.pretraining.params import Adapter
from dnaf.train.loop import Outputs, train

_ENCODER = "tf_efficientnet_lite0"

VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "b1": {"noise_aware": False},
    "b2": {"appearance_blocks": False},
    "clean": {"clean_style": True},
}


def train_adapter(
    variant: str,
    dataset: Path,
    base: Path,
    output: Path,
    params: Adapter,
    seed: int,
    start: Path | None = None,
) -> float:
    """Trains an adapter, or goes on where a killed run stopped, and writes its model folder.

    Args:
        variant: of `VARIANTS`.
        dataset: what `write_dataset` wrote.
        base: the frozen base.
        output: gets `model/`, `loss.csv` and `samples/`.
        start: the output of an earlier training of this variant, whose weights this one starts from.

    Returns:
        The mean loss of the last steps; NaN in other processes than the first.

    Raises:
        StateError, BaseModelError, ConfigError, NumericalError, ResourceError: see `loop.train`.
    """
    model = config.Model(base=str(base), style_encoder=_ENCODER, level_mapping="coarser", **VARIANTS[variant])
    training = dataset / TRAINING
    outputs = Outputs(
        output / "model",
        output / "loss.csv",
        output / "validation.csv",
        output / "samples",
        output / "tensorboard",
    )
    return train(sources_of(training), training / LATENTS, outputs, model, _training(params, start), seed)


def _training(params: Adapter, start: Path | None) -> config.Train:
    shared = params.model_dump(exclude={"crop", "max_weight"})
    return config.Train(
        **shared,
        init=None if start is None else str(start / "model"),
        max_noise_weight=params.max_weight,
        foreground_weight=0.0,  # crops are all person
        timestep_sampling="uniform",
        condition_dropout=0.0,  # no guidance is used
        validation_outfits=0,  # other people are drawn for it
    )
