"""PCDMs' script at 256x176."""

from dataclasses import replace

from dnaf.core.images import Size
from dnaf.evaluate.protocols.field.gfla import PROTOCOL as GFLA
from dnaf.evaluate.protocols.protocol import CROPPED, View


def squares(side: int, size: Size) -> View:
    """Squares made beforehand (`test_lst_256_png`, by a filter that is not stated), then cubic ones."""
    return View((("pil-bicubic", (side, side)), ("cv2-cubic", size)), (("cv2-cubic", size),))


PROTOCOL = replace(
    GFLA,
    name="pcdms",
    title="Progressive Conditional Diffusion Models' script: resized without antialiasing, LPIPS unscaled",
    source="PCDMs@b3a46fb:metrics.py, caculate_metrics_256.py; filter of the squares: PIDM issue 37",
    pixels=squares(256, CROPPED),
    networks=squares(256, CROPPED),
    ssim_sigma=1.2,
    lpips_scaled=False,
    fid_batch=128,
)
