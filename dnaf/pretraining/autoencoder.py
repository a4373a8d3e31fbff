"""The autoencoder of the pretrained base: trained on drawn people, in diffusers' folder layout.

config.json  diffusion_pytorch_model.safetensors  loss.csv  manifest.json
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dnaf.core import files, seeds
from dnaf.core.images import Pixels
from dnaf.data.tensors import from_batch, to_batch
from dnaf.evaluate.metrics.psnr import psnr
from dnaf.model.patch_autoencoder import PATCH, PatchAutoencoder
from dnaf.pretraining.params import Autoencoder
from dnaf.pretraining.people import NUM_VIEWS, PeopleImages
from dnaf.pretraining.training import log_to_csv, random_normal, remove_state, run_training, save_half

_PURPOSE = "autoencoder"
# Images for the linear start, and for the mean and variance of latents.
_NUM_START, _NUM_CALIBRATION = 300, 1024
_BATCH = 16


def train_autoencoder(people: Path, output: Path, params: Autoencoder, seed: int) -> None:
    """Trains the autoencoder, or goes on where a killed run stopped, and writes it.

    Raises:
        StateError, NumericalError, ResourceError, ConfigError: see `run_training`.
    """
    drawn = PeopleImages(people)
    depends_on = {"people": drawn.digest, "seed": seed}
    module = _build(drawn, params, seed)

    def loss(module: nn.Module, positions: list[int]) -> torch.Tensor:
        images = to_batch(_image(drawn, seed, position) for position in positions)
        noise = params.latent_noise * _noise(positions, images, params.latent_channels, seed)
        device = next(module.parameters()).device
        images = images.to(device, memory_format=torch.channels_last)
        return reconstruction_loss(module(images, noise.to(device)), images, params.gradient_weight)

    log = run_training(_PURPOSE, module, loss, params, depends_on)
    if log is None:
        return
    module.to(memory_format=torch.contiguous_format).calibrate(_calibration(drawn, seed))
    module.eval()
    with files.atomic_folder(output) as temporary:
        save_half(module, temporary)
        files.write_atomic(temporary / "loss.csv", log_to_csv(log))
        measured = reconstruction_psnr(module, drawn.images[drawn.num_training :])
        info = {"psnr": round(measured, 2), "cpu_hours": round(float(log["cpu_hours"].iloc[-1]), 3)}
        files.write_manifest(temporary, {**info, "seed": seed, **params.model_dump()})
    remove_state(_PURPOSE, params, depends_on)


def reconstruction_loss(found: torch.Tensor, images: torch.Tensor, gradient_weight: float) -> torch.Tensor:
    """Mean absolute error of pixels and, weighted, of the differences of neighbours; of (B,3,H,W)."""
    error = (found - images).abs().mean()
    for dim in (-1, -2):
        error = error + gradient_weight * (found.diff(dim=dim) - images.diff(dim=dim)).abs().mean()
    return error


@torch.no_grad()
def reconstruction_psnr(module: PatchAutoencoder, images: Pixels) -> float:
    """Mean PSNR in dB of uint8 images (outfits,6,H,W,3) after encoding and decoding."""
    every = images.reshape(-1, *images.shape[2:])
    values = []
    for start in range(0, len(every), _BATCH):
        batch = every[start : start + _BATCH]
        decoded = module.decode(module.encode(to_batch(batch)))
        values += [psnr(real, found) for real, found in zip(batch, from_batch(decoded), strict=True)]
    return float(np.mean(values))


def _build(drawn: PeopleImages, params: Autoencoder, seed: int) -> PatchAutoencoder:
    half, quarter = params.channels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.seed(seed, "autoencoder weights"))
        module: PatchAutoencoder = PatchAutoencoder(params.latent_channels, (half, quarter))
    module.start_linear(to_batch(_some_images(drawn, seed, "autoencoder start", _NUM_START)))
    return module


def _calibration(drawn: PeopleImages, seed: int) -> Iterator[torch.Tensor]:
    images = _some_images(drawn, seed, "autoencoder calibration", _NUM_CALIBRATION)
    for start in range(0, len(images), _BATCH):
        yield to_batch(images[start : start + _BATCH])


def _some_images(drawn: PeopleImages, seed: int, purpose: str, count: int) -> Pixels:
    rng = seeds.generator(seed, purpose)
    outfits, views = rng.integers(drawn.num_training, size=count), rng.integers(NUM_VIEWS, size=count)
    return np.stack([drawn.images[outfit, view] for outfit, view in zip(outfits, views, strict=True)])


def _image(drawn: PeopleImages, seed: int, position: int) -> Pixels:
    """The image of a position, mirrored or not."""
    rng = seeds.generator(seed, "autoencoder picture", position)
    image: Pixels = drawn.images[rng.integers(drawn.num_training), rng.integers(NUM_VIEWS)]
    return image[:, ::-1] if rng.random() < 0.5 else image


def _noise(positions: list[int], images: torch.Tensor, channels: int, seed: int) -> torch.Tensor:
    shape = (channels, images.shape[-2] // PATCH, images.shape[-1] // PATCH)
    return torch.stack([random_normal(shape, seed, "latent noise", position) for position in positions])
