"""CFLD's and MCLD's test, the default: nothing is left out."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.gfla import PROTOCOL as GFLA
from dnaf.evaluate.protocols.protocol import View

_NATIVE = View((("pil-bicubic", None),), (("torch-bicubic", None),))

PROTOCOL = replace(
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
