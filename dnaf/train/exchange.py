"""The exchange test: how far one call's estimate is off when a path carries another outfit, or nothing.

The x0 error of a call at noise level t is the mean square of the true latent minus the estimate. Noise and
pairs being the same, it is compared with that of calls whose K', V' (the noise-aware features) or whose
appearance tokens come from another outfit's source, are left out, or, of K', V', come from the style without
noise (t = 0) instead of at the same level.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from diffusers import DDPMScheduler
from numpy.typing import NDArray

from dnaf.core import seeds
from dnaf.core.images import evenly_spaced
from dnaf.core.progress import track
from dnaf.data.loader import PairImages
from dnaf.model.denoiser import Encoded
from dnaf.model.schedulers import training_schedule
from dnaf.pipeline import DNAFPipeline

TIMESTEPS = (150, 300, 450, 600, 800, 950)
FULL = "full"
OTHER_KV, NO_KV, CLEAN_KV = "another outfit's K', V'", "no K', V'", "K', V' of the clean style"
OTHER_TOKENS, NO_TOKENS, OTHER_BOTH = (
    "another outfit's tokens",
    "no tokens",
    "another outfit's K', V' and tokens",
)
EXCHANGED = (OTHER_KV, NO_KV, CLEAN_KV, OTHER_TOKENS, NO_TOKENS, OTHER_BOTH)
_BATCH, _SEED = 16, 0

Recorded = dict[str, torch.Tensor] | None
Errors = dict[str, NDArray[np.float64]]
"""The x0 error of each pair (N): `FULL`, and by what is exchanged."""


def spread(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """At most so many rows, evenly spaced."""
    return table.iloc[evenly_spaced(len(table), number)]


def x0_errors(
    pipeline: DNAFPipeline,
    pairs: PairImages,
    table: pd.DataFrame,
    exchanged: Mapping[int, Sequence[str]],
    description: str | None = None,
) -> dict[int, Errors]:
    """The x0 errors of the pairs, by timestep.

    Noise depends on the pair alone. The denoiser stays in the mode, of training or of evaluation, it was in.

    Args:
        table: some of the pairs.
        exchanged: what is exchanged at each timestep.
        description: of the progress bar; None: none is shown.
    """
    others, training = _of_other_outfits(table), pipeline.denoiser.training
    pipeline.denoiser.eval()
    starts: Iterable[int] = range(0, len(table), _BATCH)
    if description is not None:
        starts = track(starts, f"{description} (batches)", -(-len(table) // _BATCH))
    found: dict[int, list[Errors]] = {timestep: [] for timestep in exchanged}
    for start in starts:
        rows = slice(start, start + _BATCH)
        batch = _Batch(pipeline, pairs, table.iloc[rows], others.iloc[rows])
        for timestep, names in exchanged.items():
            found[timestep].append(batch.errors(timestep, names))
    pipeline.denoiser.train(training)
    return {
        timestep: {name: np.concatenate([each[name] for each in batches]) for name in batches[0]}
        for timestep, batches in found.items()
    }


def _of_other_outfits(table: pd.DataFrame) -> pd.DataFrame:
    """For each pair another one, of another outfit."""
    outfits, places = table["outfit"].to_numpy(), []
    for index, outfit in enumerate(outfits):
        turned = np.roll(np.arange(len(outfits)), -index - len(outfits) // 2)
        places.append(next((int(place) for place in turned if outfits[place] != outfit), index))
    return table.iloc[places]


class _Batch:
    """A batch of pairs with all that does not depend on the noise level, computed once.

    Args:
        others: the pair that each one's features are exchanged with.
    """

    @torch.no_grad()
    def __init__(
        self, pipeline: DNAFPipeline, pairs: PairImages, table: pd.DataFrame, others: pd.DataFrame
    ) -> None:
        self._denoiser, self._schedule = pipeline.denoiser, training_schedule(pipeline.scheduler)

        def images(stems: pd.Series) -> torch.Tensor:
            return torch.stack([pairs.image(stem) for stem in stems]).to(pipeline.device)

        def poses(stems: pd.Series) -> torch.Tensor:
            return torch.stack([pairs.pose_map(stem) for stem in stems]).to(pipeline.device)

        pose = poses(table["target"])

        def source(rows: pd.DataFrame) -> tuple[Encoded, torch.Tensor]:
            image = images(rows["source"])
            encoded = self._denoiser.encode(image, poses(rows["source"]), pose)
            return encoded, pipeline.autoencoder.encode(image).float()

        self._own, self._latent = source(table)
        self._foreign, self._other_latent = source(others)
        self._clean = pipeline.autoencoder.encode(images(table["target"])).float()
        self._noise, self._style_noise = (
            _noise(self._clean, table["target"], purpose) for purpose in ("target", "style")
        )

    @torch.no_grad()
    def errors(self, timestep: int, exchanged: Sequence[str]) -> Errors:
        """The x0 errors at one noise level."""
        level = torch.full((len(self._clean),), timestep, device=self._clean.device)
        noisy = self._schedule.add_noise(self._clean, self._noise, level)
        at = self._denoiser.style_timestep(level)
        own, same = self._own, self._record(self._own, self._latent, at)
        needs_other = set(exchanged) & {OTHER_KV, OTHER_BOTH}
        wrong = self._record(self._foreign, self._other_latent, at) if needs_other else same
        with_foreign = dataclasses.replace(own, appearance=self._foreign.appearance)
        calls: dict[str, Callable[[], tuple[Encoded, Recorded]]] = {
            FULL: lambda: (own, same),
            OTHER_KV: lambda: (own, wrong),
            NO_KV: lambda: (own, None),
            CLEAN_KV: lambda: (own, self._record(own, self._latent, torch.zeros_like(level))),
            OTHER_TOKENS: lambda: (with_foreign, same),
            NO_TOKENS: lambda: (dataclasses.replace(own, appearance={}), same),
            OTHER_BOTH: lambda: (with_foreign, wrong),
        }
        found = {}
        for name in (FULL, *exchanged):
            encoded, cache = calls[name]()
            prediction = self._denoiser.denoise_recorded(noisy, level, encoded, cache).float()
            error = to_clean(self._schedule, prediction, noisy, timestep) - self._clean
            found[name] = error.square().mean((1, 2, 3)).double().cpu().numpy()
        return found

    def _record(self, encoded: Encoded, latent: torch.Tensor, at: torch.Tensor) -> Recorded:
        """K', V' of a source noised to `at`; None of a model that has none."""
        if not self._denoiser.adapter.config.noise_aware:
            return None
        return self._denoiser.record(self._schedule.add_noise(latent, self._style_noise, at), at, encoded)


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
