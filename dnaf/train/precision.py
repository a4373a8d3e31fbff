"""Mixed precision: float32 weights that are trained, products in half the bits.

Not accelerate's own, which leaves float16 out on the CPU, where the tests run it.
"""

import math
from contextlib import AbstractContextManager
from typing import Any

import torch

from dnaf.core import config

_DTYPES = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Autocast, and for float16, whose small gradients vanish, a scaled loss.

    Attributes:
        dtype: of products, and of modules that are not trained.
        scaler: of the loss; does nothing unless the dtype is float16.
    """

    def __init__(self, mode: config.MixedPrecision, device: torch.device) -> None:
        self.dtype = _DTYPES[mode]
        self.scaler = torch.amp.GradScaler(device.type, enabled=mode == "fp16")
        self._device_type = device.type

    def autocast(self) -> AbstractContextManager[Any]:
        """Products in `dtype` within the block."""
        return torch.autocast(self._device_type, self.dtype, enabled=self.dtype != torch.float32)

    def has_failed(self, norm: float) -> bool:
        """Whether a gradient norm that is not finite is more than a loss scale tried too high.

        The scaler leaves such a step out and halves the scale; at 1 there is nothing left to halve.
        """
        return not math.isfinite(norm) and self.scaler.get_scale() <= 1
