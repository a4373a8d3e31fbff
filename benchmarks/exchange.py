"""What a trained model uses: how much worse one call gets when a path carries another outfit, or nothing.

Run: python -m benchmarks.exchange [--num-pairs 48] [--model data/model] [--pairs … --images … --pose-maps …]

Of one model call at noise level t, the x0 error is the mean square of the true latent minus the estimate. It
is compared, noise and pairs being the same, with that of a call whose K', V' (the noise-aware features) or
whose appearance tokens come from another outfit's source, are left out, or, of K', V', come from the style
without noise (t = 0) instead of at the same level. By default model and test pairs are the pipeline's.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import matplotlib
import numpy as np
import pandas as pd
import torch
import typer
from diffusers import DDPMScheduler
from numpy.typing import NDArray

from dnaf.core import files, seeds
from dnaf.core.device import default_device
from dnaf.core.progress import track
from dnaf.data.loader import PairImages, Sources
from dnaf.evaluate.metrics.bootstrap import ratio_interval
from dnaf.model.schedulers import training_schedule
from dnaf.pipeline import DNAFPipeline, load_pipeline

TIMESTEPS = (150, 300, 450, 600, 800, 950)
OTHER_KV, NO_KV, CLEAN_KV = "another outfit's K', V'", "no K', V'", "K', V' of the clean style"
OTHER_TOKENS, NO_TOKENS, OTHER_BOTH = (
    "another outfit's tokens",
    "no tokens",
    "another outfit's K', V' and tokens",
)
FULL = "full"
_BATCH, _SEED, _NUM_BOOTSTRAP = 16, 0, 1000


def exchange(
    pipeline: DNAFPipeline, pairs: PairImages, num_pairs: int, timesteps: tuple[int, ...] = TIMESTEPS
) -> pd.DataFrame:
    """Columns timestep, exchanged, change (a fraction of the full model's x0 error), low, high, x0_error.

    Intervals are of 95 %, outfits resampled.
    """
    table = spread(pairs.pairs, num_pairs)
    others = _of_other_outfits(table)
    rows = []
    for timestep in track(timesteps, "Exchanging (timesteps)", len(timesteps)):
        errors = x0_errors(pipeline, pairs, table, others, timestep)
        full = errors.pop(FULL)
        for name, values in errors.items():
            low, high = ratio_interval(
                values, full, table["outfit"].tolist(), _NUM_BOOTSTRAP, _SEED, f"{timestep} {name}"
            )
            rows.append([timestep, name, values.sum() / full.sum() - 1, low - 1, high - 1, full.mean()])
    return pd.DataFrame(rows, columns=["timestep", "exchanged", "change", "low", "high", "x0_error"])


def spread(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """At most so many rows, evenly spaced."""
    return table.iloc[:: max(1, len(table) // number)].head(number)


def _of_other_outfits(table: pd.DataFrame) -> pd.DataFrame:
    """For each pair another one, of another outfit."""
    outfits, places = table["outfit"].to_numpy(), []
    for index, outfit in enumerate(outfits):
        turned = np.roll(np.arange(len(outfits)), -index - len(outfits) // 2)
        places.append(next((int(place) for place in turned if outfits[place] != outfit), index))
    return table.iloc[places]


def x0_errors(
    pipeline: DNAFPipeline,
    pairs: PairImages,
    table: pd.DataFrame,
    others: pd.DataFrame | None,
    timestep: int,
) -> dict[str, NDArray[np.float64]]:
    """The x0 error of each pair (N), by what is exchanged.

    Args:
        table: the pairs.
        others: for each pair the one that features are exchanged with; None: that of `FULL` alone is wanted.
    """
    batches = [
        _errors(
            pipeline,
            pairs,
            table.iloc[start : start + _BATCH],
            None if others is None else others.iloc[start : start + _BATCH],
            timestep,
        )
        for start in range(0, len(table), _BATCH)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


@torch.no_grad()
def _errors(
    pipeline: DNAFPipeline,
    pairs: PairImages,
    table: pd.DataFrame,
    others: pd.DataFrame | None,
    timestep: int,
) -> dict[str, Any]:
    """`x0_errors` of a single batch."""
    denoiser, schedule = pipeline.denoiser.eval(), training_schedule(pipeline.scheduler)
    device = pipeline.device

    def images(stems: pd.Series) -> torch.Tensor:
        return torch.stack([pairs.image(stem) for stem in stems]).to(device)

    def poses(stems: pd.Series) -> torch.Tensor:
        return torch.stack([pairs.pose_map(stem) for stem in stems]).to(device)

    source = images(table["source"])
    target_pose, clean = poses(table["target"]), pipeline.autoencoder.encode(images(table["target"]))
    own = denoiser.encode(source, poses(table["source"]), target_pose)
    noise, style_noise = (_noise(clean, table["target"], purpose) for purpose in ("target", "style"))
    level = torch.full((len(clean),), timestep, device=device)
    noisy = schedule.add_noise(clean, noise, level)

    def recorded(image: torch.Tensor, encoded: Any, at: torch.Tensor) -> dict[str, torch.Tensor] | None:
        if not denoiser.adapter.config.noise_aware:
            return None
        return denoiser.record(
            schedule.add_noise(pipeline.autoencoder.encode(image), style_noise, at), at, encoded
        )

    at = denoiser.style_timestep(level)
    same = recorded(source, own, at)
    calls = {FULL: (own, same)}
    if others is not None:
        other = images(others["source"])
        foreign = denoiser.encode(other, poses(others["source"]), target_pose)
        wrong = recorded(other, foreign, at)
        with_foreign = dataclasses.replace(own, appearance=foreign.appearance)
        calls |= {
            OTHER_KV: (own, wrong),
            NO_KV: (own, None),
            CLEAN_KV: (own, recorded(source, own, torch.zeros_like(level))),
            OTHER_TOKENS: (with_foreign, same),
            NO_TOKENS: (dataclasses.replace(own, appearance={}), same),
            OTHER_BOTH: (with_foreign, wrong),
        }
    found = {}
    for name, (encoded, cache) in calls.items():
        prediction = denoiser.denoise_recorded(noisy, level, encoded, cache)
        error = to_clean(schedule, prediction, noisy, timestep) - clean
        found[name] = error.square().mean((1, 2, 3)).double().cpu().numpy()
    return found


def to_clean(
    schedule: DDPMScheduler, prediction: torch.Tensor, noisy: torch.Tensor, timestep: int
) -> torch.Tensor:
    """The estimate of the clean latent from what the schedule's `prediction_type` says."""
    alpha = schedule.alphas_cumprod[timestep].item()
    if schedule.config.prediction_type == "sample":
        return prediction
    if schedule.config.prediction_type == "epsilon":
        return (noisy - (1 - alpha) ** 0.5 * prediction) / alpha**0.5
    return alpha**0.5 * noisy - (1 - alpha) ** 0.5 * prediction


def _noise(like: torch.Tensor, stems: pd.Series, purpose: str) -> torch.Tensor:
    shape = tuple(like.shape[1:])
    seeded = [torch.Generator().manual_seed(seeds.seed(_SEED, f"exchange {purpose}", stem)) for stem in stems]
    return torch.stack([torch.randn(shape, generator=generator) for generator in seeded]).to(like.device)


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
