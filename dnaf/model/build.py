"""The model that params.yaml asks for: on a frozen base model, or the tiny one from scratch."""

from pathlib import Path

import torch

from dnaf.core import config, seeds
from dnaf.core.errors import ConfigError
from dnaf.model.autoencoder import Autoencoder, LosslessAutoencoder
from dnaf.model.components import Components
from dnaf.model.conditioning.adapter import DNAFAdapter, style_levels
from dnaf.model.pretrained.base_model import BaseModel, load_autoencoder, load_base
from dnaf.model.pretrained.provenance import Provenance
from dnaf.model.pretrained.style_weights import load_style_weights
from dnaf.model.style_encoder import StyleEncoder
from dnaf.model.tiny import build_tiny

__all__ = ["Components", "build", "build_autoencoder"]

_POSE_RES_BLOCKS = 2  # of each output on a base, as T2I-Adapter has (arXiv 2302.08453, section 3.2)


def build(
    model: config.Model, seed: int, pose_channels: int = 3, dtype: torch.dtype = torch.float32
) -> Components:
    """All components; what is new has weights drawn from `seed`.

    With a base model its components and the style encoder are frozen, in `dtype`, and the float32 adapter is
    what is trained. Without, everything is trained, in float32.

    Raises:
        BaseModelError: the base model or the style encoder's weights are missing, incomplete or of another
            kind.
        ConfigError: the base model and other keys of the section contradict each other.
    """
    if model.base is None:
        components = build_tiny(model, seed, pose_channels)
        components.adapter.style_weights = _load_weights(model, components.style_encoder)
        return components
    base = load_base(Path(model.base), dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.seed(seed, "weights"))
        style_encoder = style_encoder_for(model, base)
        adapter = adapter_for(base, style_encoder, model, pose_channels)
    adapter.base = base.provenance
    adapter.style_weights = _load_weights(model, style_encoder)
    if style_encoder is not None:
        style_encoder.freeze(dtype)
    return Components(base.unet, base.autoencoder, base.scheduler, adapter, style_encoder)


def build_autoencoder(base: str | None, unshuffle: int) -> tuple[Autoencoder, Provenance | None]:
    """The autoencoder alone, as `build` gives it in float32, and where in the base model it came from."""
    if base is None:
        return LosslessAutoencoder(unshuffle), None
    return load_autoencoder(Path(base))


def adapter_for(
    base: BaseModel, style_encoder: StyleEncoder | None, model: config.Model, pose_channels: int
) -> DNAFAdapter:
    """A new adapter that leaves the base's output as it is until it is trained.

    Raises:
        ConfigError: the style encoder lacks a map that `model.level_mapping` asks for.
    """
    levels = style_levels(base.unet, base.autoencoder.downscale)
    return DNAFAdapter.from_unet(
        base.unet,
        base.prompt.embedding,
        list(style_encoder.channels) if style_encoder else [],
        style_encoder.maps_of(levels, model.level_mapping) if style_encoder else {},
        downscale=base.autoencoder.downscale,
        pooled_embedding=base.prompt.pooled,
        num_pose_res_blocks=_POSE_RES_BLOCKS,
        pose_channels=pose_channels,
        pose_adapter=model.pose_adapter,
        appearance_blocks=model.appearance_blocks,
        noise_aware=model.noise_aware,
        style_pose=model.style_pose,
        style_tokens=model.style_tokens,
        clean_style=model.clean_style,
    )


def style_encoder_for(model: config.Model, base: BaseModel) -> StyleEncoder | None:
    """The style encoder beside a base: the base's own, or one that gives the maps the UNet's levels read."""
    if not model.appearance_blocks:
        return None
    if base.style_encoder is not None and model.style_encoder_weights is None:
        name = base.style_encoder.config.model_name
        if name != model.style_encoder:
            raise ConfigError(
                f"params.yaml: model.style_encoder: not the base model's (found {model.style_encoder!r}, "
                f"expected {name!r}, that of {model.base}). Change it, or use another base model."
            )
        base.style_encoder.set_scale(model.style_scale)
        return base.style_encoder
    levels = style_levels(base.unet, base.autoencoder.downscale)
    return StyleEncoder.for_levels(model.style_encoder, levels, model.style_scale, model.level_mapping)


def _load_weights(model: config.Model, style_encoder: StyleEncoder | None) -> Provenance | None:
    if style_encoder is None or model.style_encoder_weights is None:
        return None
    return load_style_weights(style_encoder, Path(model.style_encoder_weights))
