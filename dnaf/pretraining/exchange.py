"""Acceptance of the base before any adapter: what another image's keys and values do to its estimate.

Nothing is trained for it. Of one model call at noise level t, the x0 error (the mean square of the clean
latent minus its estimate) with the K', V' of some image, noised to the same t, is compared with the error
without any. A base that can match gains from the same person's and not from another's.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dnaf.core import files, seeds
from dnaf.core.device import default_device
from dnaf.core.progress import track
from dnaf.evaluate.metrics.bootstrap import ratio_interval
from dnaf.model.patch_autoencoder import PATCH
from dnaf.model.schedulers import training_schedule
from dnaf.pretraining.base import SheetDenoiser, load, make_scheduler
from dnaf.pretraining.params import Exchange
from dnaf.pretraining.people import PeopleImages
from dnaf.pretraining.people_latents import PeopleLatents
from dnaf.pretraining.sheets import crop, torso_centres
from dnaf.pretraining.training import random_normal

_BATCH = 20
IDENTICAL, SAME, WRONG, CLEAN = "identical picture", "same person", "another person", "same person, clean"
_COLUMNS = ["timestep", "style", "change", "low", "high", "x0_error"]

Errors = NDArray[np.float64]


def probe(
    base: Path, people: Path, latents: Path, output: Path, params: Exchange, side: int | None, seed: int
) -> pd.DataFrame:
    """Measures all exchanges on validation outfits, and writes the table as CSV.

    Args:
        side: of crops around the torso, in cells; None: whole images.

    Returns:
        Columns timestep, style, change (of the x0 error, as a fraction), low and high (95 %, outfits
        resampled), x0_error (without any style).

    Raises:
        StateError, BaseModelError: images, latents or base are incomplete.
    """
    drawn, encoded, device = PeopleImages(people), PeopleLatents(latents), default_device()
    denoiser = load(base).to(device).to(memory_format=torch.channels_last)
    outfits, targets, styles = _pairs(drawn, encoded, params.num_pairs, side, seed)
    rows = []
    for timestep in track(params.timesteps, "Exchanging keys and values (timesteps)", len(params.timesteps)):
        without, found = _errors(denoiser, targets, styles, timestep, seed, device)
        for style, errors in found.items():
            low, high = ratio_interval(
                errors, without, outfits, params.num_bootstrap, seed, f"exchange {timestep} {style}"
            )
            change = errors.sum() / without.sum() - 1
            rows.append([timestep, style, change, low - 1, high - 1, without.mean()])
    table = pd.DataFrame(rows, columns=_COLUMNS)
    files.write_atomic(output, table.to_csv(index=False, float_format="%.5g"))
    return table


def to_text(table: pd.DataFrame) -> str:
    """The table for people: a row a style, a column a noise level, changes in percent."""
    changes = table[["change", "low", "high"]].to_numpy()
    cells = [f"{change:+.1f} ({low:+.1f} to {high:+.1f})" for change, low, high in 100 * changes]
    shown = table.assign(cell=cells).pivot(index="style", columns="timestep", values="cell")
    errors = table.drop_duplicates("timestep").set_index("timestep")["x0_error"]
    shown.loc["x0 error without style"] = [f"{errors[timestep]:.4f}" for timestep in shown.columns]
    return str(shown.to_string())


@torch.no_grad()
def _errors(
    denoiser: SheetDenoiser,
    targets: torch.Tensor,
    styles: torch.Tensor,
    timestep: int,
    seed: int,
    device: torch.device,
) -> tuple[Errors, dict[str, Errors]]:
    """Of each pair, the x0 error without style, and with each of the styles."""
    schedule = training_schedule(make_scheduler())
    noise, style_noise = (
        torch.stack([random_normal(tuple(targets.shape[1:]), seed, name, i) for i in range(len(targets))])
        for name in ("exchange noise", "exchange style noise")
    )
    # Half a turn: the pairs of an outfit stand side by side.
    wrong = styles.roll(len(styles) // 2, 0)
    given = {IDENTICAL: (targets, timestep), SAME: (styles, timestep), WRONG: (wrong, timestep)}
    given[CLEAN] = (styles, 0)
    without: list[torch.Tensor] = []
    found: dict[str, list[torch.Tensor]] = {name: [] for name in given}
    for batch in _batches(len(targets)):
        clean = targets[batch].to(device)
        level = torch.full((len(clean),), timestep, device=device)
        noisy = schedule.add_noise(clean, noise[batch].to(device), level)
        without.append((denoiser(noisy, level) - clean).square().mean((1, 2, 3)))
        for name, (images, style_timestep) in given.items():
            style_level = torch.full_like(level, style_timestep)
            noisy_style = schedule.add_noise(
                images[batch].to(device), style_noise[batch].to(device), style_level
            )
            estimate = denoiser.with_style(noisy, level, denoiser.record(noisy_style, style_level))
            found[name].append((estimate - clean).square().mean((1, 2, 3)))
    return _concatenate(without), {name: _concatenate(errors) for name, errors in found.items()}


def _pairs(
    drawn: PeopleImages, encoded: PeopleLatents, count: int, side: int | None, seed: int
) -> tuple[list[str], torch.Tensor, torch.Tensor]:
    """Outfit, target and style (N,C,h,w) of pairs of views of validation outfits, outfit by outfit."""
    centres = torso_centres(drawn.keypoints / np.float32(PATCH))
    chosen = []
    for outfit in drawn.validation_outfits():
        seen = [view for view in range(centres.shape[1]) if not np.isnan(centres[outfit, view, 0])]
        order = seeds.generator(seed, "exchange views", outfit).permutation(seen)
        chosen += [(outfit, int(one), int(two)) for one, two in zip(order[::2], order[1::2], strict=False)]
    chosen = chosen[:: max(1, len(chosen) // count)][:count]

    def latent(outfit: int, view: int) -> torch.Tensor:
        found = encoded.latents[outfit, view]
        cut = found if side is None else crop(found, centres[outfit, view], side)
        return torch.from_numpy(np.array(cut, np.float32))

    targets = torch.stack([latent(outfit, view) for outfit, view, _ in chosen])
    styles = torch.stack([latent(outfit, view) for outfit, _, view in chosen])
    return [str(outfit) for outfit, _, _ in chosen], targets, styles


def _batches(count: int) -> Iterator[slice]:
    for start in range(0, count, _BATCH):
        yield slice(start, start + _BATCH)


def _concatenate(batches: list[torch.Tensor]) -> Errors:
    return torch.cat(batches).cpu().double().numpy()
