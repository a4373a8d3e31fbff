"""Features of DINOv2, in which the Frechet distance follows people's judgement better than in Inception's."""

from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dnaf.evaluate.networks.weights import channels, initialise
from dnaf.weights.registry import WEIGHTS

_SIZE = (224, 224)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of channels in [0, 1]


class Dino(nn.Module):
    """A vision transformer of timm up to its class token. Only with weights: random, it would tell nothing.

    Attributes:
        num_features: length of a feature vector, 1024 for the default.
        is_random: never.
        provenance: sha256 of the weights.

    Source: Stein et al. 2023 (arXiv 2306.04675); dgm-eval@d57a6d2:dgm_eval/models/dinov2.py with its
        `clean_resize`. timm resamples the position embedding with antialiasing, their network without.
    """

    mean: Tensor
    deviation: Tensor
    is_random = False

    def __init__(self, weights: Path, architecture: str = "vit_large_patch14_dinov2") -> None:
        """Builds the network.

        Raises:
            DataError: the weights file is missing or has other tensors than the network.
        """
        super().__init__()
        with torch.device("meta"):
            # Dynamic: so built for the image size of the file, whose position embedding then fits.
            network = timm.create_model(architecture, pretrained=False, num_classes=0, dynamic_img_size=True)
        self.provenance = initialise(network, WEIGHTS["dinov2"], weights)
        self.num_features: int = network.num_features
        self.network = network.eval().requires_grad_(False)
        self.register_buffer("mean", channels(_MEAN), persistent=False)
        self.register_buffer("deviation", channels(_DEVIATION), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, D) of float images (B, 3, H, W) in [0, 1]."""
        resized = functional.interpolate(images, _SIZE, mode="bicubic", antialias=True).clamp(0, 1)
        features: Tensor = self.network((resized - self.mean) / self.deviation)
        return features

    @torch.inference_mode()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (B, D) of uint8 RGB images (B, H, W, 3)."""
        pixels = torch.from_numpy(images).to(self.mean.device).permute(0, 3, 1, 2).float() / 255
        features: NDArray[np.float32] = self(pixels).cpu().numpy()
        return features
