"""What DNAF puts on a UNet: its attention processors, and hooks that run the appearance blocks.

Neither holds a weight: all that a call needs travels in its `StyleContext`. So every denoiser of a UNet uses
the same attachment, and a call without a context is one of the plain UNet.
"""

import weakref
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from torch import nn

from dnaf.core.errors import BaseModelError
from dnaf.model.conditioning.adapter import transformers
from dnaf.model.conditioning.noise_aware import NoiseAwareProcessor, StyleContext

_REPLACEABLE = (AttnProcessor, AttnProcessor2_0)  # plain attention, which ours computes too
_HANDLE = "_dnaf_hook"  # of a transformer; there, so that a copy of the UNet has it as well
_attachments: "weakref.WeakValueDictionary[int, Attachment]" = weakref.WeakValueDictionary()


class Attachment:
    """Belongs to all denoisers that have called a UNet; when the last is gone, the UNet is plain again."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self._unet = unet
        weakref.finalize(self, _take_off, unet).atexit = False

    def __reduce__(self) -> Any:
        # A copy of a denoiser has a UNet of its own, and so an attachment of its own.
        return attach, (self._unet,)


def attach(unet: UNet2DConditionModel) -> Attachment:
    """Puts on the UNet whatever is not there yet.

    Raises:
        BaseModelError: an attention processor is neither DNAF's nor diffusers' default.
    """
    _put_on(unet)
    attachment = _attachments.get(id(unet))
    if attachment is None:
        attachment = _attachments[id(unet)] = Attachment(unet)
    return attachment


def _put_on(unet: UNet2DConditionModel) -> None:
    processors = unet.attn_processors
    others = {name: each for name, each in processors.items() if not isinstance(each, NoiseAwareProcessor)}
    for name, processor in others.items():
        if not isinstance(processor, _REPLACEABLE):
            raise BaseModelError(
                f"unet: {name}: not DNAF's processor (found {type(processor).__name__}, expected "
                "NoiseAwareProcessor or diffusers' default). Undo fuse_qkv_projections(), "
                "enable_attention_slicing() or whatever has set it."
            )
        processors[name] = NoiseAwareProcessor(name, name.endswith("attn1.processor"), processor)
    if others:
        unet.set_attn_processor(processors)
    for path, module in transformers(unet):
        if not hasattr(module, _HANDLE):
            handle = module.register_forward_pre_hook(_AppearanceHook(path), with_kwargs=True)
            setattr(module, _HANDLE, handle)


def _take_off(unet: UNet2DConditionModel) -> None:
    unet.set_attn_processor(
        {
            name: processor.replaced if isinstance(processor, NoiseAwareProcessor) else processor
            for name, processor in unet.attn_processors.items()
        }
    )
    for _, module in transformers(unet):
        if hasattr(module, _HANDLE):
            getattr(module, _HANDLE).remove()
            delattr(module, _HANDLE)


class _AppearanceHook:
    """Adds its appearance block's residual to the features that enter the transformer at `path`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        style: StyleContext | None = (kwargs.get("cross_attention_kwargs") or {}).get("style")
        if style is None or self.path not in style.appearance or (style.recording and not style.style_tokens):
            return None
        hidden = args[0]
        block, keys, values = style.appearance[self.path]
        num_styles, num_others = style.num_styles, style.num_styles + style.num_unconditional
        # Rows [styles | unconditional | targets]; between these bounds none sees any appearance.
        start, stop = (num_styles if style.style_tokens else 0), num_others
        unconditional = hidden[start:stop]
        styled = torch.cat([hidden[:start], hidden[stop:]]) if len(unconditional) else hidden
        # A style row sees the tokens of its own image, a target those of its styles.
        tokens = [style.side_by_side(keys), style.side_by_side(values)]
        mask = style.mask(0, keys.shape[2], hidden.dtype)
        if start and style.style_index.shape[1] > 1:  # rows with fewer tokens, and rows with more
            own = block(styled[:start], keys[:start], values[:start])
            residual = torch.cat([own, block(styled[start:], *tokens, mask)])
        else:
            if start:
                tokens = [torch.cat([keys[:start], tokens[0]]), torch.cat([values[:start], tokens[1]])]
            residual = block(styled, *tokens, mask)
        if style.keep is not None:
            shown = torch.cat([style.keep.new_ones(start), style.keep])
            residual = residual * shown.view(-1, 1, 1, 1)
        styled = styled + residual
        if len(unconditional):
            styled = torch.cat([styled[:start], unconditional, styled[start:]])
        return (styled, *args[1:]), kwargs
