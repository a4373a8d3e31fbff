"""Latents of all drawn images, encoded once: float16 (outfits, 6, C, H/4, W/4)."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.core import files
from dnaf.core.device import default_device
from dnaf.core.progress import track
from dnaf.data.tensors import to_batch
from dnaf.model.patch_autoencoder import PatchAutoencoder
from dnaf.model.pretrained.checked_component import check_component
from dnaf.pretraining.people import PeopleImages

_LATENTS = "latents.npy"


def load_autoencoder(folder: Path) -> PatchAutoencoder:
    """The trained autoencoder, frozen.

    Raises:
        BaseModelError: incomplete or damaged.
    """
    component = check_component(folder, (PatchAutoencoder.__name__,), PatchAutoencoder.from_config)
    module: PatchAutoencoder = component.load()
    return module


@torch.no_grad()
def encode_people(people: Path, autoencoder: Path, output: Path) -> None:
    """Encodes every image and writes a folder of latents.

    Raises:
        StateError, BaseModelError: the images or the autoencoder are incomplete.
        ResourceError: the disk is full or not writable.
    """
    drawn, device = PeopleImages(people), default_device()
    module = load_autoencoder(autoencoder).to(device, memory_format=torch.channels_last)
    num_outfits, num_views, height, width = drawn.images.shape[:4]
    shape = (
        num_outfits,
        num_views,
        module.latent_channels,
        height // module.downscale,
        width // module.downscale,
    )
    with files.atomic_folder(output) as temporary:
        latents = np.lib.format.open_memmap(temporary / _LATENTS, "w+", np.float16, shape)
        for index in track(range(num_outfits), "Encoding people (outfits)", num_outfits):
            images = to_batch(drawn.images[index]).to(device, memory_format=torch.channels_last)
            latents[index] = module.encode(images).cpu().numpy()
        latents.flush()
        weights = files.digest(autoencoder / "diffusion_pytorch_model.safetensors")
        files.write_manifest(temporary, {"people": drawn.digest, "autoencoder": weights})


class PeopleLatents:
    """Reads what `encode_people` wrote.

    Attributes:
        latents: float16 (outfits, 6, C, h, w), mapped from the file.
        digest: of the manifest, and so of everything.

    Raises:
        StateError: incomplete or damaged.
    """

    def __init__(self, folder: Path) -> None:
        files.require_complete(folder)
        self.latents: NDArray[np.float16] = np.load(folder / _LATENTS, mmap_mode="r")
        self.digest = files.digest(folder / files.MANIFEST)
