"""A trained adapter on another base of the same family, as a LoRA: a fine-tune of Stable Diffusion 1.5, say.

The adapter was not trained with it. How good its images are nobody has measured; so it is said.
"""

import os.path
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from PIL.PngImagePlugin import PngInfo

from dnaf.core.errors import BaseModelError
from dnaf.core.images import png_text
from dnaf.core.progress import note
from dnaf.model.components import Components
from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.pretrained.base_model import BaseModel, load_base
from dnaf.model.pretrained.checked_component import GET_AGAIN, read_config
from dnaf.model.pretrained.config_bounds import built
from dnaf.model.pretrained.provenance import Provenance, require_intact
from dnaf.model.pretrained.stable_diffusion import family
from dnaf.model.pretrained.style_weights import load_style_weights
from dnaf.model.saving import PROVENANCE, load_component
from dnaf.model.style_encoder import StyleEncoder
from dnaf.pipeline import DNAFPipeline, assemble

_UNET_CONFIG = Path("unet/config.json")
_ENCODER = "style_encoder"
_FIT = ("layers", "pose_levels")  # what of an adapter's config the UNet decides
_CHOOSE = "Choose a base of the same family, or the one of the training."


def load_on_base(
    model: str | Path,
    base: str | Path,
    style_encoder_weights: str | Path | None = None,
    torch_dtype: torch.dtype = torch.float32,
) -> DNAFPipeline:
    """The pipeline of a trained model on a base that may be another than that of its training, which is told.

    Args:
        model: the folder that `DNAFPipeline.save_pretrained` wrote.
        base: a base model's folder.
        style_encoder_weights: where they are now; None: where they were at the training. Other ones are
            refused: the adapter reads their features.
        torch_dtype: of UNet, autoencoder and style encoder; the adapter is float32.

    Raises:
        BaseModelError: the model has no base; the base is of another family or shape, or has no style encoder
            of the training; or a folder is not what it should be.
    """
    folder, base = Path(model), Path(base)
    of_base, of_style = _trained_with(folder)
    require_intact(
        folder, (path for kind in ("*.json", "*.safetensors") for path in folder.glob(f"*/{kind}"))
    )
    adapter: DNAFAdapter = load_component(folder / "adapter", DNAFAdapter)
    _require_same_form(adapter, base, of_base)
    loaded = load_base(base, torch_dtype, adapter.kept_prompt)
    if loaded.autoencoder.downscale != adapter.config.downscale:
        raise BaseModelError(
            f"{base}: another autoencoder (found {loaded.autoencoder.downscale} pixels a latent cell, "
            f"expected {adapter.config.downscale}). {_CHOOSE}"
        )
    encoder = None
    if adapter.config.appearance_blocks:
        weights = None if style_encoder_weights is None else Path(style_encoder_weights)
        encoder, adapter.style_weights = _style_encoder(folder, loaded, of_base, of_style, weights)
        encoder.freeze(torch_dtype)
    adapter.base = of_base  # what is saved of it again still belongs to the base of its training
    if loaded.provenance.sha256 != of_base.sha256:
        note(
            f"warning: {base}: not the base that {folder} was trained on, which was {of_base.folder}. It "
            f"fits by family and shapes; what it gives was not measured. It predicts "
            f"{loaded.scheduler.config.prediction_type}."
        )
    return assemble(Components(loaded.unet, loaded.autoencoder, loaded.scheduler, adapter, encoder))


def origin(model: str | Path, base: str | Path) -> dict[str, str]:
    """What a file of a generated image should tell of its making."""
    return {
        "Software": "dnaf",
        "Model": str(model),
        "Base model": str(base),
        "Trained on base model": _trained_with(Path(model))[0].folder,
    }


def png_info(model: str | Path, base: str | Path) -> PngInfo:
    """`origin` for Pillow: `image.save(path, pnginfo=png_info(model, base))`."""
    return png_text(origin(model, base))


def _trained_with(folder: Path) -> tuple[Provenance, Provenance | None]:
    """Base and style encoder's weights of the training, their folders as seen from here."""
    if folder.is_dir() and not (folder / PROVENANCE).is_file():
        raise BaseModelError(
            f"{folder}: not on a base model, so that none can be exchanged (found no {PROVENANCE}). Load it "
            "by DNAFPipeline.from_pretrained."
        )
    recorded = read_config(folder / PROVENANCE)
    try:
        of_base, of_style = (
            recorded[name] and _from_here(folder, Provenance(**recorded[name]))
            for name in ("base", "style_weights")
        )
    except (KeyError, TypeError) as error:
        raise BaseModelError(f"{folder / PROVENANCE}: not a provenance ({error!r}). {GET_AGAIN}") from error
    return of_base, of_style


def _from_here(folder: Path, origin: Provenance) -> Provenance:
    return replace(origin, folder=os.path.normpath(folder / origin.folder))


def _require_same_form(adapter: DNAFAdapter, base: Path, of_base: Provenance) -> None:
    """Checks the UNet's config before any weight is read."""
    path = base / _UNET_CONFIG
    config = read_config(path)
    channels = adapter.config.prompt_shape[1]
    if (reads := config.get("cross_attention_dim")) != channels:
        raise BaseModelError(
            f"{base}: of another family than {of_base.folder}, the base of the training (found "
            f"{family(config)}, expected {family({'cross_attention_dim': channels})}; cross_attention_dim "
            f"{reads} and {channels}). {_CHOOSE}"
        )
    with torch.device("meta"):
        unet = built(UNet2DConditionModel.from_config, config, path, GET_AGAIN)
        of_this = DNAFAdapter.from_unet(
            unet,
            torch.zeros(1, *adapter.config.prompt_shape),
            [],
            {},
            adapter.config.downscale,
            appearance_blocks=False,
            pose_adapter=False,
        )
    for key in _FIT:
        now, then = (_listed(each.config[key]) for each in (of_this, adapter))
        if now != then:
            raise BaseModelError(
                f"{path}: of other shapes than the base of the training (found {key} "
                f"{_differing(now, then)}). {_CHOOSE}"
            )


def _style_encoder(
    folder: Path, base: BaseModel, of_base: Provenance, of_style: Provenance | None, weights: Path | None
) -> tuple[StyleEncoder, Provenance | None]:
    if list((folder / _ENCODER).glob("*.safetensors")):
        return load_component(folder / _ENCODER, StyleEncoder), None
    config = read_config(folder / _ENCODER / "config.json")
    if of_style is not None:
        encoder: StyleEncoder = built(
            StyleEncoder.from_config, config, folder / _ENCODER / "config.json", GET_AGAIN
        )
        there = weights or Path(of_style.folder)
        if not there.exists():
            raise BaseModelError(
                f"{there}: missing (expected the style encoder that {folder} was trained with). Put it "
                "there, or pass `style_encoder_weights`."
            )
        found = load_style_weights(encoder, there)
        of_style.require(found)
        return encoder, found
    then, now = (_of_encoder(each) for each in (of_base, base.provenance))
    if base.style_encoder is None or then != now:
        raise BaseModelError(
            f"{base.provenance.folder}: without the style encoder that {folder} was trained with, which was "
            f"part of {of_base.folder}. {_CHOOSE}"
        )
    base.style_encoder.set_scale(config.get("style_scale", 1.0))
    return base.style_encoder, None


def _of_encoder(origin: Provenance) -> dict[str, str]:
    return {name: sha for name, sha in origin.sha256.items() if name.startswith(f"{_ENCODER}/")}


def _listed(value: Any) -> list[Any]:
    """As JSON gives it back."""
    return [list(each) for each in value]


def _differing(found: list[Any], expected: list[Any]) -> str:
    if len(found) != len(expected):
        return f"of {len(found)}, expected of {len(expected)}"
    first = next(index for index, each in enumerate(found) if each != expected[index])
    return f"{found[first]}, expected {expected[first]}"
