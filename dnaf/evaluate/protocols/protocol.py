"""A protocol: a frozen description of everything that changes a number.

Published tables differ in size, resize filter, padding, SSIM window, FID network and real set, and are not
comparable for that; so each result carries its protocol. docs/protocols.md explains them.
"""

from dataclasses import dataclass
from typing import Literal

from dnaf.core.images import Size
from dnaf.evaluate.protocols.resample import Filter

LastBatch = Literal["fid_batch", "lpips_batch", "lpips_masked_batch"]
"""Keys of a protocol: the batch size of a script that drops the last, smaller batch of a metric."""

Resize = tuple[Filter, Size | None]
"""Filter and (height, width); None stands for the size of the data set in params.yaml."""


@dataclass(frozen=True)
class View:
    """How images are brought to the form in which they are compared."""

    real: tuple[Resize, ...]
    """Steps from the original to the ground truth, and to FID's real images."""
    generated: tuple[Resize, ...]
    """Steps from a method's image, whatever its size, to the compared one."""
    padded_to: int | None = None
    """Width in pixels to which white is added, half at each side; it makes every metric look better."""


@dataclass(frozen=True)
class Protocol:
    """How images are compared; two numbers are comparable only if all of these agree."""

    name: str
    title: str
    """Whose way it is, in one sentence."""
    source: str
    """Where it was read."""
    pixels: View
    """What SSIM, PSNR, L1 and MAE see."""
    networks: View | None
    """What FID and LPIPS see; None: the protocol has neither."""
    ssim_uniform: bool
    """Whether `ssim`, with a uniform window of 51 pixels and sample covariance, is part of it."""
    ssim_sigma: float
    """Of the gaussian window of `ssim_gaussian`, pixels; population covariance."""
    ssim_range: Literal["255", "of the generated image"]
    """Data range of `ssim_gaussian`: the field's scripts take the range of each generated image."""
    lpips_nets: tuple[Literal["alex", "vgg", "squeeze"], ...]
    lpips_scaled: bool
    """Whether LPIPS gets images in [-1, 1], as it is meant to, or in [0, 1]."""
    fid_network: Literal["imagenet", "fid"] | None
    """Inception-v3 as torchvision has it (what this field publishes) or as pytorch-fid ported it."""
    fid_real: Literal["training images", "ground truths"]
    """FID's real images: all of the training list, or the targets of the test pairs, each once."""
    fid_batch: int | None
    """Batch size of a script that drops the last, smaller batch of real and of generated images."""
    lpips_batch: int | None
    """The same for LPIPS."""
    lpips_masked_batch: int | None
    """The same for LPIPS without the background, which Market-1501 has."""
    ssim_reflected: bool = False
    """Whether `ssim_reflected`, torchmetrics' SSIM, is part of it."""

    def batch(self, key: LastBatch | None) -> int | None:
        """The batch size of that key; None if no batch is dropped."""
        size: int | None = getattr(self, key) if key else None
        return size


CROPPED = (256, 176)
"""(height, width) of DeepFashion's images as most scripts compare them."""
PILLOW = View((("pil-bicubic", None),), (("pil-bicubic", None),))
"""The data set's size, by Pillow on both sides."""
