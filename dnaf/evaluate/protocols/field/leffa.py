"""Leffa's evaluation, VtonEval: FID and KID against the test pairs' ground truths, SSIM of torchmetrics."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.pytorch_fid import PROTOCOL as PYTORCH_FID
from dnaf.evaluate.protocols.protocol import View

_LANCZOS = View((("pil-lanczos", None),), (("pil-lanczos", None),))

PROTOCOL = replace(
    PYTORCH_FID,
    name="leffa",
    title="Leffa's: pytorch-fid's network against the test pairs' ground truths, torchmetrics' SSIM",
    source="VtonEval@a4fdbef, Leffa@7848bed",
    pixels=_LANCZOS,
    networks=_LANCZOS,
    ssim_reflected=True,
    lpips_nets=("squeeze",),
    fid_real="ground truths",
)
