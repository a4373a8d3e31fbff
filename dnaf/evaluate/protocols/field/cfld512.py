"""CFLD's test at 512x352, whatever the data set's size."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.cfld import PROTOCOL as CFLD
from dnaf.evaluate.protocols.field.cfld256 import sized

PROTOCOL = replace(
    CFLD,
    name="cfld512",
    title="Coarse-to-Fine Latent Diffusion's test at 512x352, whatever the data set's size",
    pixels=sized((512, 352)),
    networks=sized((512, 352)),
)
