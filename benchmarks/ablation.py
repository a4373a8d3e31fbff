"""What the paper's ablations cost: x0 error without a part of DNAF against that with all, by noise level.

Run: python -m benchmarks.ablation (after python -m pretraining.draw and python -m pretraining.dataset crops)

Torsos of drawn people on the frozen base. Each variant's adapter is trained from nothing, with the same pairs
and steps, with each of several seeds; a killed run goes on where it stopped. The x0 error of one model call
is the mean square of the true latent minus the estimate, on outfits that no training saw. Intervals resample
trainings and outfits.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from dnaf.core import files
from dnaf.core.device import default_device
from dnaf.core.progress import track
from dnaf.data.loader import PairImages
from dnaf.pipeline import load_pipeline
from dnaf.pretraining import params as pretraining_params
from dnaf.pretraining.adapter import VARIANTS, train_adapter
from dnaf.pretraining.dataset import VALIDATION, sources_of
from dnaf.pretraining.params import Adapter, Round
from dnaf.report.runs import Run, trainings_interval
from dnaf.train.exchange import FULL, TIMESTEPS, spread, x0_errors

_NUM_BOOTSTRAP, _SEED = 1000, 0

Errors = Mapping[int, NDArray[np.float64]]
"""The x0 error of each pair, by timestep."""


def train_all(
    dataset: Path, base: Path, folder: Path, params: Adapter, each: Round, seeds: Sequence[int]
) -> dict[str, list[Path]]:
    """Trains what is not trained yet; the model folders of each variant, one a seed."""
    models: dict[str, list[Path]] = {variant: [] for variant in VARIANTS}
    for seed in seeds:
        for variant in VARIANTS:
            output = folder / f"{variant}_{seed}"
            train_adapter(variant, dataset, base, output, params, each, seed)
            models[variant].append(output / "model")
    return models


def errors_of(model: Path, pairs: PairImages, table: pd.DataFrame) -> Errors:
    """The errors of a model's single calls, of the pairs of `table`."""
    pipeline = load_pipeline(model)
    pipeline.to(default_device())
    found = x0_errors(pipeline, pairs, table, dict.fromkeys(TIMESTEPS, ()))
    return {timestep: errors[FULL] for timestep, errors in found.items()}


def compare(errors: Mapping[str, Sequence[Errors]], outfits: Sequence[str]) -> pd.DataFrame:
    """Columns variant, timestep, x0_error, change (a fraction of the full model's x0 error), low, high.

    Args:
        errors: of each variant, one a training; the n-th training of each has the same seed.
        outfits: of each pair.
    """
    num_trainings = len(errors[FULL])
    groups = [*outfits] * num_trainings
    trainings = [str(number) for number in range(num_trainings) for _ in outfits]
    run, rows = Run({}, groups, trainings), []
    for variant, of_variant in errors.items():
        for timestep in TIMESTEPS:
            found, full = (
                np.concatenate([training[timestep] for training in each])
                for each in (of_variant, errors[FULL])
            )
            change = (found - full) / full.mean()
            interval = trainings_interval(change, run, f"{variant} {timestep}", _NUM_BOOTSTRAP, _SEED)
            rows.append([variant, timestep, found.mean(), change.mean(), *interval])
    return pd.DataFrame(rows, columns=["variant", "timestep", "x0_error", "change", "low", "high"])


def main(
    num_seeds: Annotated[int, typer.Option(min=1, help="trainings of each variant")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="of each training")] = 1200,
    num_pairs: Annotated[int, typer.Option(min=2, help="of validation outfits, evenly spaced")] = 240,
) -> None:
    """Train, measure, and write metrics/pretraining/ablation.csv."""
    dataset = Path("data/pretraining/dataset_crops")
    params = pretraining_params.load().adapter
    each = params.rounds[0].model_copy(update={"steps": steps})
    folder = Path("data/pretraining/ablation") / f"{steps}_steps"
    models = train_all(dataset, Path("data/base/people"), folder, params, each, range(num_seeds))
    pairs = PairImages(sources_of(dataset / VALIDATION))
    table = spread(pairs.pairs, num_pairs)
    chosen = [(variant, model) for variant, folders in models.items() for model in folders]
    errors: dict[str, list[Errors]] = {variant: [] for variant in models}
    for variant, model in track(chosen, "Measuring (models)", len(chosen)):
        errors[variant].append(errors_of(model, pairs, table))
    result, out = compare(errors, table["outfit"].tolist()), Path("metrics/pretraining/ablation.csv")
    files.write_atomic(out, result.to_csv(index=False, float_format="%.5g"))
    for variant, group in result.groupby("variant", sort=False):
        print(f"{variant:6}", end="")
        for error, change, low, high in group[["x0_error", "change", "low", "high"]].to_numpy():
            percent = f"{100 * change:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}]"
            print(f"  {error:.4f} " if variant == FULL else f"  {percent}", end="")
        print()
    print(f"x0 error at t = {', '.join(map(str, TIMESTEPS))} → {out}")


if __name__ == "__main__":
    typer.run(main)
