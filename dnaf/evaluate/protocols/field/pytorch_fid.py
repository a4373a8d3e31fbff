"""What other fields publish."""

from dnaf.evaluate.protocols.protocol import PILLOW, Protocol

PROTOCOL = Protocol(
    name="pytorch_fid",
    title="What other fields publish: pytorch-fid's network, SSIM over a range of 255, three LPIPS networks",
    source="pytorch-fid@b9c1811, LPIPS@082bb24, Wang et al. 2004",
    pixels=PILLOW,
    networks=PILLOW,
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
