"""ST-LPIPS as a metric: a learned distance with trained weights that come with its package, `dnaf[st-lpips]`.

Shift-tolerant: a stripe that is a pixel off is no other texture (Ghildyal & Liu, ECCV 2022).
"""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from dnaf.core import commands
from dnaf.core.errors import ConfigError
from dnaf.evaluate.metrics.metric import Column, ComparedPair, PairMetric
from dnaf.evaluate.protocols.resample import Image

if find_spec("stlpips_pytorch") is None:
    raise ConfigError(
        "params.yaml: own.metrics: extensions.st_lpips:ST_LPIPS needs the package stlpips_pytorch, which is "
        f"not installed. Run `{commands.install('st-lpips')}`."
    )


@lru_cache(maxsize=1)
def _network() -> Any:
    from stlpips_pytorch import stlpips

    return stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False).requires_grad_(False)


def _tensor(image: Image) -> Any:
    """(1, 3, H, W) in [-1, 1] of levels (H, W, 3)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]


def measure(pair: ComparedPair) -> dict[str, float]:
    """The distance of a pair's images; 0 for equal ones."""
    return {"st_lpips": float(_network()(_tensor(pair.real), _tensor(pair.generated)))}


ST_LPIPS = PairMetric(
    (
        Column(
            key="st_lpips",
            name="ST-LPIPS",
            spec=".4f",
            better="lower",
            about="shift-tolerant LPIPS with AlexNet and the published weights (stlpips_pytorch 0.0.2)",
        ),
    ),
    measure,
)
