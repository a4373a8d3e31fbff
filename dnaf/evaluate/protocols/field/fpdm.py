"""FPDM's script: FID against the test pairs' ground truths."""

from dataclasses import replace

from dnaf.evaluate.protocols.field.gfla import PROTOCOL as GFLA
from dnaf.evaluate.protocols.protocol import PILLOW

PROTOCOL = replace(
    GFLA,
    name="fpdm",
    title="Fusion Embedding's script: the data set's size, FID against the ground truths of the test pairs",
    source="FPDM@24b8f4f:C2.eval.caculate_metrics.py, src/metrics/metrics.py",
    pixels=PILLOW,
    networks=PILLOW,
    fid_real="ground truths",
    fid_batch=None,
    lpips_batch=10,
)
