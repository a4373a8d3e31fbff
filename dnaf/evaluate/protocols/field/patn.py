"""PATN's and ADGAN's script: SSIM of padded images alone."""

from dnaf.evaluate.protocols.protocol import CROPPED, Protocol, View

PROTOCOL = Protocol(
    name="patn",
    title="Pose-Attentional Transfer's script (ADGAN's too): SSIM of images padded to squares with white",
    source="PATN@281ee2d:tool/getMetrics_fashion.py",
    pixels=View((("pil-bicubic", CROPPED),), (("pil-bicubic", CROPPED),), padded_to=256),
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
