"""PCDMs' script at 512x352."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.pcdms import PROTOCOL as PCDMS
from dnaf.evaluate.protocols.field.pcdms import squares

PROTOCOL = replace(
    PCDMS,
    name="pcdms512",
    title="Progressive Conditional Diffusion Models' script at 512x352, from squares of 512 pixels",
    source="PCDMs@b3a46fb:metrics.py, caculate_metrics_512.py; filter of the squares: PIDM issue 37",
    pixels=squares(512, (512, 352)),
    networks=squares(512, (512, 352)),
)
