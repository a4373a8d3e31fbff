"""GFLA's script, from which most others descend."""

from dnaf.evaluate.protocols.protocol import Protocol, View

_VIEW = View(real=(("pil-bicubic", (256, 256)),), generated=(("pil-bicubic", (256, 256)),))

PROTOCOL = Protocol(
    name="gfla",
    title="Global-Flow-Local-Attention's script: 256x256 pixels, stretched",
    source="GFLA@3afa8fe:script/metrics.py",
    pixels=_VIEW,
    networks=_VIEW,
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
