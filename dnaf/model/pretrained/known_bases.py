"""Base models that are known by the name of their folder: who published them, under which licence."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KnownBase:
    """A base model on huggingface.co.

    Attributes:
        repository: which it is cloned from.
        license: the identifier that huggingface.co has for it.
        license_name: as the model card names it.
    """

    repository: str
    license: str
    license_name: str


_OPENRAIL = ("creativeml-openrail-m", "CreativeML OpenRAIL-M")
_OPENRAIL_PP = ("openrail++", "CreativeML Open RAIL++-M")
# Folders' names as `git clone` gives them. Source: the model cards.
KNOWN_BASES = {
    "stable-diffusion-v1-4": KnownBase("CompVis/stable-diffusion-v1-4", *_OPENRAIL),
    "stable-diffusion-v1-5": KnownBase("stable-diffusion-v1-5/stable-diffusion-v1-5", *_OPENRAIL),
    "stable-diffusion-2-1-base": KnownBase("stabilityai/stable-diffusion-2-1-base", *_OPENRAIL_PP),
    "stable-diffusion-2-1": KnownBase("stabilityai/stable-diffusion-2-1", *_OPENRAIL_PP),
    "stable-diffusion-xl-base-1.0": KnownBase("stabilityai/stable-diffusion-xl-base-1.0", *_OPENRAIL_PP),
}

_DEMO = ("data", "base", "people")


def is_of_the_demo(folder: str) -> bool:
    """Whether a base model's folder is that of the bundled one, which was trained on drawn people."""
    return Path(folder).resolve().parts[-3:] == _DEMO
