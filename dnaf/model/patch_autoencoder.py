"""A small autoencoder of latents a quarter of the image's size, which starts as the best linear one."""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

PATCH = 4  # pixels per latent cell along each side


class PatchAutoencoder(ModelMixin, ConfigMixin):
    """Image (B,3,H,W) <-> latent (B,C,H/4,W/4) whose channels have mean 0 and variance 1.

    encode(x) = norm(A patches(x) + f(x)), decode(z) = patches⁻¹(B z) + g(z). A and B start as the principal
    components of 4x4 patches (`start_linear`), the convolutions f and g as zero. The linear map alone gives
    in its first step what an autoencoder from random weights gives after an hour of one core.

    Args:
        latent_channels: C.
        channels: of the convolutions at a half and at a quarter of the image's size.
    """

    @register_to_config
    def __init__(self, latent_channels: int = 8, channels: tuple[int, int] = (32, 64)) -> None:
        super().__init__()
        half, quarter = channels
        num_patch_values = 3 * PATCH**2
        self.linear_encoder = nn.Conv2d(num_patch_values, latent_channels, 1)
        self.linear_decoder = nn.Conv2d(latent_channels, num_patch_values, 1)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(3 * 4, half, 3, padding=1),
            _Residual(half),
            nn.Conv2d(half, quarter, 4, stride=2, padding=1),
            _Residual(quarter),
            _Residual(quarter),
            nn.SiLU(),
            _zero(nn.Conv2d(quarter, latent_channels, 3, padding=1)),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(latent_channels, quarter, 3, padding=1),
            _Residual(quarter),
            _Residual(quarter),
            nn.Conv2d(quarter, 4 * half, 3, padding=1),
            nn.PixelShuffle(2),
            _Residual(half),
            _Residual(half),
            nn.SiLU(),
            _zero(nn.Conv2d(half, 3 * 4, 3, padding=1)),
            nn.PixelShuffle(2),
        )
        # No weights: in training by the batch's mean and variance, afterwards by those of `calibrate`.
        self.norm = nn.BatchNorm2d(latent_channels, affine=False, track_running_stats=True)

    @property
    def latent_channels(self) -> int:
        return int(self.config.latent_channels)

    @property
    def downscale(self) -> int:
        return PATCH

    @torch.no_grad()
    def start_linear(self, images: torch.Tensor) -> None:
        """Sets the linear map to the principal components of the 4x4 patches of images (B,3,H,W)."""
        patches = F.pixel_unshuffle(images.cpu(), PATCH).movedim(1, -1).flatten(0, -2).double()
        mean = patches.mean(0)
        variances, components = torch.linalg.eigh(torch.cov((patches - mean).T))
        count = self.latent_channels
        deviations = variances.flip(0)[:count].clamp_min(1e-8).sqrt()
        components = components.flip(1)[:, :count]
        encoder, decoder = components / deviations, components * deviations
        self.linear_encoder.load_state_dict({"weight": encoder.T[..., None, None], "bias": -(mean @ encoder)})
        self.linear_decoder.load_state_dict({"weight": decoder[..., None, None], "bias": mean})

    @torch.no_grad()
    def calibrate(self, batches: Any) -> None:
        """Sets the latents' mean and variance to those of all images (B,3,H,W) of the batches together."""
        self.norm.reset_running_stats()
        self.norm.momentum = None  # the mean of all batches
        self.norm.train()
        for images in batches:
            self.encode(images)
        self.norm.eval()

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B,3,H,W) in [-1,1] -> latent (B,C,H/4,W/4)."""
        linear = self.linear_encoder(F.pixel_unshuffle(image, PATCH))
        return self.norm(linear + self.encoder(image))

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent (B,C,h,w) -> image (B,3,4h,4w), about [-1,1]."""
        return F.pixel_shuffle(self.linear_decoder(latent), PATCH) + self.decoder(latent)

    def cell_weights(self, weight: torch.Tensor) -> torch.Tensor:
        """Weight of pixels (B,1,H,W) -> (B,1,h,w): the mean over each cell."""
        return F.avg_pool2d(weight, PATCH)

    def forward(self, image: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """The image after encoding, adding noise (B,C,h,w) to the latent, and decoding."""
        latent = self.encode(image)
        return self.decode(latent if noise is None else latent + noise)


class _Residual(nn.Module):
    """x + conv(silu(conv(silu(x)))), at first x itself; (B,C,H,W) -> (B,C,H,W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = _zero(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden + self.second(F.silu(self.first(F.silu(hidden))))


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer
