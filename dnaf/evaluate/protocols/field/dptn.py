"""DPTN's script: GFLA's, at 256x176; pixels are compared padded."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.gfla import PROTOCOL as GFLA
from dnaf.evaluate.protocols.protocol import CROPPED, View

PROTOCOL = replace(
    GFLA,
    name="dptn",
    title="Dual-task Pose Transformer Network's script: pixels are compared padded with white",
    source="DPTN@59a7590:metrics/metrics.py, models/base_model.py:184",
    pixels=View((("pil-bicubic", CROPPED),), (("cv2-linear-uint8", CROPPED),), padded_to=256),
    networks=View((("pil-bicubic", CROPPED),), (("cv2-linear-uint8", CROPPED),)),
    lpips_batch=None,
)
