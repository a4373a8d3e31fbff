"""LPIPS as a metric: which of its networks a protocol has. `networks/lpips.py` computes it."""

from functools import partial
from typing import Literal

from dnaf.core.config import WeightFiles
from dnaf.evaluate.metrics.metric import Column, NetworkMetric, PairNetwork
from dnaf.evaluate.protocols.protocol import Protocol


def _build(
    net: Literal["alex", "vgg", "squeeze"], weights: str, protocol: Protocol, files: WeightFiles
) -> PairNetwork | None:
    if net not in protocol.lpips_nets:
        return None
    from dnaf.evaluate.networks.lpips import Lpips  # imports torch, which the tables do without

    return Lpips(net, protocol.lpips_scaled, files[weights])


_ALEX = Column(
    key="lpips",
    name="LPIPS",
    spec=".4f",
    better="lower",
    about="LPIPS v0.1 with AlexNet",
    weights=("alexnet",),
    can_be_random=True,
    last_batch="lpips_batch",
    is_main=True,
    is_published=True,
)
_ALEX_MASKED = Column(
    key="lpips_masked",
    name="LPIPS",
    spec=".4f",
    better="lower",
    about="the same without the background, by a mask around the target's skeleton; Market-1501 only",
    details=("masked",),
    weights=("alexnet",),
    can_be_random=True,
    last_batch="lpips_masked_batch",
)
_VGG = Column(
    key="lpips_vgg",
    name="LPIPS",
    spec=".4f",
    better="lower",
    about="LPIPS v0.1 with VGG-16",
    details=("VGG",),
    weights=("vgg16",),
    can_be_random=True,
    last_batch="lpips_batch",
)
_SQUEEZE = Column(
    key="lpips_squeeze",
    name="LPIPS",
    spec=".4f",
    better="lower",
    about="LPIPS v0.1 with SqueezeNet",
    details=("SqueezeNet",),
    weights=("squeezenet1_1",),
    can_be_random=True,
    last_batch="lpips_batch",
)
LPIPS = NetworkMetric((_ALEX, _ALEX_MASKED), partial(_build, "alex", "alexnet"))
LPIPS_VGG = NetworkMetric((_VGG,), partial(_build, "vgg", "vgg16"))
LPIPS_SQUEEZE = NetworkMetric((_SQUEEZE,), partial(_build, "squeeze", "squeezenet1_1"))
