"""Cached latents of the training images and of their mirror images, as stage `latents` writes them.

An image store of float16 arrays, `<stem>.npy` and `mirrored/<stem>.npy`. Of an autoencoder that only
rearranges pixels the store is empty: encoding such an image again is quicker than reading it.
"""

import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dnaf.core.errors import StateError
from dnaf.data.store import ImageStore


class Latents:
    """Reads cached latents.

    Args:
        origin: what they must have been made from, see `write_latents`.

    Attributes:
        cached: False if latents are to be computed instead.

    Raises:
        StateError: incomplete, or made from something else.
    """

    def __init__(self, path: Path, origin: dict[str, str]) -> None:
        self._store = ImageStore(path)
        for what, expected in origin.items():
            found = self._store.info.get(what)
            if found != expected:
                raise StateError(
                    f"{path}: latents of another {what} (found {found}, expected {expected}). "
                    "Run the stage latents again."
                )
        self.cached = bool(self._store.info["cached"])

    def latent(self, stem: str, mirror: bool) -> torch.Tensor:
        """Latent (C,h,w) float32 of an image or of its mirror image."""
        return torch.from_numpy(from_bytes(self._store.read(member(stem, mirror))).astype(np.float32))


def member(stem: str, mirror: bool) -> str:
    """The name of a latent in the store."""
    return f"mirrored/{stem}.npy" if mirror else f"{stem}.npy"


def to_bytes(latent: torch.Tensor) -> bytes:
    """A latent as float16 in NumPy's file format."""
    buffer = io.BytesIO()
    np.save(buffer, latent.cpu().numpy().astype(np.float16))
    return buffer.getvalue()


def from_bytes(data: bytes) -> NDArray[np.float16]:
    """The inverse of `to_bytes`."""
    array: NDArray[np.float16] = np.load(io.BytesIO(data), allow_pickle=False)
    return array
