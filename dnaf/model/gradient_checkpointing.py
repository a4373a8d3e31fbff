"""Gradient checkpointing: activations are computed again in the backward pass instead of being kept.

The UNet's blocks are diffusers' business. The blocks that DNAF adds run in hooks in front of its transformers
and before the UNet, where diffusers does not see them: they are wrapped here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from diffusers.models.adapter import AdapterBlock
from torch import nn
from torch.utils.checkpoint import checkpoint

from dnaf.model.conditioning.appearance import AppearanceBlock
from dnaf.model.denoiser import DNAFDenoiser

Segment = Callable[..., Any]


def run_again(segment: Segment, *args: Any) -> Any:
    """Runs a segment of the network of which only the inputs are kept for the backward pass."""
    if not torch.is_grad_enabled():
        return segment(*args)
    # Nothing in the network is random, so that there is no state of a generator to keep.
    return checkpoint(segment, *args, use_reentrant=False, preserve_rng_state=False)


def enable(denoiser: DNAFDenoiser, run: Callable[..., Any] = run_again) -> None:
    """Lets `run(segment, *inputs)` run every block of the UNet and of the adapter.

    Gradients stay the same, bit for bit on the CPU; a step costs one more forward pass of what carries
    gradients, and keeps about a fifth of the activations.
    """
    denoiser.unet.enable_gradient_checkpointing(run)
    for block in _own_blocks(denoiser):
        block.forward = partial(run, partial(type(block).forward, block))


def disable(denoiser: DNAFDenoiser) -> None:
    """Undoes `enable`."""
    denoiser.unet.disable_gradient_checkpointing()
    for block in _own_blocks(denoiser):
        block.__dict__.pop("forward", None)


def _own_blocks(denoiser: DNAFDenoiser) -> Iterator[nn.Module]:
    for module in denoiser.adapter.modules():
        if isinstance(module, AppearanceBlock | AdapterBlock):
            yield module
