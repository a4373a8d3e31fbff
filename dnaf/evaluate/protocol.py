"""A protocol: a frozen description of everything that changes a number.

Published tables differ in size, padding, SSIM window, FID network and real set, and are not comparable for
that; so each result carries its protocol.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Protocol:
    """How images are compared; two numbers are comparable only if all of these agree."""

    name: str
    size: Literal["native"]
    """`native`: the size the data set was prepared in, (height, width) of `datasets.<name>`."""
    resize: Literal["none"]
    """Generated images and ground truth are compared as stored; another size is an error."""
    padding: Literal["none"]
    file_type: Literal["png"]
    drop_last: Literal[False]
    """Every pair counts, whatever the batch size (peers drop up to 58 of 8,570)."""
    ssim_window: Literal[51]
    """Side of the uniform window of `ssim`, pixels; left out for smaller images. Sample covariance."""
    ssim_sigma: float
    """Sigma of the window of `ssim_gaussian`, pixels. Population covariance. Both with range 255."""
    psnr_range: Literal[255]
    psnr_max: float
    """Decibels; what equal images, whose PSNR is infinite, add to the mean."""
    l1_range: Literal[255]
    lpips_net: Literal["alex"]
    lpips_version: Literal["0.1"]
    lpips_input: Literal["[-1, 1]"]
    alexnet_digest: str
    """First 8 hex digits of the sha256 of the weights that the name `lpips` stands for."""
    fid_network: Literal["pytorch-fid"]
    """The TF-ported Inception-v3 of pytorch-fid, not torchvision's, which this field's papers use."""
    fid_input: Literal["bilinear to 299x299, [-1, 1]"]
    fid_real: Literal["distinct ground-truth images of the test pairs"]
    inception_digest: str
    """First 8 hex digits of the sha256 of the weights that the name `fid` stands for."""
    random_weights_seed: int
    """Seed of the weights behind `fid_random` and `lpips_random`; not the root seed, so that runs with
    different root seeds stay comparable."""
    interval: Literal["95 % bootstrap over outfits"]


NATIVE = Protocol(
    name="native",
    size="native",
    resize="none",
    padding="none",
    file_type="png",
    drop_last=False,
    ssim_window=51,
    ssim_sigma=1.5,
    psnr_range=255,
    psnr_max=100.0,
    l1_range=255,
    lpips_net="alex",
    lpips_version="0.1",
    lpips_input="[-1, 1]",
    alexnet_digest="7be5be79",  # torchvision's alexnet-owt-7be5be79.pth
    fid_network="pytorch-fid",
    fid_input="bilinear to 299x299, [-1, 1]",
    fid_real="distinct ground-truth images of the test pairs",
    inception_digest="6726825d",  # pytorch-fid's pt_inception-2015-12-05-6726825d.pth
    random_weights_seed=0,
    interval="95 % bootstrap over outfits",
)

PROTOCOLS = {protocol.name: protocol for protocol in (NATIVE,)}
