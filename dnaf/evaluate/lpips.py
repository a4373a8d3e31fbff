"""LPIPS: distance of two images in the features of AlexNet."""

import warnings
from pathlib import Path

import lpips
import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor, nn

from dnaf.evaluate.networks import initialise
from dnaf.evaluate.protocol import Protocol


class Lpips(nn.Module):
    """The `lpips` package's AlexNet metric, v0.1, whose own class downloads AlexNet at construction.

    Its linear layers are the calibrated ones that come with the package, also with a random AlexNet.

    Attributes:
        metric: `lpips`, or `lpips_random` with random weights.
        provenance: sha256 of AlexNet's weights, or `random, seed N`.

    Source: LPIPS@082bb24:lpips/lpips.py:111-140.
    """

    def __init__(self, protocol: Protocol, weights: Path | None) -> None:
        """Builds the network.

        Raises:
            DataError: the weights file is missing or another one.
        """
        super().__init__()
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # lpips calls torchvision with the argument `pretrained`, deprecated since 0.13.
            warnings.filterwarnings("ignore", module="torchvision")
            network = lpips.LPIPS(
                net=protocol.lpips_net, version=protocol.lpips_version, pnet_rand=True, verbose=False
            )
            alexnet = torchvision.models.alexnet(weights=None)
        self.metric = "lpips" if weights else "lpips_random"
        self.provenance = initialise(alexnet, weights, protocol.alexnet_digest, protocol.random_weights_seed)
        convolutions = alexnet.features.state_dict()
        # The package keeps torchvision's layer numbers below its slices: `slice2.3.weight` is `3.weight`.
        network.net.load_state_dict(
            {name: convolutions[name.partition(".")[2]] for name in network.net.state_dict()}
        )
        self.network = network.eval().requires_grad_(False)

    def forward(self, real: Tensor, generated: Tensor) -> Tensor:
        """Distances (B,) of float images (B, 3, H, W) in [-1, 1], at least 31 pixels high and wide."""
        both = self.network.scaling_layer(torch.cat([real, generated]))
        distances = torch.zeros(len(real), device=real.device)
        for features, linear in zip(self.network.net(both), self.network.lins, strict=True):
            features_real, features_generated = lpips.normalize_tensor(features).chunk(2)
            distances += linear((features_real - features_generated) ** 2).mean((1, 2, 3))
        return distances

    @torch.inference_mode()
    def distances(self, real: NDArray[np.uint8], generated: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Distances (B,) of uint8 RGB images (B, H, W, 3), ground truth and prediction in one pass."""
        device = next(self.network.parameters()).device
        pixels = torch.from_numpy(np.concatenate([real, generated])).to(device).permute(0, 3, 1, 2)
        distances: Tensor = self(*(pixels.float() / 127.5 - 1).chunk(2))
        return distances.double().cpu().numpy().astype(np.float64, copy=False)
