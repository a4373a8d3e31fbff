"""Adapters to start from: DNAF's own training, on the drawn people and the frozen base.

`full`, and what the paper's ablations leave out, with equal history: `b1` without noise-aware features, `b2`
without appearance blocks, `clean` with keys and values of a style without noise. Each is a model folder as
stage train writes it.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from dnaf.core import config, files
from dnaf.core.errors import ConfigError
from dnaf.data.store import ImageStore
from dnaf.pretraining.dataset import LATENTS, TRAINING, sources_of
from dnaf.pretraining.params import Adapter, Round
from dnaf.train.loop import Outputs, train

_ENCODER = "tf_efficientnet_lite0"
_MADE_BY = "made_by.txt"  # beside a round's outputs, once they are whole: a digest of all that it depends on

VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "b1": {"noise_aware": False},
    "b2": {"appearance_blocks": False},
    "clean": {"clean_style": True},
}


def train_rounds(variant: str, data: Path, base: Path, output: Path, params: Adapter, seed: int) -> Path:
    """Trains all rounds one after the other; see `train_round`.

    Returns:
        The folder of the last one.
    """
    for number in range(1, len(params.rounds) + 1):
        folder = train_round(variant, number, data, base, output, params, seed)
    return folder


def train_round(
    variant: str, number: int, data: Path, base: Path, output: Path, params: Adapter, seed: int
) -> Path:
    """Trains the n-th round, from 1, on the weights of the one before, unless the very same is there.

    Args:
        variant: of `VARIANTS`.
        data: the folder of `dataset_crops` and `dataset_whole`.
        output: of all rounds of this variant: `1`, `2`, ….

    Returns:
        The folder of the round.

    Raises:
        ConfigError: there is no such round.
        StateError: the round before is not done.
        BaseModelError, NumericalError, ResourceError: see `loop.train`.
    """
    if not 1 <= number <= len(params.rounds):
        raise ConfigError(
            f"ROUND: there is none (found {number}, expected 1 to {len(params.rounds)}, as in "
            "pretraining/params.yaml: adapter.rounds). Choose one of them."
        )
    each, folder = params.rounds[number - 1], output / str(number)
    start = None if number == 1 else output / str(number - 1)
    dataset = data / f"dataset_{each.images}"
    train_adapter(variant, dataset, base, folder, params, each, seed, start)
    return folder


def train_adapter(
    variant: str,
    dataset: Path,
    base: Path,
    output: Path,
    params: Adapter,
    each: Round,
    seed: int,
    start: Path | None = None,
) -> None:
    """Trains a round and writes its model folder, or goes on where a killed run stopped.

    Nothing is done if the very same is there: of the same data, base, parameters and start.

    Args:
        variant: of `VARIANTS`.
        dataset: what `write_dataset` wrote.
        base: the frozen base.
        output: gets `model/`, curves and `samples/`.
        start: the output of an earlier training of this variant, whose weights this one starts from.

    Raises:
        StateError, BaseModelError, ConfigError, NumericalError, ResourceError: see `loop.train`.
    """
    folders = [base] if start is None else [base, start / "model"]
    for folder in folders:
        files.require_complete(folder)
    training, record = dataset / TRAINING, output / _MADE_BY
    made_by = files.fingerprint(
        {
            "variant": variant,
            "params": params.model_dump(exclude={"rounds"}),
            "round": each.model_dump(),
            "seed": seed,
            "folders": [files.digest(folder / files.MANIFEST) for folder in folders],
            "images": ImageStore(sources_of(training).images).fingerprint(),
        }
    )
    with suppress(FileNotFoundError):  # another process may just take it away
        if record.read_text() == made_by:
            return
    record.unlink(missing_ok=True)
    loss, validation = (output / f"{name}.csv" for name in ("loss", "validation"))
    outputs = Outputs(output / "model", loss, validation, output / "samples", output / "tensorboard")
    model = config.Model(base=str(base), style_encoder=_ENCODER, level_mapping="coarser", **VARIANTS[variant])
    chosen = _training(params, each, start)
    train(sources_of(training), training / LATENTS, outputs, model, chosen, seed + each.order)
    files.write_atomic(record, made_by)


def _training(params: Adapter, each: Round, start: Path | None) -> config.Train:
    return config.Train(
        **params.model_dump(exclude={"crop", "max_weight", "rounds"}),
        steps=each.steps,
        lr=each.lr,
        init=None if start is None else str(start / "model"),
        max_noise_weight=params.max_weight,
        foreground_weight=0.0,  # crops are all person
        timestep_sampling=each.timestep_sampling,
        condition_dropout=0.0,  # no guidance is used
        validation_outfits=0,  # other people are drawn for it
    )
