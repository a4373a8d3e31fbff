"""Images by which the pretraining is judged: reconstructions, sheets from noise, and what adapters make."""

from pathlib import Path

import torch

from dnaf.core import files, images, seeds
from dnaf.data.loader import PairImages, Sources
from dnaf.data.tensors import from_batch, to_batch, to_pixels
from dnaf.pipeline import load_pipeline
from dnaf.pretraining.base import load, make_scheduler
from dnaf.pretraining.people import PeopleImages
from dnaf.pretraining.people_latents import load_autoencoder
from dnaf.pretraining.training import random_normal

_NUM_IMAGES, _CALLS = 12, 20
_NUM_PAIRS = 16


@torch.no_grad()
def write_reconstructions(people: Path, autoencoder: Path, output: Path) -> None:
    """Writes a sheet of validation images (upper row) and what the autoencoder makes of them."""
    drawn, module = PeopleImages(people), load_autoencoder(autoencoder)
    outfits = list(drawn.validation_outfits())[:_NUM_IMAGES]
    real = [drawn.images[outfit, index % 4] for index, outfit in enumerate(outfits)]
    found = from_batch(module.decode(module.encode(to_batch(real))))
    files.write_atomic(output, images.encode_png(images.sheet([real, found], 1)))


@torch.no_grad()
def write_samples(base: Path, autoencoder: Path, output: Path, size: images.Size, seed: int) -> None:
    """Writes a sheet of pairs that the base makes from noise alone: second views (lower row) see the first.

    Args:
        size: of the latents, (height, width).
    """
    denoiser, module, scheduler = load(base), load_autoencoder(autoencoder), make_scheduler()
    shape = (module.latent_channels, *size)
    latents = torch.stack([random_normal(shape, seed, "sample", index) for index in range(2 * _NUM_IMAGES)])
    scheduler.set_timesteps(_CALLS)
    for timestep in scheduler.timesteps:
        prediction = denoiser(latents, timestep.expand(len(latents)), _NUM_IMAGES, 0)
        latents = scheduler.step(prediction, timestep, latents, return_dict=False)[0]
    samples = from_batch(module.decode(latents))
    rows = [samples[:_NUM_IMAGES], samples[_NUM_IMAGES:]]
    files.write_atomic(output, images.encode_png(images.sheet(rows, 1)))


def write_pairs(models: list[Path], sources: Sources, output: Path, seed: int) -> None:
    """Writes a sheet of validation pairs: pose, source, target, and below them what each model makes of it.

    Args:
        models: folders as `train_adapter` writes them.
        sources: of validation outfits.
    """
    pairs = PairImages(sources)
    chosen = pairs.pairs[["source", "target"]].to_numpy()
    chosen = chosen[images.evenly_spaced(len(chosen), _NUM_PAIRS)]
    rows = [[pairs.pose_map_image(target) for _, target in chosen]]
    rows += [[pairs.pixels(stem) for stem in stems] for stems in zip(*chosen, strict=True)]
    for model in models:
        pipeline = load_pipeline(model)
        pipeline.set_progress_bar_config(disable=True)
        made = pipeline(
            style=torch.stack([pairs.image(source) for source, _ in chosen]) / 2 + 0.5,
            style_pose_map=torch.stack([pairs.pose_map(source) for source, _ in chosen]),
            pose_map=torch.stack([pairs.pose_map(target) for _, target in chosen]),
            num_inference_steps=_CALLS,
            fresh_style_noise=True,
            generator=torch.Generator().manual_seed(seeds.seed(seed, "pairs")),
            output_type="pt",
        ).images
        rows.append([to_pixels(image) for image in made])
    files.write_atomic(output, images.encode_png(images.sheet(rows, 1)))
