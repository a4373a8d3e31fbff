"""A base model from its folder: diffusers' layout, as `git clone` or the hub gives it, or our own.

    unet/  scheduler/  vae/ + tokenizer(_2)/ + text_encoder(_2)/      Stable Diffusion
                       codec/ + prompt.safetensors [+ style_encoder/] our own: no autoencoder, no text

Everything is checked before the first weight is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from dnaf.errors import BaseModelError
from dnaf.model.codec import Codec, LosslessCodec
from dnaf.model.loading import CheckedPart, check_part, read_config
from dnaf.model.norm import use_float32_group_norms
from dnaf.model.parts import Provenance
from dnaf.model.prompt import Prompt, read_prompt
from dnaf.model.style_encoder import StyleEncoder

_PREDICTIONS = ("epsilon", "v_prediction", "sample")


@dataclass(frozen=True)
class BaseModel:
    """The frozen parts of a base model.

    Attributes:
        prompt: embedding of the fixed prompt.
        style_encoder: only some bases of our own layout have one.
        provenance: digests of all files that were read.
    """

    unet: UNet2DConditionModel
    codec: Codec
    scheduler: DDIMScheduler
    prompt: Prompt
    style_encoder: StyleEncoder | None
    provenance: Provenance


def load_base(folder: Path, dtype: torch.dtype = torch.float32) -> BaseModel:
    """Loads a base model, its modules frozen and in `dtype`.

    Raises:
        BaseModelError: the folder is missing, incomplete, damaged or holds another kind of model.
    """
    if not folder.is_dir():
        raise BaseModelError(
            f"{folder}: no such folder. `python -m stages.doctor` tells how to get a base model, "
            "or set model.base in params.yaml to null."
        )
    unet = _check_unet(folder / "unet")
    scheduler = _check_scheduler(folder / "scheduler/scheduler_config.json")
    codec = check_part(folder / "codec", ("LosslessCodec",), LosslessCodec.from_config)
    prompt_file = folder / "prompt.safetensors"
    prompt = read_prompt(prompt_file)
    style = None
    if (folder / "style_encoder").is_dir():
        style = check_part(folder / "style_encoder", ("StyleEncoder",), StyleEncoder.from_config)
    parts = [part for part in (unet, codec, style) if part is not None]
    read = [path for part in parts for path in part.files]
    provenance = Provenance.of(folder, [*read, folder / "scheduler/scheduler_config.json", prompt_file])
    base = BaseModel(
        unet.load(dtype),
        codec.load(),
        scheduler,
        prompt,
        style.load(dtype) if style else None,
        provenance,
    )
    _require_fit(folder, unet, base)
    if dtype == torch.float32:
        use_float32_group_norms(base.unet)
    return base


def _check_unet(folder: Path) -> CheckedPart:
    part = check_part(folder, ("UNet2DConditionModel",), UNet2DConditionModel.from_config)
    return part


def _check_scheduler(path: Path) -> DDIMScheduler:
    """The noise schedule and what is predicted, of whatever scheduler the folder names."""
    config = read_config(path)
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in _PREDICTIONS or "beta_schedule" not in config:
        raise BaseModelError(
            f"{path}: another kind of model (found {config.get('_class_name')} with prediction_type "
            f"{prediction}, expected {', '.join(_PREDICTIONS)} on a schedule of betas). "
            "docs/base-models.md says which base models work."
        )
    # The schedulers of Stable Diffusion do not clip; DDIM's default does.
    return DDIMScheduler.from_config({"clip_sample": False, **config})


def _require_fit(folder: Path, unet: CheckedPart, base: BaseModel) -> None:
    """The parts of a folder speak of the same latents and the same prompt."""
    config: Mapping[str, Any] = unet.config
    found = (config["in_channels"], config["out_channels"], config["cross_attention_dim"])
    expected = (base.codec.latent_channels, base.codec.latent_channels, base.prompt.embedding.shape[-1])
    if found != expected:
        raise BaseModelError(
            f"{unet.folder / 'config.json'}: does not fit the rest of {folder} (found in_channels, "
            f"out_channels, cross_attention_dim {found}, expected {expected}). Get the base model again."
        )
