"""Loading a part of a model from its folder: names and shapes are checked before a weight is read.

diffusers and transformers fill a missing tensor with random values and only log it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open
from torch import nn

from dnaf.core.errors import BaseModelError, one_line
from dnaf.model.pretrained.config_bounds import MAX_BYTES, built, require_bounded

GET_AGAIN = "Get the folder again."
_LFS_POINTER = b"version https://git-lfs"
# diffusers' name, then transformers'; one file, or an index of several; the variant in half precision last.
_STEMS = ("diffusion_pytorch_model", "model")
_NAMES = (
    "{}.safetensors",
    "{}.safetensors.index.json",
    "{}.fp16.safetensors",
    "{}.safetensors.index.fp16.json",
)

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class CheckedComponent:
    """A component whose files hold exactly its tensors; `load` reads them.

    Attributes:
        folder: of the component.
        config: its config.json.
        files: all that `load` depends on: config and weights.
    """

    folder: Path
    config: Mapping[str, Any]
    files: tuple[Path, ...]
    _build: Callable[[Mapping[str, Any]], nn.Module]
    _rename: Callable[[str], str | None]

    def load(self, dtype: torch.dtype = torch.float32) -> Any:
        """The module with its weights in `dtype`, in evaluation mode and without gradients."""
        with init_empty_weights():
            module = built(self._build, self.config, self.files[0], GET_AGAIN)
        tensors = {}
        for path in self.files[1:]:
            with safe_open(path, "pt") as file:
                for name in file.keys():  # noqa: SIM118  it is no mapping
                    if (ours := self._rename(name)) is not None:
                        tensor = file.get_tensor(name)
                        # A copy: what safetensors gives stands in the file, and dies with it.
                        kind = dtype if tensor.is_floating_point() else tensor.dtype
                        tensors[ours] = tensor.to(kind, copy=True)
        module.load_state_dict(tensors, assign=True)
        return module.requires_grad_(False).eval()


def check_component(
    folder: Path,
    class_names: tuple[str, ...],
    build: Callable[[Mapping[str, Any]], nn.Module],
    rename: Callable[[str], str | None] = str,
    advice: str = GET_AGAIN,
) -> CheckedComponent:
    """Checks a component's folder without reading its weights.

    Args:
        class_names: allowed in config.json; () for a config that names none.
        build: an instance from the config.
        rename: a tensor's name in the file -> in the instance; None: not needed.
        advice: what a user does about a damaged folder.

    Raises:
        BaseModelError: names the first file or tensor that is missing, damaged or of another kind.
    """
    config = read_config(folder / "config.json", advice)
    architectures = config.get("architectures")
    found = config.get("_class_name") or (
        architectures[0] if isinstance(architectures, list) and architectures else None
    )
    if class_names and found not in class_names:
        raise BaseModelError(
            f"{folder / 'config.json'}: another kind of model (found {one_line(found)}, expected "
            f"{' or '.join(class_names)}). docs/base-models.md says which base models work."
        )
    weights = find_weights(folder, advice)
    shapes: Shapes = {}
    for path in weights:
        for name, shape in read_shapes(path, advice).items():
            if (ours := rename(name)) is not None:
                shapes[ours] = shape
    with torch.device("meta"):
        module = built(build, config, folder / "config.json", advice)
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    require_shapes(weights[0], shapes, expected, advice)
    return CheckedComponent(folder, config, (folder / "config.json", *weights), build, rename)


def read_config(path: Path, advice: str = GET_AGAIN) -> dict[str, Any]:
    """Reads a component's JSON config, every number of it within bounds.

    Raises:
        BaseModelError: missing, a pointer of git-lfs, not JSON, or with a value that no model has.
    """
    if not path.is_file():
        raise BaseModelError(f"{path}: missing. {advice}")
    require_no_pointer(path)
    if (size := path.stat().st_size) > MAX_BYTES:
        raise BaseModelError(
            f"{path}: too large (found {size:,} bytes, expected at most {MAX_BYTES:,}). {advice}"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BaseModelError(f"{path}: not valid JSON ({one_line(error)}). {advice}") from error
    if not isinstance(config, dict):
        raise BaseModelError(f"{path}: not a config (found {type(config).__name__}). {advice}")
    require_bounded(config, path, advice)
    return config


def find_weights(folder: Path, advice: str = GET_AGAIN) -> list[Path]:
    """The safetensors files of a component's folder; full precision rather than half, if both were fetched.

    Raises:
        BaseModelError: there are none, or only pointers of git-lfs, or only pickles.
    """
    candidates = [folder / name.format(stem) for stem in _STEMS for name in _NAMES]
    present = [path for path in candidates if path.is_file()]
    for path in present:
        if is_pointer(path):
            continue
        if path.suffix == ".safetensors":
            return [path]
        try:
            names = sorted(set(read_config(path, advice)["weight_map"].values()))
            shards = [folder / Path(name).name for name in names]
        except (KeyError, AttributeError, TypeError) as error:
            raise BaseModelError(f"{path}: not an index of weights ({error!r}). {advice}") from error
        for shard in shards:
            if not shard.is_file():
                raise BaseModelError(f"{shard}: missing. {advice}")
        if not any(map(is_pointer, shards)):
            return shards
        present = shards
    for path in present:
        require_no_pointer(path)
    pickles = [path.name for path in sorted(folder.glob("*.bin")) + sorted(folder.glob("*.ckpt"))]
    if pickles:
        raise BaseModelError(
            f"{folder}: weights only as pickle, which can run code (found {pickles[0]}, expected "
            f"{_STEMS[0]}.safetensors or {_STEMS[1]}.safetensors). Get the safetensors files."
        )
    raise BaseModelError(
        f"{folder}: no weights (expected {_STEMS[0]}.safetensors or {_STEMS[1]}.safetensors). {advice}"
    )


def is_pointer(path: Path) -> bool:
    """Whether a file is what `git clone` leaves in place of a large one without git-lfs."""
    with open(path, "rb") as file:
        return file.read(len(_LFS_POINTER)) == _LFS_POINTER


def require_no_pointer(path: Path) -> None:
    """Raises a BaseModelError if a file is a pointer of git-lfs."""
    if is_pointer(path):
        raise BaseModelError(
            f"{path}: a pointer of git-lfs, not the file itself. "
            "Run `git lfs install` and `git lfs pull` in that folder."
        )


def read_shapes(path: Path, advice: str = GET_AGAIN) -> Shapes:
    """Names and shapes of the tensors of a safetensors file; reads its header only.

    Raises:
        BaseModelError: the file is cut or not a safetensors file.
    """
    try:
        with safe_open(path, "pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BaseModelError(f"{path}: damaged ({one_line(error)}). {advice}") from error


def require_shapes(path: Path, found: Shapes, expected: Shapes, advice: str = GET_AGAIN) -> None:
    """Checks tensors by name and shape.

    Raises:
        BaseModelError: counts those missing, unexpected or of another shape, and names the first.
    """
    missing, unexpected = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    for names, problem in ((missing, "missing"), (unexpected, "unexpected")):
        if names:
            raise BaseModelError(
                f"{path}: {len(names)} of {len(expected)} tensors {problem} (first: {names[0]}). {advice}"
            )
    other = sorted(name for name in expected if found[name] != expected[name])
    if other:
        raise BaseModelError(
            f"{path}: {len(other)} tensors of another shape (first: {other[0]}, found {found[other[0]]}, "
            f"expected {expected[other[0]]}). {advice}"
        )
