"""What a trained model uses: how much worse one call gets when a path carries another outfit, or nothing.

Run: python -m benchmarks.exchange [--num-pairs 48] [--model data/model] [--pairs … --images … --pose-maps …]

The exchange test of `dnaf/train/exchange.py` at six noise levels. By default model and test pairs are the
pipeline's.
"""

from pathlib import Path
from typing import Annotated

import matplotlib
import pandas as pd
import typer

from dnaf.core import files
from dnaf.core.device import default_device
from dnaf.data.loader import PairImages, Sources
from dnaf.evaluate.metrics.bootstrap import ratio_interval
from dnaf.pipeline import DNAFPipeline, load_pipeline
from dnaf.train.exchange import EXCHANGED, FULL, TIMESTEPS, spread, x0_errors

_SEED, _NUM_BOOTSTRAP = 0, 1000


def exchange(
    pipeline: DNAFPipeline, pairs: PairImages, num_pairs: int, timesteps: tuple[int, ...] = TIMESTEPS
) -> pd.DataFrame:
    """Columns timestep, exchanged, change (a fraction of the full model's x0 error), low, high, x0_error.

    Intervals are of 95 %, outfits resampled.
    """
    table = spread(pairs.pairs, num_pairs)
    rows = []
    exchanged = dict.fromkeys(timesteps, EXCHANGED)
    for timestep, errors in x0_errors(pipeline, pairs, table, exchanged, "Exchanging").items():
        full = errors.pop(FULL)
        for name, values in errors.items():
            low, high = ratio_interval(
                values, full, table["outfit"].tolist(), _NUM_BOOTSTRAP, _SEED, f"{timestep} {name}"
            )
            rows.append([timestep, name, values.sum() / full.sum() - 1, low - 1, high - 1, full.mean()])
    return pd.DataFrame(rows, columns=["timestep", "exchanged", "change", "low", "high", "x0_error"])


def draw(table: pd.DataFrame, path: Path) -> None:
    """A figure: change of the x0 error in percent by timestep, a line for each exchange."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, group in table.groupby("exchanged", sort=False):
        change, low, high = (100 * group[column].to_numpy() for column in ("change", "low", "high"))
        axes.errorbar(
            group["timestep"], change, [change - low, high - change], label=name, marker="o", capsize=2
        )
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set(xlabel="timestep", ylabel="change of the x0 error, %")
    axes.set_yscale("symlog", linthresh=1)
    axes.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def main(
    num_pairs: Annotated[int, typer.Option(min=2, help="pairs of the list, evenly spaced")] = 48,
    model: Annotated[Path, typer.Option(help="a model's folder")] = Path("data/model"),
    pairs: Annotated[Path, typer.Option(help="the list of pairs")] = Path("data/pairs/test.csv"),
    images: Annotated[Path, typer.Option(help="the store of their images")] = Path("data/prepared.zip"),
    pose_maps: Annotated[Path, typer.Option(help="and that of their poses")] = Path("data/pose_maps.zip"),
    out: Annotated[Path, typer.Option(help="where to write the table; the figure goes beside it")] = Path(
        "metrics/exchange.csv"
    ),
) -> None:
    """Measure a model; write a table and a figure, and show the table."""
    pipeline = load_pipeline(model)
    pipeline.to(default_device())
    table = exchange(pipeline, PairImages(Sources(pairs, images, pose_maps)), num_pairs)
    files.write_atomic(out, table.to_csv(index=False, float_format="%.5g"))
    draw(table, out.with_suffix(".png"))
    for timestep, group in table.groupby("timestep"):
        print(f"t = {timestep}, x0 error {group['x0_error'].iloc[0]:.4f}")
        for name, change, low, high in group[["exchanged", "change", "low", "high"]].to_numpy().tolist():
            print(f"  {name:36} {100 * change:+7.1f} % ({100 * low:+.1f} to {100 * high:+.1f})")


if __name__ == "__main__":
    typer.run(main)
