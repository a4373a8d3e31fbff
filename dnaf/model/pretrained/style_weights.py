"""Weights of a style encoder: timm's files, or a Hugging Face folder of Swin converted to timm's names."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file

from dnaf.core import commands, files
from dnaf.core.errors import BaseModelError, one_line
from dnaf.model.pretrained.checked_component import read_config, require_no_pointer, require_shapes
from dnaf.model.pretrained.provenance import Provenance
from dnaf.model.style_encoder import StyleEncoder

Tensors = dict[str, torch.Tensor]
_ADVICE = (
    "Set model.style_encoder_weights in params.yaml to a file of that timm model, or model.style_encoder."
)
_HUGGING_FACE_FILES = ("model.safetensors", "pytorch_model.bin")

# Hugging Face's names of Swin -> timm's, in this order. Merging of patches ends a stage there and begins the
# next one in timm.
_RENAMES = (
    (r"^swin\.", ""),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.norm\.", "patch_embed.norm."),
    (r"^encoder\.layers\.", "layers."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.self\.relative_position_bias_table$", ".attn.relative_position_bias_table"),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head.fc."),
)
_QKV = ("query", "key", "value")


def load_style_weights(encoder: StyleEncoder, path: Path) -> Provenance:
    """Fills a style encoder, in place, and tells where its weights came from.

    Args:
        path: timm's file (safetensors, or a pickle of tensors alone), or a Hugging Face folder of Swin.

    Raises:
        BaseModelError: missing, damaged, or of another model: names the first tensor that does not fit.
    """
    file = _weights_file(path)
    tensors = _read(file)
    if path.is_dir():
        require_swin(path)
        tensors = swin_to_timm(tensors)
    tensors = _as_timm_has_them_now(encoder.config.model_name, tensors, file)
    found = _for_features(tensors, encoder.backbone.state_dict(), file)
    encoder.backbone.load_state_dict(found)
    return (
        Provenance.of(path, [file])
        if path.is_dir()
        else Provenance(str(path), {file.name: files.digest(file)})
    )


def swin_to_timm(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Tensors of a Hugging Face Swin with timm's names; queries, keys and values are stacked.

    The maps are equal where windows divide them. Where not, as nowhere in Swin's own training, Hugging Face
    pads a map before it shifts it, and timm after.
    """
    converted: Tensors = {}
    for name, tensor in tensors.items():
        if name.endswith("relative_position_index"):
            continue  # computed from the size of the window
        for pattern, replacement in _RENAMES:
            name = re.sub(pattern, replacement, name)
        name = re.sub(r"^layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) + 1}.downsample", name)
        converted[name] = tensor
    for name in [name for name in converted if ".attention.self.query." in name]:
        matrices = [converted.pop(name.replace(".query.", f".{each}.")) for each in _QKV]
        converted[name.replace(".attention.self.query.", ".attn.qkv.")] = torch.cat(matrices)
    return converted


def require_swin(folder: Path) -> None:
    """Checks that a Hugging Face folder holds a Swin.

    Raises:
        BaseModelError: it holds another model.
    """
    kind = read_config(folder / "config.json").get("model_type")
    if kind != "swin":
        raise BaseModelError(
            f"{folder / 'config.json'}: not a Swin, the one kind that Hugging Face's names are converted for "
            f"(found model_type {kind}, expected swin). Use a file of timm."
        )


def _weights_file(path: Path) -> Path:
    candidates = [path / name for name in _HUGGING_FACE_FILES] if path.is_dir() else [path]
    present = [each for each in candidates if each.is_file()]
    if not present:
        raise BaseModelError(
            f"{candidates[0]}: missing. `{commands.stage('doctor')}` says how to get the weights of a style "
            "encoder."
        )
    require_no_pointer(present[0])
    return present[0]


def _read(path: Path) -> Tensors:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    # torch raises pickle's errors, EOFError, RuntimeError and more, by what is wrong.
    except Exception as error:
        reason = one_line(error)
        raise BaseModelError(f"{path}: not a file of tensors ({reason}). Get it again.") from error
    for key in ("state_dict", "model"):  # how timm and the authors of Swin wrap them
        content = content.get(key, content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not all(isinstance(each, torch.Tensor) for each in content.values()):
        raise BaseModelError(f"{path}: not a file of tensors (found {type(content).__name__}). Get it again.")
    return content


def _as_timm_has_them_now(model_name: str, tensors: Tensors, path: Path) -> Tensors:
    """Older layouts of a model's file, by the function that timm has for it."""
    with torch.device("meta"):
        model = timm.create_model(model_name, pretrained=False)
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return tensors
    try:
        return dict(convert(tensors, model))
    except (AttributeError, KeyError, RuntimeError, ValueError) as error:
        reason = one_line(error)
        raise BaseModelError(f"{path}: not the weights of {model_name} ({reason}). {_ADVICE}") from error


def _for_features(tensors: Tensors, expected: Mapping[str, torch.Tensor], path: Path) -> Tensors:
    """The tensors by the names that `features_only` gives them, without those of later stages."""
    found: Tensors = {}
    for name, tensor in tensors.items():
        ours = next((each for each in _feature_names(name) if each in expected), None)
        if ours is not None:
            found[ours] = tensor
    shapes = [{name: tuple(each.shape) for name, each in side.items()} for side in (found, expected)]
    require_shapes(path, shapes[0], shapes[1], _ADVICE)
    return found


def _feature_names(name: str) -> list[str]:
    """`layers.0.norm.bias` may have become `layers_0.norm.bias`: timm takes a model's stages out of it."""
    names = name.split(".")
    joined = ["_".join(names[:i]) + "." + ".".join(names[i:]) for i in range(2, len(names))]
    return [name, f"model.{name}", *joined]
