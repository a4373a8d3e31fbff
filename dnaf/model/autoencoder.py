"""Latent autoencoders: image <-> what the UNet denoises."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn

FOLDER = "autoencoder"  # in a model's folder
EARLIER_FOLDER = "codec"  # in one that was written before version 0.2.0
EARLIER_NAMES = {"LosslessAutoencoder": "LosslessCodec"}  # of classes, there

# ITU-R BT.601 luma, and the two colour differences.
_RGB_TO_YCC = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))


@runtime_checkable
class Autoencoder(Protocol):
    """What training and sampling know of an autoencoder.

    Attributes:
        latent_channels: of the latent.
        downscale: pixels per latent cell along each side; images' sides are multiples of it.
    """

    @property
    def latent_channels(self) -> int: ...

    @property
    def downscale(self) -> int: ...

    def to(self, device: torch.device) -> Any: ...

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B,3,H,W) in [-1,1] -> latent (B,C,h,w) at the scale that the UNet sees."""

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent (B,C,h,w) -> image (B,3,H,W), about [-1,1]."""

    def cell_weights(self, weight: torch.Tensor) -> torch.Tensor:
        """Weight of pixels (B,1,H,W) -> of latent cells, (B,C,h,w) or (B,1,h,w)."""


def folder_in(model: Path) -> Path:
    """The autoencoder's folder in a model's folder, by the name that it has or had before version 0.2.0."""
    earlier = model / EARLIER_FOLDER
    return earlier if earlier.is_dir() else model / FOLDER


class LosslessAutoencoder(ModelMixin, ConfigMixin):
    """Luma and amplified chroma, then pixel unshuffle: image (B,3,H,W) <-> latent (B,3u²,H/u,W/u).

    For models trained from scratch: no pretrained autoencoder is needed. A loss on these latents weighs
    colour as much as brightness: the colour of garments and skin is what a small model is asked to carry
    over, and chroma is `chroma_gain` times smaller than luma in RGB images.

    Args:
        unshuffle: u, pixels per latent cell along each side.
        chroma_gain: factor on the two colour-difference planes.
    """

    @register_to_config
    def __init__(self, unshuffle: int = 2, chroma_gain: float = 3.0) -> None:
        super().__init__()
        matrix = torch.tensor(_RGB_TO_YCC) * torch.tensor([[1.0], [chroma_gain], [chroma_gain]])
        self.register_buffer("to_ycc", matrix)
        self.register_buffer("to_rgb", torch.linalg.inv(matrix))
        self.unshuffle = unshuffle

    @property
    def latent_channels(self) -> int:
        return 3 * self.unshuffle**2

    @property
    def downscale(self) -> int:
        return self.unshuffle

    @apply_forward_hook
    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B,3,H,W) in [-1,1] -> latent (B,3u²,H/u,W/u)."""
        return F.pixel_unshuffle(torch.einsum("ij,bjhw->bihw", self.to_ycc, image), self.unshuffle)

    @apply_forward_hook
    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """The inverse of `encode`; values outside the gamut are left as they are."""
        return torch.einsum("ij,bjhw->bihw", self.to_rgb, F.pixel_shuffle(latent, self.unshuffle))

    def cell_weights(self, weight: torch.Tensor) -> torch.Tensor:
        """Weight of pixels (B,1,H,W) -> (B,3u²,h,w): every colour plane gets the weight of its pixel."""
        return F.pixel_unshuffle(weight, self.unshuffle).repeat(1, 3, 1, 1)

    def forward(self, image: torch.Tensor) -> Any:
        return self.decode(self.encode(image))


class FrozenVae(nn.Module):
    """A frozen autoencoder of Stable Diffusion; latents are its mode times its scaling factor.

    It runs in its own dtype whatever the autocast, and never in float16 unless its config allows it
    (`force_upcast`): the one of Stable Diffusion XL overflows there.
    """

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae.requires_grad_(False).eval()

    @property
    def dtype(self) -> torch.dtype:
        return self.vae.dtype

    @property
    def device(self) -> torch.device:
        return self.vae.device

    @property
    def latent_channels(self) -> int:
        return int(self.vae.config.latent_channels)

    @property
    def downscale(self) -> int:
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @apply_forward_hook
    @torch.no_grad()
    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B,3,H,W) in [-1,1] -> latent (B,C,h,w) float32."""
        self._leave_float16()
        with _no_autocast(image.device):
            mode = self.vae.encode(image.to(self.dtype)).latent_dist.mode()
        return mode.float() * self.vae.config.scaling_factor

    @apply_forward_hook
    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent (B,C,h,w) -> image (B,3,H,W) float32, about [-1,1]."""
        self._leave_float16()
        with _no_autocast(latent.device):
            image: torch.Tensor = self.vae.decode(
                (latent / self.vae.config.scaling_factor).to(self.dtype), return_dict=False
            )[0]
        return image.float()

    def cell_weights(self, weight: torch.Tensor) -> torch.Tensor:
        """Weight of pixels (B,1,H,W) -> (B,1,h,w): the mean over each cell."""
        return F.avg_pool2d(weight, self.downscale)

    def _leave_float16(self) -> None:
        if self.dtype == torch.float16 and self.vae.config.force_upcast:
            self.vae.float()


def _no_autocast(device: torch.device) -> AbstractContextManager[Any]:
    known = torch.amp.is_autocast_available(device.type)  # not on the device meta
    return torch.autocast(device.type, enabled=False) if known else nullcontext()
