"""PoCoLD's script: GFLA's, at the data set's size."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.gfla import PROTOCOL as GFLA
from dnaf.evaluate.protocols.protocol import PILLOW

PROTOCOL = replace(
    GFLA,
    name="pocold",
    title="PoCoLD's script: Global-Flow-Local-Attention's at the data set's size",
    source="PoCoLD@c5c7bb7:metrics.py, eval.sh (it resizes nothing; how its folders were made is not stated)",
    pixels=PILLOW,
    networks=PILLOW,
)
