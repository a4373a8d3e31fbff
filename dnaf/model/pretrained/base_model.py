"""A base model from its folder: diffusers' layout, as `git clone` or the hub gives it, or our own.

    unet/  scheduler/  vae/ + tokenizer(_2)/ + text_encoder(_2)/      Stable Diffusion
                       autoencoder/ + prompt.safetensors [+ style_encoder/]    our own: no text

Everything is checked before the first weight is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from dnaf.core import commands, files
from dnaf.core.errors import BaseModelError, ConfigError, one_line
from dnaf.core.images import Size
from dnaf.model.autoencoder import Autoencoder, FrozenVae, LosslessAutoencoder, folder_in
from dnaf.model.norm import use_float32_group_norms
from dnaf.model.patch_autoencoder import PatchAutoencoder
from dnaf.model.pretrained.checked_component import GET_AGAIN, CheckedComponent, check_component, read_config
from dnaf.model.pretrained.config_bounds import built
from dnaf.model.pretrained.prompt import CheckedText, Prompt, check_text, embed_prompt, read_prompt
from dnaf.model.pretrained.provenance import Provenance, require_intact
from dnaf.model.pretrained.stable_diffusion import check_unet, check_vae, family, pooled_channels
from dnaf.model.style_encoder import StyleEncoder

_PROMPT_FILE = "prompt.safetensors"
_SCHEDULER_FILE = "scheduler/scheduler_config.json"
_AUTOENCODERS: dict[str, Any] = {
    "LosslessAutoencoder": LosslessAutoencoder,
    "LosslessCodec": LosslessAutoencoder,  # its name before version 0.2.0
    "PatchAutoencoder": PatchAutoencoder,
}
_PREDICTIONS = ("epsilon", "v_prediction", "sample")


@dataclass(frozen=True)
class BaseModel:
    """The frozen components of a base model.

    Attributes:
        prompt: embedding of the fixed prompt.
        style_encoder: only some bases of our own layout have one.
        provenance: digests of all files that were read.
    """

    unet: UNet2DConditionModel
    autoencoder: Autoencoder
    scheduler: DDIMScheduler
    prompt: Prompt
    style_encoder: StyleEncoder | None
    provenance: Provenance


def load_base(folder: Path, dtype: torch.dtype = torch.float32, prompt: Prompt | None = None) -> BaseModel:
    """Loads a base model, its modules frozen and in `dtype`.

    Args:
        prompt: kept from an earlier loading; None runs the folder's text encoder, in float32.

    Raises:
        BaseModelError: the folder is missing, incomplete, damaged or holds another kind of model.
    """
    checked = _check_components(folder, prompt is None)
    scheduler_file = folder / _SCHEDULER_FILE
    scheduler = load_scheduler(scheduler_file)
    if prompt is None:
        require_intact(folder, _prompt_files(folder, checked))
        prompt = embed_prompt(checked.texts) if checked.texts else read_prompt(folder / _PROMPT_FILE)
    _require_fit(folder, checked, prompt)
    provenance = Provenance.of(folder, [*_component_files(checked), scheduler_file], prompt.digest)
    unet = checked.unet.load(dtype)
    if dtype == torch.float32:
        use_float32_group_norms(unet)
    return BaseModel(
        unet,
        _load_autoencoder(checked.autoencoder, dtype),
        scheduler,
        prompt,
        checked.style_encoder.load(dtype) if checked.style_encoder else None,
        provenance,
    )


@dataclass(frozen=True)
class Inspection:
    """What a base model is, without having been loaded.

    Attributes:
        downscale: pixels per latent cell along each side.
    """

    family: str
    prediction_type: str
    downscale: int


def inspect_base(folder: Path) -> Inspection:
    """Checks a base model without loading it.

    Raises:
        BaseModelError: as `load_base`.
    """
    checked = _check_components(folder, with_prompt=True)
    scheduler = load_scheduler(folder / _SCHEDULER_FILE)
    if (folder / files.MANIFEST).is_file():
        read = [*_component_files(checked), *_prompt_files(folder, checked), folder / _SCHEDULER_FILE]
        require_intact(folder, read)
    autoencoder = checked.autoencoder.config
    if autoencoder["_class_name"] in _AUTOENCODERS:
        with torch.device("meta"):
            downscale = _build_autoencoder(autoencoder).downscale
    else:
        with torch.device("meta"):
            downscale = FrozenVae(AutoencoderKL.from_config(dict(autoencoder))).downscale
    return Inspection(family(checked.unet.config), scheduler.config.prediction_type, downscale)


def require_trained_size(folder: Path, size: Size) -> None:
    """Refuses images of another size than that of the training, where a base of our own layout tells it.

    Such a base is small and knows one size and one kind of image. Stable Diffusion, which tells none, takes
    images of any size.

    Args:
        size: (height, width) of the images.

    Raises:
        ConfigError: names both sizes and what to choose instead.
        StateError: the base's manifest is damaged.
    """
    has_manifest = (folder / files.MANIFEST).is_file()
    info = files.read_manifest(folder, GET_AGAIN)[1] if has_manifest else {}
    # The base of drawn people was trained on crops, then on whole images.
    trained = info.get("sizes") or ([info["size"]] if "size" in info else [])
    if trained and list(size) not in trained:
        expected = " or ".join(f"{height}x{width}" for height, width in trained)
        raise ConfigError(
            f"params.yaml: model.base: {folder} was trained with images of another size (found "
            f"{size[0]}x{size[1]} pixels, expected {expected}; height x width). "
            "Set model.base to null, or to a base model that docs/base-models.md names."
        )


def load_autoencoder(folder: Path) -> tuple[Autoencoder, Provenance]:
    """Loads the autoencoder alone, in float32, with the digests of its files alone.

    Raises:
        BaseModelError: as `load_base`.
    """
    checked = _check_components(folder, with_prompt=False)
    return _load_autoencoder(checked.autoencoder, torch.float32), Provenance.of(
        folder, checked.autoencoder.files
    )


@dataclass(frozen=True)
class _Checked:
    unet: CheckedComponent
    autoencoder: CheckedComponent
    texts: list[CheckedText]  # empty: the prompt is a tensor, or is not needed
    style_encoder: CheckedComponent | None


def _component_files(checked: _Checked) -> list[Path]:
    components = (checked.unet, checked.autoencoder, checked.style_encoder)
    return [path for component in components if component is not None for path in component.files]


def _prompt_files(folder: Path, checked: _Checked) -> list[Path]:
    """The files that the prompt's embedding depends on."""
    if not checked.texts:
        return [folder / _PROMPT_FILE]
    tokenizers = [
        path for text in checked.texts for path in sorted(text.tokenizer.iterdir()) if path.is_file()
    ]
    return [*tokenizers, *(path for text in checked.texts for path in text.encoder.files)]


def _check_components(folder: Path, with_prompt: bool) -> _Checked:
    if not folder.is_dir():
        kind = "a file, not a folder in diffusers' layout" if folder.exists() else "no such folder"
        raise BaseModelError(
            f"{folder}: {kind}. `{commands.stage('doctor')}` says how to get a base model, "
            "or set model.base in params.yaml to null."
        )
    if folder_in(folder).is_dir():
        autoencoder = _check_autoencoder(folder_in(folder))
        with torch.device("meta"):
            latent_channels = _build_autoencoder(autoencoder.config).latent_channels
        unet = check_unet(folder / "unet", latent_channels)
        texts: list[CheckedText] = []
        if with_prompt:
            read_prompt(folder / _PROMPT_FILE)
    else:
        _require_text(folder)
        unet = check_unet(folder / "unet")
        autoencoder = check_vae(folder / "vae")
        texts = check_text(folder, bool(pooled_channels(unet.config))) if with_prompt else []
    style = None
    if (folder / "style_encoder").is_dir():
        style = check_component(folder / "style_encoder", ("StyleEncoder",), StyleEncoder.from_config)
    return _Checked(unet, autoencoder, texts, style)


def _require_text(folder: Path) -> None:
    if (folder / "image_encoder").is_dir() and not (folder / "text_encoder").is_dir():
        raise BaseModelError(
            f"{folder}: another kind of model (found image_encoder, expected text_encoder). "
            "docs/base-models.md says which base models work."
        )


def _check_autoencoder(folder: Path) -> CheckedComponent:
    return check_component(folder, tuple(_AUTOENCODERS), _build_autoencoder)


def _build_autoencoder(config: Mapping[str, Any]) -> Any:
    autoencoder = _AUTOENCODERS[config["_class_name"]].from_config(dict(config))
    if not isinstance(autoencoder.latent_channels, int) or not isinstance(autoencoder.downscale, int):
        raise TypeError("sizes that are no whole numbers")
    return autoencoder


def _load_autoencoder(component: CheckedComponent, dtype: torch.dtype) -> Autoencoder:
    if component.config["_class_name"] in _AUTOENCODERS:
        # float32: the weights are few, and those of a lossless one must be exact.
        autoencoder: Autoencoder = component.load()
        return autoencoder
    return FrozenVae(component.load(torch.float32 if dtype == torch.float16 else dtype))


def load_scheduler(path: Path, advice: str = GET_AGAIN) -> DDIMScheduler:
    """The noise schedule and what is predicted, of whatever scheduler the config names.

    Raises:
        BaseModelError: it is missing, damaged, or no schedule of noise.
    """
    config = read_config(path, advice)
    prediction = config.get("prediction_type", "epsilon")
    if prediction not in _PREDICTIONS or "beta_schedule" not in config:
        raise BaseModelError(
            f"{path}: another kind of model (found {one_line(config.get('_class_name'))} with "
            f"prediction_type {one_line(prediction)}, expected {', '.join(_PREDICTIONS)} on a schedule "
            "of betas). docs/base-models.md says which base models work."
        )

    def build(config: Mapping[str, Any]) -> DDIMScheduler:
        # The schedulers of Stable Diffusion do not clip; DDIM's default does.
        scheduler: DDIMScheduler = DDIMScheduler.from_config({"clip_sample": False, **config})
        if not bool(((scheduler.betas >= 0) & (scheduler.betas <= 1)).all()):  # NaN neither
            raise ValueError("betas that are no schedule of noise")
        DDIMScheduler.from_config(scheduler.config).set_timesteps(1)  # raises what sampling would
        return scheduler

    scheduler: DDIMScheduler = built(build, config, path, advice)
    return scheduler


def _require_fit(folder: Path, checked: _Checked, prompt: Prompt) -> None:
    """The components of a folder speak of the same latents and the same prompt."""
    config = checked.unet.config
    pooled = 0 if prompt.pooled is None else prompt.pooled.shape[1]
    found = (config["cross_attention_dim"], pooled_channels(config))
    if found != (prompt.embedding.shape[-1], pooled):
        raise BaseModelError(
            f"{checked.unet.folder / 'config.json'}: does not fit the prompt of {folder} (found "
            f"cross_attention_dim and pooled channels {found}, expected "
            f"{(prompt.embedding.shape[-1], pooled)}). Get the base model again."
        )
