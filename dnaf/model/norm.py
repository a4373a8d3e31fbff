"""Group norm that keeps float32 under autocast on every device."""

import torch
from torch import nn


class Float32GroupNorm(nn.GroupNorm):
    """Group norm in float32 whatever the autocast: CUDA's does so, CPU's does not and is slower for it."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return super().forward(hidden.float()).to(hidden.dtype)


def use_float32_group_norms(module: nn.Module) -> None:
    """Changes all group norms of a float32 module, in place; weights and their names stay."""
    for part in module.modules():
        if type(part) is nn.GroupNorm:
            part.__class__ = Float32GroupNorm
