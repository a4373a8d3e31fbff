"""Images as tensors, and back."""

from collections.abc import Iterable

import numpy as np
import torch

from dnaf.core.images import Pixels


def to_image_tensor(pixels: Pixels) -> torch.Tensor:
    """uint8 RGB (H,W,3) -> float32 (3,H,W) in [-1,1]."""
    return _to_tensor(pixels).div_(127.5).sub_(1)


def to_pose_tensor(pose_map: Pixels) -> torch.Tensor:
    """uint8 (H,W,C) -> float32 (C,H,W) in [0,1]."""
    return _to_tensor(pose_map).div_(255)


def to_pixels(image: torch.Tensor) -> Pixels:
    """float (3,H,W) in [0,1] -> uint8 RGB (H,W,3), rounded."""
    scaled = image.float().clamp(0, 1) * 255
    return scaled.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def to_batch(images: Iterable[Pixels]) -> torch.Tensor:
    """B images, as an autoencoder takes them: uint8 RGB (H,W,3) each -> float32 (B,3,H,W) in [-1,1]."""
    return torch.stack([to_image_tensor(image) for image in images])


def from_batch(decoded: torch.Tensor) -> list[Pixels]:
    """The inverse of `to_batch`: float (B,3,H,W), about [-1,1] -> B images uint8 RGB (H,W,3), rounded."""
    return [to_pixels(image / 2 + 0.5) for image in decoded]


def _to_tensor(pixels: Pixels) -> torch.Tensor:
    # A copy, as torch takes neither read-only memory nor mirrored images.
    return torch.from_numpy(np.array(pixels, order="C")).permute(2, 0, 1).float()
