"""What the paper's ablations cost: errors without a part of DNAF against those with all.

Run: python -m benchmarks.ablation (after python -m pretraining.draw and python -m pretraining.dataset crops)

Torsos of drawn people on the frozen base. Each variant's adapter is trained from nothing, with the same pairs
and steps, with each of several seeds; a killed run goes on where it stopped. The x0 error of one model call
is the mean square of the true latent minus the estimate, on outfits that no training saw, by noise level.
Images of the same pairs, sampled as params.yaml says, are compared with the targets by ST-LPIPS, a distance
with trained weights that sees texture and forgives shifts. Intervals resample trainings and outfits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from dnaf.core import config, files, images
from dnaf.core.device import default_device
from dnaf.core.images import Pixels
from dnaf.core.progress import track
from dnaf.core.seals import write_sealed
from dnaf.core.shards import open_shards
from dnaf.core.workers import thread_map
from dnaf.data.loader import PairImages, Sources
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.data.store import ImageStore
from dnaf.evaluate.metrics.metric import ComparedPair
from dnaf.evaluate.protocols.registry import PROTOCOLS
from dnaf.generate.pairs import generate_pairs
from dnaf.pipeline import load_pipeline
from dnaf.pretraining import params as pretraining_params
from dnaf.pretraining.adapter import VARIANTS, train_adapter
from dnaf.pretraining.dataset import VALIDATION, sources_of
from dnaf.pretraining.params import Adapter, Round
from dnaf.report.runs import Run, trainings_interval
from dnaf.train.exchange import FULL, TIMESTEPS, spread, x0_errors
from extensions.st_lpips import ST_LPIPS

_NUM_BOOTSTRAP, _SEED = 1000, 0
_NUM_SHOWN = 12

Errors = Mapping[str, NDArray[np.float64]]
"""Errors of each pair: x0 errors by timestep (`t = 150`), and the image's distance from its target."""

MEASURES = (*(f"t = {timestep}" for timestep in TIMESTEPS), "ST-LPIPS")


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


def errors_of(model: Path, sources: Sources, generate: config.Generate, seed: int) -> Errors:
    """The errors of a model on all of some pairs.

    Args:
        generate: how images are sampled.
    """
    pipeline, pairs = load_pipeline(model), PairImages(sources)
    pipeline.to(default_device())
    found = x0_errors(pipeline, pairs, pairs.pairs, dict.fromkeys(TIMESTEPS, ()))
    errors = {f"t = {timestep}": of_timestep[FULL] for timestep, of_timestep in found.items()}
    with open_shards() as shards:
        generate_pairs(sources, model, made_by(model), generate, seed, shards, wrong_source=False)
    return {**errors, "ST-LPIPS": distances(ImageStore(made_by(model)), pairs)}


def made_by(model: Path) -> Path:
    """Where the images that a model made are kept."""
    return model.with_name("made.zip")


def distances(made: ImageStore, pairs: PairImages) -> NDArray[np.float64]:
    """ST-LPIPS of each pair's image and its target."""

    def distance(pair: Pair) -> float:
        image = made.image(f"{pair_id(*pair)}.png")
        compared = ComparedPair(pairs.pixels(pair[1]), image, PROTOCOLS["cfld"])
        return ST_LPIPS.measure(compared)["st_lpips"]

    every = pairs.pairs[["source", "target"]].itertuples(index=False, name=None)
    return np.array(list(thread_map(distance, every)))


def show(models: Sequence[Path], sources: Sources) -> Pixels:
    """A sheet of evenly spaced pairs: sources, targets, and a row of what each model made of them."""
    pairs = PairImages(sources)
    chosen = spread(pairs.pairs, _NUM_SHOWN)[["source", "target"]].to_numpy()
    rows = [[pairs.pixels(stem) for stem in stems] for stems in zip(*chosen, strict=True)]
    for model in models:
        made = ImageStore(made_by(model))
        rows.append([made.image(f"{pair_id(source, target)}.png") for source, target in chosen])
    return images.sheet(rows, enlarge=2)


def compare(errors: Mapping[str, Sequence[Errors]], outfits: Sequence[str]) -> pd.DataFrame:
    """Columns variant, measure, error, change (a fraction of the full model's error), low, high.

    Args:
        errors: of each variant, one a training; the n-th training of each has the same seed.
        outfits: of each pair.
    """
    num_trainings = len(errors[FULL])
    groups = [*outfits] * num_trainings
    trainings = [str(number) for number in range(num_trainings) for _ in outfits]
    run, rows = Run({}, groups, trainings), []
    for variant, of_variant in errors.items():
        for measure in MEASURES:
            found, full = (
                np.concatenate([training[measure] for training in each])
                for each in (of_variant, errors[FULL])
            )
            change = (found - full) / full.mean()
            name = f"{variant} {measure.removeprefix('t = ')}"
            interval = trainings_interval(change, run, name, _NUM_BOOTSTRAP, _SEED)
            rows.append([variant, measure, found.mean(), change.mean(), *interval])
    return pd.DataFrame(rows, columns=["variant", "measure", "error", "change", "low", "high"])


def main(
    num_seeds: Annotated[int, typer.Option(min=1, help="trainings of each variant")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="of each training")] = 1200,
    num_pairs: Annotated[int, typer.Option(min=2, help="of validation outfits, evenly spaced")] = 240,
) -> None:
    """Train, measure, and write metrics/pretraining/ablation.csv and .png."""
    dataset = Path("data/pretraining/dataset_crops")
    params_of_all = pretraining_params.load()
    params = params_of_all.adapter
    each = params.rounds[0].model_copy(update={"steps": steps})
    folder = Path("data/pretraining/ablation") / f"{steps}_steps"
    models = train_all(dataset, Path("data/base/people"), folder, params, each, range(num_seeds))
    validation = sources_of(dataset / VALIDATION)
    table = spread(PairImages(validation).pairs, num_pairs)
    sources = replace(validation, pairs=folder / "pairs.csv")
    write_sealed(sources.pairs, table.to_csv(index=False, lineterminator="\n"))
    generate = config.load(config.Generate)
    chosen = [(variant, model) for variant, folders in models.items() for model in folders]
    errors: dict[str, list[Errors]] = {variant: [] for variant in models}
    for variant, model in track(chosen, "Measuring (models)", len(chosen)):
        errors[variant].append(errors_of(model, sources, generate, params_of_all.seed))
    result, out = compare(errors, table["outfit"].tolist()), Path("metrics/pretraining/ablation.csv")
    files.write_atomic(out, result.to_csv(index=False, float_format="%.5g"))
    sheet = show([folders[0] for folders in models.values()], sources)
    files.write_atomic(out.with_suffix(".png"), images.encode_png(sheet))
    for variant, group in result.groupby("variant", sort=False):
        print(f"{variant:6}", end="")
        for error, change, low, high in group[["error", "change", "low", "high"]].to_numpy():
            percent = f"{100 * change:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}]"
            print(f"  {error:.4f} " if variant == FULL else f"  {percent}", end="")
        print()
    print(f"{', '.join(MEASURES)} → {out}; {', '.join(models)} as images: {out.with_suffix('.png')}")


if __name__ == "__main__":
    typer.run(main)
