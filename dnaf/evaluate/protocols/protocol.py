"""A protocol: a frozen description of everything that changes a number.

Published tables differ in size, resize filter, padding, SSIM window, FID network and real set, and are not
comparable for that; so each result carries its protocol. docs/protocols.md explains them.
"""

from dataclasses import dataclass, replace
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

    def batch(self, key: LastBatch | None) -> int | None:
        """The batch size of that key; None if no batch is dropped."""
        size: int | None = getattr(self, key) if key else None
        return size


_FIELD_256 = View(real=(("pil-bicubic", (256, 256)),), generated=(("pil-bicubic", (256, 256)),))
_CROPPED = (256, 176)

GFLA = Protocol(
    name="gfla",
    title="Global-Flow-Local-Attention's script: 256x256 pixels, stretched",
    source="GFLA@3afa8fe:script/metrics.py",
    pixels=_FIELD_256,
    networks=_FIELD_256,
    ssim_uniform=True,
    ssim_sigma=1.5,
    ssim_range="of the generated image",
    lpips_nets=("alex",),
    lpips_scaled=True,
    fid_network="imagenet",
    fid_real="training images",
    fid_batch=64,
    lpips_batch=64,
    lpips_masked_batch=64,
)

_PILLOW = View((("pil-bicubic", None),), (("pil-bicubic", None),))

POCOLD = replace(
    GFLA,
    name="pocold",
    title="PoCoLD's script: Global-Flow-Local-Attention's at the data set's size",
    source="PoCoLD@c5c7bb7:metrics.py, eval.sh (it resizes nothing; how its folders were made is not stated)",
    pixels=_PILLOW,
    networks=_PILLOW,
)

PATN = Protocol(
    name="patn",
    title="Pose-Attentional Transfer's script (ADGAN's too): SSIM of images padded to squares with white",
    source="PATN@281ee2d:tool/getMetrics_fashion.py",
    pixels=View((("pil-bicubic", _CROPPED),), (("pil-bicubic", _CROPPED),), padded_to=256),
    networks=None,
    ssim_uniform=False,
    ssim_sigma=1.5,
    ssim_range="of the generated image",
    lpips_nets=(),
    lpips_scaled=True,
    fid_network=None,
    fid_real="training images",
    fid_batch=None,
    lpips_batch=None,
    lpips_masked_batch=None,
)

DPTN = replace(
    GFLA,
    name="dptn",
    title="Dual-task Pose Transformer Network's script: pixels are compared padded with white",
    source="DPTN@59a7590:metrics/metrics.py, models/base_model.py:184",
    pixels=View((("pil-bicubic", _CROPPED),), (("cv2-linear-uint8", _CROPPED),), padded_to=256),
    networks=View((("pil-bicubic", _CROPPED),), (("cv2-linear-uint8", _CROPPED),)),
    lpips_batch=None,
)

PIDM = replace(
    GFLA,
    name="pidm",
    title="Person Image Diffusion Model's script: SSIM at 256x256, FID and LPIPS resized again to 256x176",
    source="PIDM@e4f1d88:utils/metrics.py",
    pixels=View((("pil-bicubic", (256, 256)),), (("cv2-linear", (256, 256)),)),
    networks=View(
        (("pil-bicubic", (256, 256)), ("cv2-linear", _CROPPED)),
        (("cv2-linear", _CROPPED),),
    ),
    ssim_sigma=1.2,
)


def _pcdms_view(side: int, size: Size) -> View:
    """Squares made beforehand (`test_lst_256_png`, by a filter that is not stated), then cubic ones."""
    return View((("pil-bicubic", (side, side)), ("cv2-cubic", size)), (("cv2-cubic", size),))


PCDMS = replace(
    GFLA,
    name="pcdms",
    title="Progressive Conditional Diffusion Models' script: resized without antialiasing, LPIPS unscaled",
    source="PCDMs@b3a46fb:metrics.py, caculate_metrics_256.py; filter of the squares: PIDM issue 37",
    pixels=_pcdms_view(256, _CROPPED),
    networks=_pcdms_view(256, _CROPPED),
    ssim_sigma=1.2,
    lpips_scaled=False,
    fid_batch=128,
)

PCDMS_512 = replace(
    PCDMS,
    name="pcdms512",
    title="Progressive Conditional Diffusion Models' script at 512x352, from squares of 512 pixels",
    source="PCDMs@b3a46fb:metrics.py, caculate_metrics_512.py; filter of the squares: PIDM issue 37",
    pixels=_pcdms_view(512, (512, 352)),
    networks=_pcdms_view(512, (512, 352)),
)

_NATIVE = View((("pil-bicubic", None),), (("torch-bicubic", None),))

CFLD = replace(
    GFLA,
    name="cfld",
    title="Coarse-to-Fine Latent Diffusion's test: the data set's size, no image dropped",
    source="CFLD@f2ea2a7:models/metrics.py, pose_transfer_test.py:119-122",
    pixels=_NATIVE,
    networks=_NATIVE,
    fid_batch=None,
    lpips_batch=None,
    lpips_masked_batch=None,
)


def _cfld_view(size: Size) -> View:
    return View((("pil-bicubic", size),), (("torch-bicubic", size),))


CFLD_256 = replace(
    CFLD,
    name="cfld256",
    title="Coarse-to-Fine Latent Diffusion's test at 256x176, whatever the data set's size",
    pixels=_cfld_view(_CROPPED),
    networks=_cfld_view(_CROPPED),
)

CFLD_512 = replace(
    CFLD,
    name="cfld512",
    title="Coarse-to-Fine Latent Diffusion's test at 512x352, whatever the data set's size",
    pixels=_cfld_view((512, 352)),
    networks=_cfld_view((512, 352)),
)

FPDM = replace(
    GFLA,
    name="fpdm",
    title="Fusion Embedding's script: the data set's size, FID against the ground truths of the test pairs",
    source="FPDM@24b8f4f:C2.eval.caculate_metrics.py, src/metrics/metrics.py",
    pixels=_PILLOW,
    networks=_PILLOW,
    fid_real="ground truths",
    fid_batch=None,
    lpips_batch=10,
)

PYTORCH_FID = Protocol(
    name="pytorch_fid",
    title="What other fields publish: pytorch-fid's network, SSIM over a range of 255, three LPIPS networks",
    source="pytorch-fid@b9c1811, LPIPS@082bb24, Wang et al. 2004",
    pixels=_PILLOW,
    networks=_PILLOW,
    ssim_uniform=False,
    ssim_sigma=1.5,
    ssim_range="255",
    lpips_nets=("alex", "vgg", "squeeze"),
    lpips_scaled=True,
    fid_network="fid",
    fid_real="training images",
    fid_batch=None,
    lpips_batch=None,
    lpips_masked_batch=None,
)

PROTOCOLS = {
    p.name: p
    for p in (GFLA, POCOLD, PATN, DPTN, PIDM, PCDMS, PCDMS_512, CFLD, CFLD_256, CFLD_512, FPDM, PYTORCH_FID)
}


def protocol_for(name: str, format_name: str) -> Protocol:
    """The protocol as it is used on data sets of a format.

    Market-1501's images are compared in their own 128x64 pixels by every script, and never padded.

    Source: GFLA@3afa8fe:README.md (`test_12864`), DPTN@59a7590:metrics/metrics.py:382-470.
    """
    protocol = PROTOCOLS[name]
    if format_name != "market1501":
        return protocol
    networks = None if protocol.networks is None else _unsized(protocol.networks)
    return replace(protocol, pixels=_unsized(protocol.pixels), networks=networks)


def _unsized(view: View) -> View:
    return View(
        tuple((how, None) for how, _ in view.real), tuple((how, None) for how, _ in view.generated), None
    )
