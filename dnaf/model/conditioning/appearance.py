"""Appearance block: the trainable layer between conv block and transformer block (figure, panel c)."""

import torch
import torch.nn.functional as F
from torch import nn

from dnaf.model.conditioning.attention import merge_heads, split_heads


class AppearanceBlock(nn.Module):
    """LayerNorm, cross-attention from UNet tokens to style tokens, feed-forward, zero-initialised projection.

    Args:
        dim: channels of the UNet tokens and of the style tokens.
        num_heads: heads of the cross-attention.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(dim)
        self.norm_style = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(dim, dim, bias=False)
        self.to_v = nn.Linear(dim, dim, bias=False)
        self.to_out = nn.Linear(dim, dim)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )
        self.projection = nn.Linear(dim, dim)
        nn.init.zeros_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def keys_values(self, style: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Style features (S,dim,h,w) -> keys and values (S,heads,h·w,dim/heads), once per style image."""
        tokens = self.norm_style(style.flatten(2).transpose(1, 2))
        return split_heads(self.to_k(tokens), self.num_heads), split_heads(self.to_v(tokens), self.num_heads)

    def forward(
        self, hidden: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """UNet features (B,dim,H,W), keys and values (B,heads,M,d) -> residual (B,dim,H,W) to be added.

        Args:
            mask: (B,1,1,M), added to the attention's scores.
        """
        tokens = hidden.flatten(2).transpose(1, 2)  # (B,H·W,dim)
        query = split_heads(self.to_q(self.norm(tokens)), self.num_heads)
        update = self.to_out(merge_heads(F.scaled_dot_product_attention(query, keys, values, mask)))
        update = update + self.feed_forward(tokens + update)
        return self.projection(update).transpose(1, 2).reshape_as(hidden)
