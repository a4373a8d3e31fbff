"""Leffa's evaluation, VtonEval: FID and KID against the test pairs' ground truths, SSIM of torchmetrics."""

from dnaf.evaluate.protocols.protocol import Protocol, View

_LANCZOS = View((("pil-lanczos", None),), (("pil-lanczos", None),))

PROTOCOL = Protocol(
    name="leffa",
    title="Leffa's: pytorch-fid's network against the test pairs' ground truths, torchmetrics' SSIM",
    source="VtonEval@a4fdbef, Leffa@7848bed",
    pixels=_LANCZOS,
    networks=_LANCZOS,
    ssim_uniform=False,
    ssim_sigma=1.5,
    ssim_range="255",
    lpips_nets=("squeeze",),
    lpips_scaled=True,
    fid_network="fid",
    fid_real="ground truths",
    fid_batch=None,
    lpips_batch=None,
    lpips_masked_batch=None,
    ssim_reflected=True,
)
