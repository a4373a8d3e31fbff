"""What the page has generated so far, and its download: one zip of images, each with what it was made of."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dnaf.core import images
from dnaf.core.images import Pixels

MOST = 50  # images that the page keeps; the earliest are dropped


@dataclass(frozen=True)
class Made:
    """A generated image.

    Attributes:
        image: in the model's size.
        params: what it was made of, JSON-able.
    """

    image: Pixels
    params: dict[str, Any]


def to_zip(history: Sequence[Made]) -> bytes:
    """`001.png`, `001.json` and so on, earliest first."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, made in enumerate(history, 1):
            archive.writestr(f"{number:03d}.png", images.encode_png(made.image))
            archive.writestr(f"{number:03d}.json", json.dumps(made.params, indent=2) + "\n")
    return buffer.getvalue()
