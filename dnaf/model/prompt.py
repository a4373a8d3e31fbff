"""The embedding of the one fixed prompt, which is the same for every image."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from dnaf.errors import BaseModelError

_TENSOR = "prompt_embedding"


@dataclass(frozen=True)
class Prompt:
    """What a base model's cross-attention reads.

    Attributes:
        embedding: (1,tokens,channels) float32.
        pooled: (1,channels) float32; only Stable Diffusion XL has one.
    """

    embedding: torch.Tensor
    pooled: torch.Tensor | None = None

    @property
    def digest(self) -> str:
        """Sha256 of the float32 values."""
        sha256 = hashlib.sha256()
        for tensor in (self.embedding, self.pooled):
            if tensor is not None:
                sha256.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return sha256.hexdigest()


def read_prompt(path: Path) -> Prompt:
    """Reads the one tensor `prompt_embedding` (1,tokens,channels) of a base without a text encoder.

    Raises:
        BaseModelError: there is no such file, or it holds something else.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BaseModelError(f"{path}: could not be read ({error}). Get the base model again.") from error
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if list(shapes) != [_TENSOR] or len(shapes[_TENSOR]) != 3 or shapes[_TENSOR][0] != 1:
        raise BaseModelError(
            f"{path}: not a prompt's embedding (found {shapes}, expected {_TENSOR} (1, tokens, channels)). "
            "Get the base model again."
        )
    return Prompt(tensors[_TENSOR].float())


def write_prompt(path: Path, embedding: torch.Tensor) -> None:
    """Writes the embedding (1,tokens,channels) of a base without a text encoder."""
    save_file({_TENSOR: embedding.detach().float().cpu().contiguous()}, path)
