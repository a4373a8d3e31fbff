"""A lossless latent codec for models trained from scratch: no pretrained autoencoder is needed."""

from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

# ITU-R BT.601 luma, and the two colour differences.
_RGB_TO_YCC = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))


class LosslessCodec(ModelMixin, ConfigMixin):
    """Luma and amplified chroma, then pixel unshuffle: image (B,3,H,W) <-> latent (B,3u²,H/u,W/u).

    A loss on these latents weighs colour as much as brightness: the colour of garments and skin is what a
    small model is asked to carry over, and chroma is `chroma_gain` times smaller than luma in RGB images.

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

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """Image (B,3,H,W) in [-1,1] -> latent (B,3u²,H/u,W/u)."""
        return F.pixel_unshuffle(torch.einsum("ij,bjhw->bihw", self.to_ycc, image), self.unshuffle)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """The inverse of `encode`; values outside the gamut are left as they are."""
        return torch.einsum("ij,bjhw->bihw", self.to_rgb, F.pixel_shuffle(latent, self.unshuffle))

    def forward(self, image: torch.Tensor) -> Any:
        return self.decode(self.encode(image))
