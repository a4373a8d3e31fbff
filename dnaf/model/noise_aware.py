"""Noise-aware features: the style's K', V' beside the target's K, V in self-attention (figure, panel b).

Nothing of the UNet is forked or subclassed. What a call needs travels in `cross_attention_kwargs` as a
`StyleContext`; the attention processor and the hooks of the appearance blocks read it there.
"""

from dataclasses import dataclass, field

import torch
from diffusers.models.attention_processor import Attention

from dnaf.model.attention import attend, merge_heads, split_heads

KeysValues = tuple[torch.Tensor, torch.Tensor]


@dataclass
class StyleContext:
    """What one UNet call knows of the style. Rows of the batch are [styles | targets].

    Attributes:
        num_styles: style rows at the front of the batch; 0 when their features come from `cache`.
        rows: (T,) for each target row the index of its style.
        keep: (T,) bool, False for a target that must not see its style; None: all see it.
        appearance: keys and values of the appearance blocks, by the path of their transformer.
        share: whether targets attend to the style's K', V' (the noise-aware features).
        cache: inputs of each self-attention layer of an earlier style-only pass, by layer name.
        recording: this is that pass; it fills `cache`.
    """

    num_styles: int
    rows: torch.Tensor
    keep: torch.Tensor | None = None
    appearance: dict[str, KeysValues] = field(default_factory=dict)
    share: bool = True
    cache: dict[str, torch.Tensor] | None = None
    recording: bool = False


class NoiseAwareProcessor:
    """Attention processor for both attentions of a transformer block; only self-attention shares.

    A target that must not see its style gets its own keys and values twice: a softmax over duplicated
    tokens is exactly plain attention, and shapes stay the same for every row.
    """

    def __init__(self, name: str, is_self_attention: bool) -> None:
        self.name = name
        self.is_self_attention = is_self_attention

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
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            split_heads(project(tokens), attn.heads)
            for project, tokens in (
                (attn.to_q, hidden_states),
                (attn.to_k, context),
                (attn.to_v, context),
            )
        )
        if self.is_self_attention and style is not None and style.recording:
            assert style.cache is not None
            style.cache[self.name] = hidden_states.detach()
        if not self.is_self_attention or style is None or style.recording or not style.share:
            attended = attend(query, key, value, attention_mask)
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
        num_styles = style.num_styles
        if style.cache is not None:
            source = style.cache[self.name]
            style_key, style_value = (
                split_heads(project(source), attn.heads) for project in (attn.to_k, attn.to_v)
            )
        else:
            style_key, style_value = key[:num_styles], value[:num_styles]
        target_key, target_value = key[num_styles:], value[num_styles:]
        style_key, style_value = (t.index_select(0, style.rows) for t in (style_key, style_value))
        if style.keep is not None:
            keep = style.keep.view(-1, 1, 1, 1)
            style_key = torch.where(keep, style_key, target_key)
            style_value = torch.where(keep, style_value, target_value)
        attended = attend(
            query[num_styles:],
            torch.cat([target_key, style_key], 2),
            torch.cat([target_value, style_value], 2),
        )
        if not num_styles:
            return attended
        plain = attend(query[:num_styles], key[:num_styles], value[:num_styles])
        return torch.cat([plain, attended])
