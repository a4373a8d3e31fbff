"""What a folder of Stable Diffusion holds beside its text encoders, and how its relatives are told apart."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, UNet2DConditionModel

from dnaf.core.errors import BaseModelError, one_line
from dnaf.model.pretrained.checked_component import GET_AGAIN, CheckedComponent, check_component, read_config

# By what the UNet's cross-attention reads: CLIP ViT-L, OpenCLIP ViT-H, or CLIP ViT-L and OpenCLIP ViT-bigG.
_FAMILIES = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 2048: "Stable Diffusion XL"}
_LATENT_CHANNELS = 4
# Relatives whose UNet expects more than a noisy latent: 4 + a mask + 4, a source image, a depth map, …
_MORE_CHANNELS = {9: "an inpainting model", 8: "an image-editing model", 7: "an upscaler", 5: "a depth model"}
# Inputs of a UNet that nothing of ours gives.
_FOREIGN = ("class_embed_type", "num_class_embeds", "encoder_hid_dim_type", "time_cond_proj_dim")
_TEXT_TIME = ("projection_class_embeddings_input_dim", "addition_time_embed_dim")
_TIME_IDS = 6  # original size, crop, target size, two numbers each
# The autoencoders of Stable Diffusion 1 are published with the names that diffusers had before 0.12.
_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_ADVICE = "docs/base-models.md says which base models work."


def family(unet_config: Mapping[str, Any]) -> str:
    """A name for a UNet of Stable Diffusion, `our own` for another."""
    return _FAMILIES.get(unet_config.get("cross_attention_dim", 0), "our own")


def check_unet(folder: Path, latent_channels: int = _LATENT_CHANNELS) -> CheckedComponent:
    """Checks the folder of a UNet that denoises latents, told of a prompt and a timestep, and no more.

    Raises:
        BaseModelError: it is of another family, or its files are incomplete.
    """
    path = folder / "config.json"
    if not folder.is_dir():
        found = "transformer" if (folder.parent / "transformer").is_dir() else "neither"
        raise BaseModelError(
            f"{folder.parent}: another kind of model (found {found}, expected the folder unet in diffusers' "
            f"layout). {_ADVICE}"
        )
    config = read_config(path)
    channels = config.get("in_channels", latent_channels)
    if config.get("_class_name") == "UNet2DConditionModel":
        if channels != latent_channels:
            kind = _MORE_CHANNELS.get(channels) if isinstance(channels, int) else None
            raise BaseModelError(
                f"{path}: {kind or 'another kind of model'} (found in_channels {one_line(channels)}, "
                f"expected {latent_channels}). {_ADVICE}"
            )
        if (outputs := config.get("out_channels", latent_channels)) != latent_channels:
            raise BaseModelError(
                f"{path}: another kind of model (found out_channels {one_line(outputs)}, expected "
                f"{latent_channels}). {_ADVICE}"
            )
        foreign = [key for key in _FOREIGN if config.get(key) is not None]
        if config.get("addition_embed_type") not in (None, "text_time"):
            foreign.append("addition_embed_type")
        if foreign:
            raise BaseModelError(
                f"{path}: a UNet with another input (found {foreign[0]} {one_line(config[foreign[0]])}, "
                f"expected none). {_ADVICE}"
            )
    component = check_component(folder, ("UNet2DConditionModel",), UNet2DConditionModel.from_config)
    _require_whole(config, path, "cross_attention_dim")
    if config.get("addition_embed_type") == "text_time":
        _require_whole(config, path, *_TEXT_TIME)
    return component


def _require_whole(config: Mapping[str, Any], path: Path, *keys: str) -> None:
    for key in keys:
        if type(config.get(key)) is not int:
            raise BaseModelError(
                f"{path}: {key}: not a whole number (found {one_line(config.get(key))}). {GET_AGAIN}"
            )


def pooled_channels(unet_config: Mapping[str, Any]) -> int:
    """Of the pooled prompt that a UNet of Stable Diffusion XL takes beside its size; 0: it takes none."""
    if unet_config.get("addition_embed_type") != "text_time":
        return 0
    total, each = (unet_config[key] for key in _TEXT_TIME)
    return int(total - _TIME_IDS * each)


def check_vae(folder: Path) -> CheckedComponent:
    """Checks the folder of an autoencoder.

    Raises:
        BaseModelError: it is of another kind, or its files are incomplete.
    """
    return check_component(folder, ("AutoencoderKL",), AutoencoderKL.from_config, _today)


def _today(name: str) -> str:
    return re.sub(
        r"(mid_block\.attentions\.0)\.(query|key|value|proj_attn)\.",
        lambda found: f"{found[1]}.{_OLD_NAMES[found[2]]}.",
        name,
    )
