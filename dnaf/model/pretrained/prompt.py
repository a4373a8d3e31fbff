"""The embedding of the one fixed prompt, which is the same for every image.

What runs text encoders imports transformers itself: it takes a second, and a trained adapter needs none.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from dnaf.core.errors import BaseModelError, one_line
from dnaf.model.pretrained.checked_component import (
    GET_AGAIN,
    CheckedComponent,
    check_component,
    read_shapes,
    require_no_pointer,
)
from dnaf.model.pretrained.config_bounds import built

PROMPT = "person, white background"
_TENSOR = "prompt_embedding"
_VOCABULARY = ("vocab.json", "merges.txt")


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
    if not path.is_file():
        raise BaseModelError(f"{path}: missing. {GET_AGAIN}")
    require_no_pointer(path)
    shapes = read_shapes(path)
    if list(shapes) != [_TENSOR] or len(shapes[_TENSOR]) != 3 or shapes[_TENSOR][0] != 1:
        raise BaseModelError(
            f"{path}: not a prompt's embedding (found {shapes}, expected {_TENSOR} (1, tokens, channels)). "
            f"{GET_AGAIN}"
        )
    return Prompt(load_file(path)[_TENSOR].to(torch.float32, copy=True))


def write_prompt(path: Path, embedding: torch.Tensor) -> None:
    """Writes the embedding (1,tokens,channels) of a base without a text encoder."""
    save_file({_TENSOR: embedding.detach().float().cpu().contiguous()}, path)


@dataclass(frozen=True)
class CheckedText:
    """A tokenizer with its text encoder, checked and not yet loaded."""

    tokenizer: Path
    encoder: CheckedComponent


def check_text(folder: Path, with_second: bool) -> list[CheckedText]:
    """Checks tokenizer and text encoder of a base model; `with_second`: both pairs of Stable Diffusion XL.

    Raises:
        BaseModelError: one is missing, incomplete or of another kind.
    """
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    found = []
    for suffix in ("", "_2") if with_second else ("",):
        tokenizer = folder / f"tokenizer{suffix}"
        for name in _VOCABULARY:  # without them, transformers makes a vocabulary of three words
            if not (tokenizer / name).is_file():
                raise BaseModelError(f"{tokenizer / name}: missing. {GET_AGAIN}")
            require_no_pointer(tokenizer / name)
        kind = CLIPTextModelWithProjection if suffix else CLIPTextModel
        encoder = check_component(
            folder / f"text_encoder{suffix}",
            (kind.__name__,),
            _builder(kind),
            _with_prefix if suffix else _without_prefix,
        )
        found.append(CheckedText(tokenizer, encoder))
    return found


@torch.no_grad()
def embed_prompt(texts: Sequence[CheckedText]) -> Prompt:
    """Runs the text encoders, in float32, as diffusers' pipelines do.

    Source: `StableDiffusionPipeline.encode_prompt`, `StableDiffusionXLPipeline.encode_prompt`: the last
    hidden state; of two encoders the last but one, side by side, and the second one's pooled output.

    Raises:
        BaseModelError: a tokenizer is not its encoder's.
    """
    outputs = []
    for text in texts:
        encoder, tokens = text.encoder.load(), _tokens(text)

        def run(config: Mapping[str, Any], encoder: Any = encoder, tokens: Any = tokens) -> Any:
            return encoder(tokens, output_hidden_states=True)

        outputs.append(built(run, text.encoder.config, text.encoder.files[0], GET_AGAIN))
    if len(outputs) == 1:
        return Prompt(outputs[0].last_hidden_state)
    hidden = torch.cat([output.hidden_states[-2] for output in outputs], -1)
    return Prompt(hidden, outputs[-1].text_embeds)


def _tokens(text: CheckedText) -> torch.Tensor:
    from transformers import CLIPTextConfig, CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(text.tokenizer, local_files_only=True)
    # tokenizers, which is written in Rust, raises plain exceptions.
    except Exception as error:
        reason = one_line(error)
        raise BaseModelError(f"{text.tokenizer}: damaged ({reason}). {GET_AGAIN}") from error
    expected = text.encoder.config.get("vocab_size", CLIPTextConfig().vocab_size)
    if len(tokenizer) != expected:
        raise BaseModelError(
            f"{text.tokenizer / _VOCABULARY[0]}: not the text encoder's (found {len(tokenizer)} tokens, "
            f"expected {expected}). {GET_AGAIN}"
        )
    length = text.encoder.config.get("max_position_embeddings", 77)
    tokens: torch.Tensor = tokenizer(
        PROMPT, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    return tokens


def _builder(kind: Any) -> Any:
    from transformers import CLIPTextConfig

    def build(config: Mapping[str, Any]) -> Any:
        return kind(CLIPTextConfig.from_dict(dict(config)))

    return build


def _with_prefix(name: str) -> str | None:
    # A buffer that older versions of transformers saved.
    return None if name.endswith("position_ids") else name


def _without_prefix(name: str) -> str | None:
    # transformers 5 took the model out of the module that it stood in.
    return None if name.endswith("position_ids") else name.removeprefix("text_model.")
