"""Where patterns are lost: torsos that are sampled from the real target, noised to one level after another.

Run: python -m benchmarks.pattern_levels

Of the demo alone, with the pairs and the classifiers of `benchmarks.attributes`. All as the parameters say,
with one source and guidance at every call, but that the first model calls are left out, and the target at the
noise level of the next call takes the place of what they would have made: what is right only from there on
was decided before. The last row has no call at all, it is the target encoded and decoded.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import typer
from diffusers import SchedulerMixin
from PIL import Image

from benchmarks.attributes import Counted, NumOutfits, NumSteps, counted_pairs, learn_patterns, torso_of
from dnaf.core import config, files, seeds
from dnaf.core.device import default_device
from dnaf.core.images import Pixels
from dnaf.core.progress import track
from dnaf.core.workers import chunked
from dnaf.data.loader import PairImages, Sources
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.tensors import from_batch, to_pixels
from dnaf.evaluate.attributes.classifier import Committee, classify
from dnaf.evaluate.metrics.bootstrap import bootstrap_interval
from dnaf.generate.prepare_pipeline import prepare_pipeline
from dnaf.model.schedulers import training_schedule
from dnaf.pipeline import DNAFPipeline, load_pipeline

_NUM_LEVELS = 6
_NUM_BOOTSTRAP, _SEED = 1000, 0


@torch.no_grad()
def sample_rest(
    pipeline: DNAFPipeline, data: PairImages, pairs: Sequence[Counted], params: config.Generate, skipped: int
) -> list[Pixels]:
    """Images (H,W,3) of the pairs' targets without the first `skipped` model calls; without any, decoded."""
    target = torch.stack([data.image(pair.target) for pair in pairs]).to(pipeline.device)
    latents = pipeline.autoencoder.encode(target.to(pipeline.autoencoder.dtype)).float()
    timesteps = _timesteps(pipeline.scheduler, params)[skipped:]
    if not len(timesteps):
        decoded = pipeline.autoencoder.decode(latents.to(pipeline.autoencoder.dtype)).float()
        return from_batch(decoded)
    generators = [
        torch.Generator().manual_seed(seeds.seed(_SEED, "pattern levels", pair_id(pair.source, pair.target)))
        for pair in pairs
    ]
    noise = torch.stack([torch.randn(latents.shape[1:], generator=each) for each in generators])
    level = timesteps[:1].round().long().expand(len(latents))
    schedule = training_schedule(pipeline.scheduler)
    sampler = DNAFPipeline(**{**pipeline.components, "scheduler": _later(pipeline.scheduler, skipped)})
    sampler.set_progress_bar_config(disable=True)
    generated = sampler(
        style=[Image.fromarray(data.pixels(pair.source)) for pair in pairs],
        style_pose_map=torch.stack([data.pose_map(pair.source) for pair in pairs]),
        pose_map=torch.stack([data.pose_map(pair.target) for pair in pairs]),
        num_inference_steps=params.num_inference_steps,
        guidance_scale=params.guidance_scale,
        generator=generators,
        latents=schedule.add_noise(latents, noise.to(latents.device), level),
        fresh_style_noise=params.style_noise == "fresh",
        output_type="pt",
    ).images
    return [to_pixels(image) for image in generated]


def pattern_levels(
    pipeline: DNAFPipeline,
    data: PairImages,
    pairs: Sequence[Counted],
    params: config.Generate,
    classifier: Committee,
) -> pd.DataFrame:
    """A row for each of up to seven levels: timestep, num_calls, right, right_low, right_high.

    The share that is right has a 95 % interval, outfits resampled. The last row, without a call, has
    timestep 0.
    """
    timesteps = [*_timesteps(pipeline.scheduler, params).tolist(), 0]
    patterns, outfits = np.array([pair.pattern for pair in pairs]), [pair.outfit for pair in pairs]
    last, rows = len(timesteps) - 1, []
    chosen = [*range(0, last, math.ceil(last / _NUM_LEVELS)), last]
    batches = chunked(pairs, params.batch_size)
    for skipped in track(chosen, "Sampling from the target (levels)", len(chosen)):
        made = [image for batch in batches for image in sample_rest(pipeline, data, batch, params, skipped)]
        torsos = [torso_of(image, pair) for image, pair in zip(made, pairs, strict=True)]
        right = (classify(classifier, torsos) == patterns).astype(np.float64)
        interval = bootstrap_interval(right, outfits, _NUM_BOOTSTRAP, _SEED, f"after {skipped} calls")
        rows.append([timesteps[skipped], last - skipped, right.mean(), *interval])
    return pd.DataFrame(rows, columns=["timestep", "num_calls", "right", "right_low", "right_high"])


def _timesteps(scheduler: SchedulerMixin, params: config.Generate) -> torch.Tensor:
    scheduler.set_timesteps(params.num_inference_steps)
    timesteps: torch.Tensor = scheduler.timesteps
    return timesteps


def _later(scheduler: SchedulerMixin, skipped: int) -> SchedulerMixin:
    """The same scheduler without its first timesteps."""

    class Later(type(scheduler)):  # type: ignore[misc]
        def set_timesteps(self, *args: Any, **options: Any) -> None:
            super().set_timesteps(*args, **options)
            self.timesteps = self.timesteps[skipped:]

    return Later.from_config(scheduler.config)


def main(num_outfits: NumOutfits = 100, num_steps: NumSteps = 1500) -> None:
    """Measure data/model on the test pairs; write metrics/pattern_levels.csv and show it."""
    seed, size = config.load_seed(), config.load_size(config.load_chosen_dataset())
    params, folder = config.load(config.Generate), Path("data")
    pairs = counted_pairs(folder, size, seed)
    pipeline = prepare_pipeline(load_pipeline(folder / "model"), params, default_device())
    data = PairImages(Sources(folder / "pairs/test.csv", folder / "prepared.zip", folder / "pose_maps.zip"))
    classifier = learn_patterns(size, num_outfits, num_steps, seed)
    table = pattern_levels(pipeline, data, pairs, params, classifier)
    files.write_atomic(Path("metrics/pattern_levels.csv"), table.to_csv(index=False, float_format="%.4g"))
    for timestep, calls, *shares in table.to_numpy().tolist():
        right, low, high = (100 * share for share in shares)
        print(f"from t = {timestep:3.0f}, {calls:2.0f} calls: right {right:3.0f} % [{low:.0f}, {high:.0f}]")
    print("→ metrics/pattern_levels.csv")


if __name__ == "__main__":
    typer.run(main)
