"""Features of the Inception network behind FID."""

from pathlib import Path

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from pytorch_fid import inception as blocks
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d

from dnaf.evaluate.networks import initialise
from dnaf.evaluate.protocol import Protocol

NUM_FEATURES = 2048
_SIZE = (299, 299)


def build_network() -> nn.Module:
    """The network as the weights file has it, last layer included.

    Source: pytorch-fid@b9c1811:src/pytorch_fid/inception.py:193-221.
    """
    with torch.random.fork_rng(devices=[]):  # torch's own initialisation draws from the global generator
        network = torchvision.models.inception_v3(
            num_classes=1008, aux_logits=False, weights=None, init_weights=False
        )
        network.Mixed_5b = blocks.FIDInceptionA(192, pool_features=32)
        network.Mixed_5c = blocks.FIDInceptionA(256, pool_features=64)
        network.Mixed_5d = blocks.FIDInceptionA(288, pool_features=64)
        network.Mixed_6b = blocks.FIDInceptionC(768, channels_7x7=128)
        network.Mixed_6c = blocks.FIDInceptionC(768, channels_7x7=160)
        network.Mixed_6d = blocks.FIDInceptionC(768, channels_7x7=160)
        network.Mixed_6e = blocks.FIDInceptionC(768, channels_7x7=192)
        network.Mixed_7b = blocks.FIDInceptionE_1(1280)
        network.Mixed_7c = blocks.FIDInceptionE_2(2048)
    return network


class Inception(nn.Module):
    """The TF-ported Inception-v3 of pytorch-fid, whose own class downloads its weights at construction.

    Attributes:
        metric: `fid`, or `fid_random` with random weights.
        provenance: sha256 of the weights, or `random, seed N`.

    Source: pytorch-fid@b9c1811:src/pytorch_fid/inception.py:128-163.
    """

    def __init__(self, protocol: Protocol, weights: Path | None) -> None:
        """Builds the network.

        Raises:
            DataError: the weights file is missing or another one.
        """
        super().__init__()
        network = build_network()
        self.metric = "fid" if weights else "fid_random"
        self.provenance = initialise(
            network, weights, protocol.inception_digest, protocol.random_weights_seed
        )
        network.fc = nn.Identity()
        self.network = _fold_batch_norm(network.eval().requires_grad_(False))

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 2048) of float images (B, 3, H, W) in [0, 1]."""
        resized = functional.interpolate(images, _SIZE, mode="bilinear", align_corners=False)
        features: Tensor = self.network(2 * resized - 1)
        return features

    @torch.inference_mode()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (B, 2048) of uint8 RGB images (B, H, W, 3)."""
        device = next(self.network.parameters()).device
        pixels = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255
        features: NDArray[np.float32] = self(pixels).cpu().numpy()
        return features


def _fold_batch_norm(network: nn.Module) -> nn.Module:
    """Puts each batch norm into its convolution: two thirds of the time on a CPU, features equal to 1e-6."""
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()
    return network
