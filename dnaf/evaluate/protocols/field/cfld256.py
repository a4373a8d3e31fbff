"""CFLD's test at 256x176, whatever the data set's size."""

from dataclasses import replace

from dnaf.core.images import Size
from dnaf.evaluate.protocols.field.cfld import PROTOCOL as CFLD
from dnaf.evaluate.protocols.protocol import CROPPED, View


def sized(size: Size) -> View:
    return View((("pil-bicubic", size),), (("torch-bicubic", size),))


PROTOCOL = replace(
    CFLD,
    name="cfld256",
    title="Coarse-to-Fine Latent Diffusion's test at 256x176, whatever the data set's size",
    pixels=sized(CROPPED),
    networks=sized(CROPPED),
)
