"""A trained model beside a base: only what was trained is written, and where the rest came from.

provenance.json   folders and sha256 of the base's files and of the style encoder's weights
adapter/          config and weights, the fixed prompt's embedding among them
style_encoder/    config; weights too where no file holds them
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin

from dnaf import files
from dnaf.errors import BaseModelError
from dnaf.model.adapter import DNAFAdapter
from dnaf.model.base_folder import BaseModel, load_base
from dnaf.model.loading import read_config
from dnaf.model.parts import Parts, Provenance
from dnaf.model.style_encoder import StyleEncoder
from dnaf.model.style_weights import load_style_weights

PROVENANCE = "provenance.json"
_STYLE_ENCODER = "style_encoder"


def save_trained(folder: Path, parts: Parts) -> None:
    """Writes the trained part of a model that stands on a base."""
    assert parts.base is not None
    parts.adapter.save_pretrained(folder / "adapter")
    encoder, origin = parts.style_encoder, parts.style_weights
    if encoder is not None:
        of_the_base = any(name.startswith(f"{_STYLE_ENCODER}/") for name in parts.base.sha256)
        if origin is None and not of_the_base:
            encoder.save_pretrained(folder / _STYLE_ENCODER)
        else:
            encoder.save_config(folder / _STYLE_ENCODER)
    found = {"base": asdict(parts.base), "style_weights": asdict(origin) if origin else None}
    files.write_json(folder / PROVENANCE, found)


def load_trained(
    folder: Path,
    base: Path | None = None,
    style_weights: Path | None = None,
    dtype: torch.dtype = torch.float32,
) -> Parts:
    """Puts a trained model on its base again.

    Args:
        folder: that `save_trained` wrote.
        base: its folder now; None: where it was at the training.
        style_weights: likewise, of the style encoder.
        dtype: of the frozen modules.

    Raises:
        BaseModelError: the base or the style encoder's weights are missing or not those of the training
            (both digests are named), or the folder does not hold what it should.
    """
    recorded = read_config(folder / PROVENANCE, "Train the model again.")
    try:
        of_base = Provenance(**recorded["base"])
        of_style = Provenance(**recorded["style_weights"]) if recorded["style_weights"] else None
    except (KeyError, TypeError) as error:
        raise BaseModelError(
            f"{folder / PROVENANCE}: not a provenance ({error!r}). Train the model again."
        ) from error
    adapter: DNAFAdapter = load_part(folder / "adapter", DNAFAdapter)
    model = load_base(base or Path(of_base.folder), dtype, adapter.kept_prompt)
    of_base.require(model.provenance)
    encoder = None
    if adapter.config.appearance_blocks:
        encoder = _style_encoder(folder / _STYLE_ENCODER, model)
    if encoder is not None and of_style is not None:
        of_style.require(load_style_weights(encoder, style_weights or Path(of_style.folder)))
    if encoder is not None:
        encoder.freeze(dtype)
    return Parts(model.unet, model.codec, model.scheduler, adapter, encoder, model.provenance, of_style)


def load_part(folder: Path, kind: type[ModelMixin]) -> Any:
    """Loads a part that a training wrote.

    Raises:
        BaseModelError: tensors are missing, unexpected or of another shape.
    """
    try:
        part, info = kind.from_pretrained(
            folder, output_loading_info=True, low_cpu_mem_usage=False, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise BaseModelError(f"{folder}: could not be loaded ({reason}). Train the model again.") from error
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[problem]:
            raise BaseModelError(
                f"{folder}: {len(info[problem])} {problem.replace('_', ' ')} "
                f"(first: {sorted(map(str, info[problem]))[0]}). Train the model again."
            )
    return part


def _style_encoder(folder: Path, base: BaseModel) -> StyleEncoder:
    if list(folder.glob("*.safetensors")):
        return load_part(folder, StyleEncoder)
    config = read_config(folder / "config.json", "Train the model again.")
    if base.style_encoder is not None and base.style_encoder.config.model_name == config["model_name"]:
        base.style_encoder.set_scale(config["style_scale"])
        return base.style_encoder
    encoder: StyleEncoder = StyleEncoder.from_config(config)
    return encoder
