"""PIDM's script: two sizes, one after another."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.gfla import PROTOCOL as GFLA
from dnaf.evaluate.protocols.protocol import CROPPED, View

PROTOCOL = replace(
    GFLA,
    name="pidm",
    title="Person Image Diffusion Model's script: SSIM at 256x256, FID and LPIPS resized again to 256x176",
    source="PIDM@e4f1d88:utils/metrics.py",
    pixels=View((("pil-bicubic", (256, 256)),), (("cv2-linear", (256, 256)),)),
    networks=View(
        (("pil-bicubic", (256, 256)), ("cv2-linear", CROPPED)),
        (("cv2-linear", CROPPED),),
    ),
    ssim_sigma=1.2,
)
