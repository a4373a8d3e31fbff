"""Result files as the field's repositories publish them, made of any images."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from dnaf.core import images
from dnaf.core.images import Pixels
from dnaf.data.pairs.pairs import Pair

Image = Callable[[Pair], Pixels]


def strip(panels: list[Pixels]) -> Pixels:
    """Images side by side."""
    return np.concatenate(panels, axis=1)


def encode(image: Pixels, name: str) -> bytes:
    """A PNG or JPEG, as the name says."""
    return images.encode_png(image) if name.endswith(".png") else images.encode_jpeg(image, quality=95)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """An ordinary, compressed zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes an ordinary, compressed zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zip_of(files))


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files below a folder."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def pad(image: Pixels, margin: int) -> Pixels:
    """White at both sides."""
    return np.pad(image, ((0, 0), (margin, margin), (0, 0)), constant_values=255)
