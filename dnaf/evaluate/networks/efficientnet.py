"""Features of EfficientNet-Lite0, whose ImageNet weights come with this repository."""

from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from dnaf.core import files
from dnaf.core.errors import StateError

FOLDER = Path("base/efficientnet_lite0")  # in the folder `data`; written by `pretraining.style_encoder`

_MODEL_NAME = "tf_efficientnet_lite0"
_WEIGHTS = "diffusion_pytorch_model.safetensors"
_PREFIX = "backbone."  # of all tensors in the file, which a style encoder saved
_MAPS = (2, 3)  # of strides 8 and 16
_STAGES = 5  # up to the last of them; timm keeps those behind it too


class EfficientNet(nn.Module):
    """EfficientNet-Lite0 up to its map of stride 16, in float32.

    A feature vector holds the means over space of the maps of stride 8 and 16. Images keep their size, so
    only distances at one size can be compared.

    Attributes:
        num_features: length of a feature vector, 40 + 112 channels.
        is_random: never.
        provenance: sha256 of the weights.
    """

    is_random = False

    def __init__(self, folder: Path) -> None:
        """Builds the network.

        Raises:
            StateError: the folder is incomplete, was changed, or holds other tensors.
        """
        super().__init__()
        files.require_complete(folder)
        network = timm.create_model(_MODEL_NAME, pretrained=False, features_only=True, out_indices=_MAPS)
        network.blocks = network.blocks[:_STAGES]
        path = folder / _WEIGHTS
        tensors = {name.removeprefix(_PREFIX): tensor for name, tensor in load_file(path).items()}
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise StateError(
                f"{path}: not the weights of {_MODEL_NAME} up to stride 16 "
                f"({' '.join(str(error).split())[:200]}). Restore it: `git checkout -- {folder}`."
            ) from error
        self.provenance = files.digest(path)
        self.num_features = sum(network.feature_info.channels())
        self.network = network.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 152) of float images (B, 3, H, W) in [-1, 1], as this network was trained."""
        return torch.cat([each.mean((2, 3)) for each in self.network(images)], dim=1)

    @torch.inference_mode()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (B, 152) of RGB levels (B, H, W, 3)."""
        device = next(self.network.parameters()).device
        pixels = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        features: NDArray[np.float32] = self(pixels).cpu().numpy()
        return features
