"""Attention heads: one row of channels cut into several, and put together again."""

import torch


def split_heads(tokens: torch.Tensor, num_heads: int) -> torch.Tensor:
    """(B,N,heads·d) -> (B,heads,N,d)."""
    return tokens.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def merge_heads(tokens: torch.Tensor) -> torch.Tensor:
    """(B,heads,N,d) -> (B,N,heads·d)."""
    return tokens.transpose(1, 2).flatten(2)
