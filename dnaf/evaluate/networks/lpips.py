"""LPIPS: distance of two images in the features of AlexNet, VGG-16 or SqueezeNet."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dnaf.evaluate.networks.weights import channels, initialise
from dnaf.weights.registry import WEIGHTS

Net = Literal["alex", "vgg", "squeeze"]

_TRUNKS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}

# Layers of torchvision's `features` whose outputs are compared.
# Source: LPIPS@082bb24:lpips/pretrained_networks.py (where its slices end).
_COMPARED = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29), "squeeze": (1, 4, 7, 9, 10, 11, 12)}

# Mean and deviation of ImageNet's channels in [-1, 1], and what keeps a zero feature from dividing by zero.
# Source: LPIPS@082bb24:lpips/lpips.py (ScalingLayer), lpips/__init__.py (normalize_tensor).
_MEAN, _DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-10


class Lpips(nn.Module):
    """The metric of the `lpips` package, v0.1, whose own class downloads its trunk at construction.

    Its linear layers are the calibrated ones that come with the package, also on a random trunk.

    Attributes:
        is_random: whether the trunk's weights are random.
        provenance: sha256 of the trunk's weights, or `random, seed N`.

    Source: LPIPS@082bb24:lpips/lpips.py:111-140.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, net: Net, scaled: bool, weights: Path | None) -> None:
        """Builds the network.

        Args:
            scaled: feed [-1, 1], which is LPIPS; False feeds [0, 1], as PCDMs@b3a46fb:metrics.py:484 does.

        Raises:
            DataError: the weights file is missing or another one.
        """
        super().__init__()
        with torch.device("meta"):
            trunk = getattr(torchvision.models, _TRUNKS[net])(weights=None)
        if weights is None:
            del trunk.classifier  # nine tenths of VGG's weights, and not used
        self.is_random = weights is None
        self.provenance = initialise(trunk, WEIGHTS[_TRUNKS[net]], weights)
        self._scaled = scaled
        self._compared = _COMPARED[net]
        self.layers = trunk.features[: self._compared[-1] + 1].eval().requires_grad_(False)
        self.register_buffer("mean", channels(_MEAN), persistent=False)
        self.register_buffer("deviation", channels(_DEVIATION), persistent=False)
        self.linear = nn.ParameterList(_linear_layers(net)).requires_grad_(False)

    def forward(self, real: Tensor, generated: Tensor, real_of: Tensor) -> Tensor:
        """Distances (B,) of float images (B, 3, H, W) from those of `real` (T, 3, H, W) that `real_of` names.

        Images have at least 31 pixels a side.
        """
        features = (torch.cat([real, generated]) - self.mean) / self.deviation
        distances = torch.zeros(len(generated), device=generated.device)
        linear = iter(self.linear)
        for number, layer in enumerate(self.layers):
            features = layer(features)
            if number in self._compared:
                norm = features.square().sum(1, keepdim=True).sqrt()
                first, second = (features / (norm + _EPSILON)).split([len(real), len(generated)])
                difference = (first[real_of] - second).square()
                distances += functional.conv2d(difference, next(linear)).mean((1, 2, 3))
        return distances

    @torch.inference_mode()
    def distances(
        self,
        real: NDArray[Any],
        generated: NDArray[Any],
        masks: NDArray[np.bool_] | None = None,
        real_of: NDArray[np.intp] | None = None,
    ) -> NDArray[np.float64]:
        """Distances (B,) of RGB levels (B, H, W, 3) from their ground truth, all in one pass.

        Args:
            real: (T, H, W, 3), each once, however many pairs it is the target of.
            masks: (T, H, W); both images are set to 0, which is grey, where it is False.
                Source: GFLA@3afa8fe:script/metrics.py:509-567 (Market-1501's mask-LPIPS).
            real_of: (B,), the index in `real` of each pair's target; None: real and generated are paired.
        """
        device = self.mean.device
        of = torch.arange(len(generated)) if real_of is None else torch.from_numpy(real_of)
        tensors = [self._input(images, device) for images in (real, generated)]
        if masks is not None:
            inside = torch.from_numpy(masks).unsqueeze(1).to(device)
            tensors = [tensors[0] * inside, tensors[1] * inside[of]]
        distances: Tensor = self(*tensors, of.to(device))
        return distances.cpu().double().numpy()

    def _input(self, images: NDArray[Any], device: torch.device) -> Tensor:
        levels = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()
        return levels / 127.5 - 1 if self._scaled else levels / 255


def _linear_layers(net: Net) -> list[Tensor]:
    """The weights (1, C, 1, 1) of each compared layer's channels, read without importing the package."""
    spec = find_spec("lpips")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "weights" / "v0.1" / f"{net}.pth"
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return [state[f"lin{number}.model.1.weight"] for number in range(len(_COMPARED[net]))]
