"""The exchange test: how far one call's estimate is off when a path carries another outfit, or nothing.

The x0 error of a call at noise level t is the mean square of the true latent minus the estimate. Noise and
pairs being the same, it is compared with that of calls whose K', V' (the noise-aware features) or whose
appearance tokens come from another outfit's source, are left out, or, of K', V', come from the style without
noise (t = 0) instead of at the same level.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from diffusers import DDPMScheduler
from numpy.typing import NDArray

from dnaf.core import seeds
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


def spread(table: pd.DataFrame, number: int) -> pd.DataFrame:
    """At most so many rows, evenly spaced."""
    return table.iloc[:: max(1, len(table) // number)].head(number)


def x0_errors(
    pipeline: DNAFPipeline,
    pairs: PairImages,
    table: pd.DataFrame,
    timestep: int,
    exchanged: Sequence[str] = EXCHANGED,
) -> dict[str, NDArray[np.float64]]:
    """The x0 error of each pair (N): `FULL`, and by what is exchanged.

    Noise depends on the pair alone. The denoiser stays in the mode, of training or of evaluation, it was in.

    Args:
        table: some of the pairs.
    """
    others, training = _of_other_outfits(table), pipeline.denoiser.training
    pipeline.denoiser.eval()
    batches = [
        _errors(
            pipeline,
            pairs,
            table.iloc[start : start + _BATCH],
            others.iloc[start : start + _BATCH],
            timestep,
            exchanged,
        )
        for start in range(0, len(table), _BATCH)
    ]
    pipeline.denoiser.train(training)
    return {name: np.concatenate([batch[name] for batch in batches]) for name in (FULL, *exchanged)}


def _of_other_outfits(table: pd.DataFrame) -> pd.DataFrame:
    """For each pair another one, of another outfit."""
    outfits, places = table["outfit"].to_numpy(), []
    for index, outfit in enumerate(outfits):
        turned = np.roll(np.arange(len(outfits)), -index - len(outfits) // 2)
        places.append(next((int(place) for place in turned if outfits[place] != outfit), index))
    return table.iloc[places]


@torch.no_grad()
def _errors(
    pipeline: DNAFPipeline,
    pairs: PairImages,
    table: pd.DataFrame,
    others: pd.DataFrame,
    timestep: int,
    exchanged: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """`x0_errors` of a single batch; `others` has the pair that each one's features are exchanged with."""
    denoiser, schedule = pipeline.denoiser, training_schedule(pipeline.scheduler)
    device = pipeline.device

    def images(stems: pd.Series) -> torch.Tensor:
        return torch.stack([pairs.image(stem) for stem in stems]).to(device)

    def poses(stems: pd.Series) -> torch.Tensor:
        return torch.stack([pairs.pose_map(stem) for stem in stems]).to(device)

    def latent(image: torch.Tensor) -> torch.Tensor:
        return pipeline.autoencoder.encode(image).float()

    target_pose, clean = poses(table["target"]), latent(images(table["target"]))
    noise, style_noise = (_noise(clean, table["target"], purpose) for purpose in ("target", "style"))
    level = torch.full((len(clean),), timestep, device=device)
    noisy = schedule.add_noise(clean, noise, level)
    at = denoiser.style_timestep(level)

    def encode(rows: pd.DataFrame) -> Encoded:
        return denoiser.encode(images(rows["source"]), poses(rows["source"]), target_pose)

    def record(rows: pd.DataFrame, encoded: Encoded, at: torch.Tensor) -> Recorded:
        if not denoiser.adapter.config.noise_aware:
            return None
        return denoiser.record(
            schedule.add_noise(latent(images(rows["source"])), style_noise, at), at, encoded
        )

    own = encode(table)
    same = record(table, own, at)
    foreign = encode(others) if set(exchanged) & {OTHER_KV, OTHER_TOKENS, OTHER_BOTH} else own
    wrong = record(others, foreign, at) if set(exchanged) & {OTHER_KV, OTHER_BOTH} else same
    with_foreign = dataclasses.replace(own, appearance=foreign.appearance)
    calls: dict[str, Callable[[], tuple[Encoded, Recorded]]] = {
        FULL: lambda: (own, same),
        OTHER_KV: lambda: (own, wrong),
        NO_KV: lambda: (own, None),
        CLEAN_KV: lambda: (own, record(table, own, torch.zeros_like(level))),
        OTHER_TOKENS: lambda: (with_foreign, same),
        NO_TOKENS: lambda: (dataclasses.replace(own, appearance={}), same),
        OTHER_BOTH: lambda: (with_foreign, wrong),
    }
    found = {}
    for name in (FULL, *exchanged):
        encoded, cache = calls[name]()
        prediction = denoiser.denoise_recorded(noisy, level, encoded, cache).float()
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
