"""Features of the two Inception networks behind FID."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from pytorch_fid import inception as blocks
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d

from dnaf.evaluate.networks.weights import channels, initialise
from dnaf.weights.registry import WEIGHTS

Family = Literal["imagenet", "fid"]

NUM_FEATURES = 2048
_SIZE = (299, 299)

# Factor and summand of each channel in [0, 1]. The first family's undoes a normalisation that was never done;
# pytorch-fid replaced it by 2x - 1 in 4e366b2, and this field's published numbers are all made with it.
# Source: GFLA@3afa8fe:script/inception.py:121-128, CFLD@f2ea2a7:models/metrics.py:89-95 (the same);
# pytorch-fid@b9c1811:src/pytorch_fid/inception.py:147-151.
_INPUT = {
    "imagenet": (
        (0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5),
        ((0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5),
    ),
    "fid": ((2.0, 2.0, 2.0), (-1.0, -1.0, -1.0)),
}


class Inception(nn.Module):
    """Inception-v3 up to its average pooling, with batch norm folded into the convolutions.

    `imagenet` is torchvision's with the input of GFLA, DPTN, PIDM, PCDMs and CFLD: this field's FID. `fid` is
    the TF-ported one of pytorch-fid. Their features have nothing in common.

    Attributes:
        is_random: whether the weights are random.
        provenance: sha256 of the weights, or `random, seed N`.
    """

    factor: Tensor
    summand: Tensor

    def __init__(self, family: Family, weights: Path | None) -> None:
        """Builds the network.

        Raises:
            DataError: the weights file is missing or another one.
        """
        super().__init__()
        network = build_network(family)
        self.is_random = weights is None
        self.provenance = initialise(network, WEIGHTS[f"inception_{family}"], weights)
        network.fc = nn.Identity()
        self.network = _fold_batch_norm(network.eval().requires_grad_(False))
        factor, summand = _INPUT[family]
        self.register_buffer("factor", channels(factor), persistent=False)
        self.register_buffer("summand", channels(summand), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 2048) of float images (B, 3, H, W) in [0, 1]."""
        resized = functional.interpolate(images, _SIZE, mode="bilinear", align_corners=False)
        features: Tensor = self.network(resized * self.factor + self.summand)
        return features

    @torch.inference_mode()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (B, 2048) of uint8 RGB images (B, H, W, 3)."""
        device = next(self.network.parameters()).device
        pixels = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255
        features: NDArray[np.float32] = self(pixels).cpu().numpy()
        return features


def build_network(family: Family) -> nn.Module:
    """The network as its weights file has it, last layer included, on the meta device.

    Source: `fid`: pytorch-fid@b9c1811:src/pytorch_fid/inception.py:193-221.
    """
    with torch.device("meta"):
        if family == "imagenet":
            # torchvision's transform_input is for images normalised its way; GFLA's class does not have it.
            return torchvision.models.inception_v3(
                weights=None, aux_logits=True, init_weights=False, transform_input=False
            )
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


def _fold_batch_norm(network: nn.Module) -> nn.Module:
    """Puts each batch norm into its convolution: two thirds of the time on a CPU, features equal to 1e-6."""
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()
    return network
