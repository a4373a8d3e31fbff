"""Whether the base model, the style encoder's weights and the adapter to start from are there."""

from pathlib import Path

from dnaf.core import config, files
from dnaf.core.errors import BaseModelError, ConfigError, DnafError
from dnaf.doctor.finding import Finding
from dnaf.model.pretrained.known_bases import KNOWN_BASES, is_of_the_demo

_SWIN = "microsoft/swin-base-patch4-window7-224"
# Folders' names as `git clone` gives them, and the repository on huggingface.co.
_REPOSITORIES = {
    **{name: base.repository for name, base in KNOWN_BASES.items()},
    "swin-base-patch4-window7-224": _SWIN,
}


def inspect_model(model: config.Model, init: str | None, size: tuple[int, int]) -> list[Finding]:
    """What of the model is there; nothing is loaded, only names and shapes of tensors are read.

    Args:
        init: `train.init`, the folder of a trained model.
        size: (height, width) of the data set's images.
    """
    return [_base(model, size), _style_weights(model), _start(init, model.base)]


def _base(model: config.Model, size: tuple[int, int]) -> Finding:
    what = "base model"
    if model.base is None:
        return Finding(what, "absent", "model.base is null: everything is trained from scratch")
    path = Path(model.base)
    if not path.exists():
        return Finding(what, "missing", f"{path}, which params.yaml names; {how_to_get(path)}")
    from dnaf.model.pretrained.base_model import inspect_base, require_trained_size

    try:
        found = inspect_base(path)
        require_trained_size(path, size)
    except DnafError as error:
        return Finding(what, "wrong", str(error))
    if any(side % found.downscale for side in size):
        return Finding(
            what, "wrong", f"{path}: needs sides that are multiples of {found.downscale} (found {size})"
        )
    knows = ", knows drawn people only" if is_of_the_demo(model.base) else ""
    return Finding(what, "ok", f"{path}: {found.family}, predicts {found.prediction_type}{knows}")


def _style_weights(model: config.Model) -> Finding:
    what = f"weights of the style encoder {model.style_encoder}"
    if not model.appearance_blocks:
        return Finding(what, "absent", "model.appearance_blocks is false: none is used")
    if model.style_encoder_weights is None:
        return Finding(what, "absent", "model.style_encoder_weights is null: those of the base, else random")
    path = Path(model.style_encoder_weights)
    if not path.exists():
        return Finding(what, "missing", f"{path}, which params.yaml names; {how_to_get(path)}")
    from dnaf.model.pretrained.style_weights import load_style_weights
    from dnaf.model.style_encoder import StyleEncoder

    try:
        load_style_weights(StyleEncoder(model.style_encoder, [0]), path)
    except (BaseModelError, ConfigError) as error:
        return Finding(what, "wrong", str(error))
    return Finding(what, "ok", str(path))


def _start(init: str | None, base: str | None) -> Finding:
    what = "adapter to start from"
    if init is None:
        return Finding(what, "absent", "train.init is null: training starts from nothing")
    if base is None:
        return Finding(what, "wrong", f"{init}: only for a model on a base; set train.init to null")
    if not Path(init).exists():
        return Finding(what, "missing", f"{init}, which params.yaml names; a folder that stage train wrote")
    try:
        files.require_complete(Path(init))
    except DnafError as error:
        return Finding(what, "wrong", str(error))
    return Finding(what, "ok", init)


def how_to_get(path: Path) -> str:
    """The commands that fetch a known folder from huggingface.co; the user's to run, none runs by itself."""
    repository = _REPOSITORIES.get(path.name)
    if repository is None:
        return "docs/base-models.md says what works and where it comes from"
    clone = f"`git lfs install; git clone https://huggingface.co/{repository} {path}`"
    return f"{clone} or `uv run hf download {repository} --local-dir {path}`"
