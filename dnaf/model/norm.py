"""Group norm that keeps float32 under autocast on every device."""

import torch
import torch.nn.functional as F
from torch import nn


class Float32GroupNorm(nn.GroupNorm):
    """Group norm in float32 whatever the autocast: CUDA's does so, CPU's does not and is slower for it."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        weight, bias = self.weight.float(), self.bias.float()  # themselves, unless sampling rounded them
        return F.group_norm(hidden.float(), self.num_groups, weight, bias, self.eps).to(hidden.dtype)


def use_float32_group_norms(module: nn.Module) -> None:
    """Changes all group norms of a float32 module, in place; weights and their names stay."""
    for layer in module.modules():
        if type(layer) is nn.GroupNorm:
            layer.__class__ = Float32GroupNorm
