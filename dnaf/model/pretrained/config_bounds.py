"""What the config of a part of a model may say, held before anything is built from it.

A config comes with the weights of other people. A number in it decides how much memory is taken, how long a
loop runs and what is divided by what, so each lies within bounds, and a model has no more tensors than any
real one.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from dnaf.core.errors import BaseModelError, one_line, short

MAX_BYTES = 5_000_000  # one with 21,841 names of classes has 1.6 million
_MAX_DEPTH = 8  # the deepest has 3
_MAX_TENSORS = 10_000  # the UNet of Stable Diffusion XL has 1,680
_ANY = (0, 1_000_000)  # widths, sizes, numbers of layers and of tokens
_BOUNDS: dict[str, tuple[float, float]] = {
    "num_train_timesteps": (1, 10_000),  # Stable Diffusion has 1,000
    "steps_offset": (0, 100),
    "norm_num_groups": (1, 10_000),
    "attention_head_dim": (1, 10_000),
    "num_attention_heads": (1, 10_000),
    "norm_eps": (1e-12, 1),
    "layer_norm_eps": (1e-12, 1),
    "scaling_factor": (1e-6, 1_000_000),
    "mid_block_scale_factor": (1e-6, 1_000_000),
    "resnet_out_scale_factor": (1e-6, 1_000_000),
    "style_scale": (1e-3, 2),  # as params.yaml allows it
    "std": (1e-6, 1_000_000),
    "chroma_gain": (1e-6, 1_000_000),
    "shift_factor": (-1_000_000, 1_000_000),
    "latents_mean": (-1_000_000, 1_000_000),
    "total_size": (0, math.inf),  # bytes, in an index of weights
    "lambda_min_clipped": (-math.inf, math.inf),  # DPM-Solver's, for which no limit is minus infinity
}
_MAY_BE_ABSENT = (
    "norm_num_groups",
    "num_attention_heads",
    "shift_factor",
    "latents_mean",
    "lambda_min_clipped",
)


def require_bounded(config: Mapping[str, Any], path: Path, advice: str) -> None:
    """Checks every number of a config, and how deep it is.

    Raises:
        BaseModelError: names the first key whose value no model can have.
    """
    for key, value, depth in _leaves(config, "", 1):
        if depth > _MAX_DEPTH:
            raise BaseModelError(
                f"{path}: {key}: nested too deep (found more than {_MAX_DEPTH} levels, expected at most "
                f"{_MAX_DEPTH}). {advice}"
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in _BOUNDS and not is_number and not (value is None and key in _MAY_BE_ABSENT):
            raise BaseModelError(f"{path}: {key}: not a number (found {short(value)}). {advice}")
        if not is_number:
            continue
        low, high = (-1, _ANY[1]) if key.endswith("_token_id") else _BOUNDS.get(key, _ANY)
        if not low <= value <= high:  # NaN neither
            raise BaseModelError(
                f"{path}: {key}: out of range (found {short(value)}, expected {low:g} to {high:g}). {advice}"
            )


def _leaves(value: Any, key: str, depth: int) -> Iterator[tuple[str, Any, int]]:
    """Values that hold no others, by the last key above them, and their depth; none below the greatest."""
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        yield key, value, depth
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name, depth + 1)
    else:
        for inner in value:
            yield from _leaves(inner, key, depth + 1)


@contextmanager
def few_tensors() -> Iterator[None]:
    """Stops the building of a model, by a ValueError, as soon as it has more tensors than any real one."""
    count = 0

    def counted(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        nonlocal count
        count += 1
        if count > _MAX_TENSORS:
            raise ValueError(f"more than {_MAX_TENSORS:,} tensors")

    handle = register_module_parameter_registration_hook(counted)
    try:
        yield
    finally:
        handle.remove()


def built(
    build: Callable[[Mapping[str, Any]], Any], config: Mapping[str, Any], path: Path, advice: str
) -> Any:
    """What `build` makes of a config.

    Raises:
        BaseModelError: it cannot, for whatever reason, or it makes something of too many tensors.
    """
    try:
        with few_tensors():
            return build(config)
    # diffusers, transformers and timm raise whatever the line raises on which a value does not fit.
    except Exception as error:
        reason = one_line(str(error).removeprefix("params.yaml: model.style_encoder: "))
        raise BaseModelError(f"{path}: not usable ({reason or type(error).__name__}). {advice}") from error
