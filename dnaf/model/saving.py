"""A trained model in its folder; beside a base only what was trained is written, and where the rest is.

provenance.json   folders and sha256 of the base's files and of the style encoder's weights
adapter/          config and weights, the fixed prompt's embedding among them
style_encoder/    config; weights too where no file holds them

Folders in provenance.json are relative to its own folder, unless they were given as absolute ones: then the
model loads from whatever folder is the current one, and both may be moved together.
"""

import os.path
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin, UNet2DConditionModel

from dnaf.core import files
from dnaf.core.errors import BaseModelError, one_line
from dnaf.model.autoencoder import EARLIER_NAMES, LosslessAutoencoder, folder_in
from dnaf.model.components import Components
from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.pretrained.base_model import BaseModel, load_base, load_scheduler
from dnaf.model.pretrained.checked_component import check_component, read_config
from dnaf.model.pretrained.config_bounds import built
from dnaf.model.pretrained.known_bases import KNOWN_BASES
from dnaf.model.pretrained.provenance import Provenance, require_intact
from dnaf.model.pretrained.style_weights import load_style_weights
from dnaf.model.style_encoder import StyleEncoder

PROVENANCE = "provenance.json"
_STYLE_ENCODER = "style_encoder"
# Of what is in a folder. Who passes a model on may well rewrite its README.
_READ = (PROVENANCE, "[!.]*/*.json", "[!.]*/*.safetensors")
_AGAIN = "Train the model again."


def save_trained(folder: Path, components: Components) -> None:
    """Writes the trained part of a model that stands on a base."""
    adapter, encoder = components.adapter, components.style_encoder
    assert adapter.base is not None
    adapter.save_pretrained(folder / "adapter")
    if encoder is not None:
        of_the_base = any(name.startswith(f"{_STYLE_ENCODER}/") for name in adapter.base.sha256)
        if adapter.style_weights is None and not of_the_base:
            encoder.save_pretrained(folder / _STYLE_ENCODER)
        else:
            encoder.save_config(folder / _STYLE_ENCODER)
    _write_provenance(folder, {"base": adapter.base, "style_weights": adapter.style_weights})


def load_model(
    folder: Path,
    base: Path | None = None,
    style_weights: Path | None = None,
    dtype: torch.dtype = torch.float32,
) -> Components:
    """Loads a trained model; puts it on its base again if it has one.

    Args:
        folder: that `DNAFPipeline.save_pretrained` wrote.
        base, style_weights: where they are now; None: where they were at the training.
        dtype: of UNet, autoencoder and style encoder; the adapter is float32.

    Raises:
        BaseModelError: the base or the style encoder's weights are missing or not those of the training
            (both digests are named), or the folder does not hold what it should.
    """
    require_intact(folder, (path for kind in _READ for path in folder.glob(kind)))
    if not (folder / PROVENANCE).is_file():
        return _load_whole(folder, dtype)
    recorded = _read_provenance(folder)
    of_base, of_style = recorded["base"], recorded["style_weights"]
    if of_base is None:
        raise BaseModelError(f"{folder / PROVENANCE}: names no base model. Train the model again.")
    adapter: DNAFAdapter = load_component(folder / "adapter", DNAFAdapter)
    if base is None:
        base = Path(of_base.folder)
        _require_there(base, folder, "base model", "base", KNOWN_BASES.get(base.name))
    model = load_base(base, dtype, adapter.kept_prompt)
    of_base.require(model.provenance)
    encoder = None
    if adapter.config.appearance_blocks:
        encoder = _style_encoder(folder / _STYLE_ENCODER, model)
    if encoder is not None and of_style is not None:
        if style_weights is None:
            style_weights = Path(of_style.folder)
            _require_there(style_weights, folder, "style encoder", "style_encoder_weights")
        found = load_style_weights(encoder, style_weights)
        of_style.require(found)
        adapter.style_weights = found
    if encoder is not None:
        encoder.freeze(dtype)
    adapter.base = model.provenance
    return Components(model.unet, model.autoencoder, model.scheduler, adapter, encoder)


def move_provenance(source: Path, target: Path) -> None:
    """Writes the provenance of a model's folder, if it has one, as a copy in another folder needs it."""
    if (source / PROVENANCE).is_file():
        _write_provenance(target, _read_provenance(source))


def load_component(folder: Path, kind: type[ModelMixin]) -> Any:
    """Loads a component that a training wrote.

    Raises:
        BaseModelError: tensors are missing, unexpected or of another shape.
    """
    names = (kind.__name__, EARLIER_NAMES.get(kind.__name__, kind.__name__))
    check_component(folder, names, kind.from_config, advice=_AGAIN)
    try:
        component, info = kind.from_pretrained(
            folder,
            output_loading_info=True,
            low_cpu_mem_usage=False,
            use_safetensors=True,
            local_files_only=True,  # else a folder that is not there is looked for on the hub
        )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        reason = one_line(error)
        raise BaseModelError(f"{folder}: could not be loaded ({reason}). Train the model again.") from error
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[problem]:
            raise BaseModelError(
                f"{folder}: {len(info[problem])} {problem.replace('_', ' ')} "
                f"(first: {sorted(map(str, info[problem]))[0]}). Train the model again."
            )
    return component


def _load_whole(folder: Path, dtype: torch.dtype) -> Components:
    """The components of a model that was trained from scratch."""
    adapter = load_component(folder / "adapter", DNAFAdapter)
    encoder = None
    if adapter.config.appearance_blocks:
        encoder = load_component(folder / _STYLE_ENCODER, StyleEncoder).to(dtype)
    return Components(
        load_component(folder / "unet", UNet2DConditionModel).to(dtype),
        load_component(folder_in(folder), LosslessAutoencoder),
        load_scheduler(folder / "scheduler/scheduler_config.json", _AGAIN),
        adapter,
        encoder,
    )


def _style_encoder(folder: Path, base: BaseModel) -> StyleEncoder:
    if list(folder.glob("*.safetensors")):
        return load_component(folder, StyleEncoder)
    config = read_config(folder / "config.json", _AGAIN)
    if base.style_encoder is not None and base.style_encoder.config.model_name == config.get("model_name"):
        base.style_encoder.set_scale(config.get("style_scale", 1.0))
        return base.style_encoder
    encoder: StyleEncoder = built(StyleEncoder.from_config, config, folder / "config.json", _AGAIN)
    return encoder


def _write_provenance(folder: Path, origins: Mapping[str, Provenance | None]) -> None:
    def as_seen_from_there(origin: Provenance) -> Provenance:
        if Path(origin.folder).is_absolute():
            return origin
        return replace(origin, folder=os.path.relpath(origin.folder, folder))

    found = {name: asdict(as_seen_from_there(each)) if each else None for name, each in origins.items()}
    files.write_json(folder / PROVENANCE, found)


def _read_provenance(folder: Path) -> dict[str, Provenance | None]:
    recorded = read_config(folder / PROVENANCE, _AGAIN)
    try:
        origins = {
            name: recorded[name] and Provenance(**recorded[name]) for name in ("base", "style_weights")
        }
    except (KeyError, TypeError) as error:
        raise BaseModelError(
            f"{folder / PROVENANCE}: not a provenance ({error!r}). Train the model again."
        ) from error
    return {
        name: each and replace(each, folder=str(_as_seen_from_here(folder, each.folder)))
        for name, each in origins.items()
    }


def _as_seen_from_here(folder: Path, recorded: str) -> Path:
    # Of a link to a folder, `..` may mean the folder of the link or that of its target.
    of_the_link, of_the_target = (
        Path(os.path.normpath(each / recorded)) for each in (folder, folder.resolve())
    )
    return of_the_target if of_the_target.exists() and not of_the_link.exists() else of_the_link


def _require_there(path: Path, folder: Path, what: str, argument: str, known: Any = None) -> None:
    if path.exists():
        return
    or_fetch = f", or its name on the Hugging Face hub ({known.repository})" if known else ""
    raise BaseModelError(
        f"{path}: missing (expected the {what} that {folder} was trained with). Put it there, or pass "
        f"`{argument}` to DNAFPipeline.from_pretrained: where it is now{or_fetch}."
    )
