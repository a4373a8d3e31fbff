"""Noise-aware features: the style's K', V' beside the target's K, V in self-attention (figure, panel b).

Nothing of the UNet is forked or subclassed. What a call needs travels in `cross_attention_kwargs` as a
`StyleContext`; the attention processor and the hooks of the appearance blocks read it there.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention

from dnaf.model.conditioning.appearance import AppearanceBlock
from dnaf.model.conditioning.attention import merge_heads, split_heads

KeysValues = tuple[torch.Tensor, torch.Tensor]
Appearance = tuple[AppearanceBlock, torch.Tensor, torch.Tensor]  # a block, its keys and its values


@dataclass
class StyleContext:
    """What one UNet call knows of the style. Rows of the batch are [styles | unconditional | targets].

    Unconditional rows see no style at all: they cost no more than rows of the UNet alone.

    Attributes:
        num_styles: style rows at the front of the batch; 0 when their features come from `cache`.
        style_index: (T,K) for each target row the indices of its styles; -1 where it has fewer than K. (T,)
            is taken for (T,1).
        keep: (T,) bool, False for a target that must not see its style; None: all see it.
        appearance: the appearance blocks with keys and values, by the path of their transformer.
        style_tokens: whether the style rows see them too; a pass that is recorded is of style rows.
        share: whether targets attend to the style's K', V' (the noise-aware features).
        cache: inputs of each self-attention layer of an earlier style-only pass, by layer name.
        recording: this is that pass; it fills `cache`.
        num_unconditional: unconditional rows between styles and targets.
        prompt: keys and values (1,heads,tokens,d) of the fixed prompt, by the name of the cross-attention.
        fewer: whether some targets have fewer styles than others.
    """

    num_styles: int
    style_index: torch.Tensor
    keep: torch.Tensor | None = None
    appearance: dict[str, Appearance] = field(default_factory=dict)
    style_tokens: bool = True
    share: bool = True
    cache: dict[str, torch.Tensor] | None = None
    recording: bool = False
    num_unconditional: int = 0
    prompt: dict[str, KeysValues] = field(default_factory=dict)
    fewer: bool = False

    def __post_init__(self) -> None:
        if self.style_index.ndim == 1:
            self.style_index = self.style_index[:, None]

    def side_by_side(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (S,heads,M,d) of each style -> (T,heads,K·M,d), those of each target's styles."""
        num_targets, num_styles = self.style_index.shape
        picked = tokens.index_select(0, self.style_index.clamp(min=0).flatten())
        if num_styles == 1:
            return picked
        return picked.unflatten(0, (num_targets, num_styles)).transpose(1, 2).flatten(2, 3)

    def mask(self, num_own: int, num_tokens: int, dtype: torch.dtype) -> torch.Tensor | None:
        """(T,1,1,num_own+K·num_tokens) to add to scores: -inf for tokens of styles that are not there."""
        if not self.fewer:
            return None
        absent = (self.style_index < 0).repeat_interleave(num_tokens, 1)
        absent = torch.cat([absent.new_zeros(len(absent), num_own), absent], 1)
        return torch.zeros_like(absent, dtype=dtype).masked_fill(absent, -torch.inf)[:, None, None]


class NoiseAwareProcessor:
    """Attention processor for both attentions of a transformer block; only self-attention shares.

    A target that must not see its style gets its own keys and values twice: a softmax over duplicated
    tokens is exactly plain attention, and shapes stay the same for every row.

    Attributes:
        replaced: the processor that was there before, to be put back.
    """

    def __init__(self, name: str, is_self_attention: bool, replaced: Any) -> None:
        self.name = name
        self.is_self_attention = is_self_attention
        self.replaced = replaced

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
        style: StyleContext | None = None,
    ) -> torch.Tensor:
        """(B,N,C) -> (B,N,C); the signature diffusers calls processors with."""
        query = split_heads(attn.to_q(hidden_states), attn.heads)  # (B,heads,N,d), as keys and values
        if style is not None and self.name in style.prompt:
            # Every row has the same prompt, at every timestep.
            key, value = (each.expand(len(query), -1, -1, -1) for each in style.prompt[self.name])
        else:
            context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
            key, value = keys_values(attn, context)
        if self.is_self_attention and style is not None and style.recording:
            assert style.cache is not None
            style.cache[self.name] = hidden_states.detach()
        if not self.is_self_attention or style is None or style.recording or not style.share:
            attended = F.scaled_dot_product_attention(query, key, value, attention_mask)
        else:
            attended = self._shared(attn, query, key, value, style)
        return attn.to_out[1](attn.to_out[0](merge_heads(attended)))

    def _shared(
        self,
        attn: Attention,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        style: StyleContext,
    ) -> torch.Tensor:
        """softmax(Q [K; K']ᵀ / √d) [V; V'] of every target, K' and V' being its styles': Figure (b)."""
        num_styles, num_others = style.num_styles, style.num_styles + style.num_unconditional
        if style.cache is not None:
            style_key, style_value = keys_values(attn, style.cache[self.name])
        else:
            style_key, style_value = key[:num_styles], value[:num_styles]
        target_key, target_value = key[num_others:], value[num_others:]
        style_key, style_value = style.side_by_side(style_key), style.side_by_side(style_value)
        if style.keep is not None:
            keep, times = style.keep.view(-1, 1, 1, 1), style.style_index.shape[1]
            style_key = torch.where(keep, style_key, target_key.repeat(1, 1, times, 1))
            style_value = torch.where(keep, style_value, target_value.repeat(1, 1, times, 1))
        attended = F.scaled_dot_product_attention(  # T queries of N tokens, N + K·N keys
            query[num_others:],
            torch.cat([target_key, style_key], 2),
            torch.cat([target_value, style_value], 2),
            style.mask(target_key.shape[2], target_key.shape[2], query.dtype),
        )
        if not num_others:
            return attended
        others = F.scaled_dot_product_attention(query[:num_others], key[:num_others], value[:num_others])
        return torch.cat([others, attended])


def keys_values(attn: Attention, tokens: torch.Tensor) -> KeysValues:
    """Keys and values (B,heads,M,d) of an attention layer for tokens (B,M,C)."""
    return split_heads(attn.to_k(tokens), attn.heads), split_heads(attn.to_v(tokens), attn.heads)
