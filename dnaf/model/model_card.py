"""The model card beside a saved model: README.md, as huggingface.co shows it.

It tells what the pipeline itself holds, and nothing of time or machine: the same model gives the same bytes.
Metrics and data are added by `dnaf.publishing`, which knows them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import ModelCardData

from dnaf.core import markdown
from dnaf.model.pretrained.known_bases import KNOWN_BASES, KnownBase, is_of_the_demo

if TYPE_CHECKING:  # not imported where no model is: they take seconds
    from dnaf.model.components import Components
    from dnaf.model.pretrained.provenance import Provenance

CARD = "README.md"
FOLDER = "path/to/this/folder"  # in the card's code: wherever its reader has put the model
TASK = "image-to-image"

_UNKNOWN = "unknown"  # to huggingface.co too
_COMPONENTS = {
    "pose_adapter": "pose adapter",
    "appearance_blocks": "appearance blocks",
    "noise_aware": "noise-aware features",
    "style_pose": "pose of the style image",
}
_WHAT = """\
# DNAF: pose-guided person image synthesis

Given an image of a person and a pose, this model makes an image of that person in that pose. It was trained
with the project `dnaf`, an independent implementation of
[DNAF, *Diffusion with Noise-Aware Feature* (ICME 2024)](https://openreview.net/forum?id=VARhPBRZ58)."""


def model_card(components: "Components") -> str:
    """The card's text: YAML front matter, then Markdown."""
    base, size = components.adapter.base, components.adapter.config.trained_size
    known = None if base is None else KNOWN_BASES.get(Path(base.folder).name)
    data = ModelCardData(
        base_model=known.repository if known else None,
        base_model_relation="adapter" if known else None,
        library_name="diffusers",
        license=_license(base, known),
        pipeline_tag=TASK,
        tags=["dnaf", "pose-guided-person-image-synthesis"],
    )
    sections = [
        _WHAT,
        _facts(components, size),
        "## Base model and licence",
        *(_from_scratch() if base is None else _on_base(base, known)),
        *_style_weights(components.adapter.style_weights),
        "## Loading",
        *_loading(components),
        "## Limits",
        _limits(components, size),
    ]
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n"


def _license(base: "Provenance | None", known: KnownBase | None) -> str:
    if known is not None:
        return known.license
    return "apache-2.0" if base is not None and is_of_the_demo(base.folder) else _UNKNOWN


def _facts(components: "Components", size: tuple[int, int] | None) -> str:
    config = components.adapter.config
    trained = (
        [components.adapter]
        if components.adapter.base
        else [components.unet, components.adapter, components.style_encoder]
    )
    num_weights = sum(
        each.numel() for component in trained if component is not None for each in component.parameters()
    )
    rows = {
        "components": ", ".join(title for key, title in _COMPONENTS.items() if config[key]) or "none",
        "trained weights": f"{num_weights:,}",
        "trained at": f"{size[0]}x{size[1]} pixels (height x width)" if size else _UNKNOWN,
        "pose maps": f"{config.pose_channels} channels",
        "UNet predicts": f"`{components.scheduler.config.prediction_type}`",
    }
    if components.style_encoder is not None:
        rows["style encoder"] = f"`{components.style_encoder.config.model_name}`"
    return markdown.table(["", ""], rows.items())


def _from_scratch() -> Iterator[str]:
    yield "No base model: every weight was trained from scratch. Licence: unknown, ask whoever trained it."


def _on_base(base: "Provenance", known: KnownBase | None) -> Iterator[str]:
    yield (
        "This folder has only what was trained. It also needs the frozen base model, which was in "
        f"`{base.folder}` at the training: these files of it. Other files raise an error, even the same "
        "weights in another precision."
    )
    yield _digests(base)
    if known is not None:
        yield (
            "By its folder's name the base is "
            f"[{known.repository}](https://huggingface.co/{known.repository}), whose licence is "
            f"{known.license_name}. Read that licence before you use these weights or pass them on: its "
            "restrictions of use go with what is made from the base."
        )
    elif is_of_the_demo(base.folder):
        yield (
            "The base is that of `dnaf`'s demo, trained there on drawn people, under the project's licence, "
            "Apache-2.0."
        )
    else:
        yield "Licence of the base: unknown, ask its publisher."


def _style_weights(origin: "Provenance | None") -> Iterator[str]:
    if origin is None:
        return
    yield (
        f"The style encoder's weights stood in `{origin.folder}` at the training. Licence: unknown, ask "
        "their publisher."
    )
    yield _digests(origin)


def _digests(origin: "Provenance") -> str:
    rows = {f"`{name}`": f"`{sha256}`" for name, sha256 in origin.sha256.items()}
    if origin.prompt is not None:
        rows["embedding of the prompt"] = f"`{origin.prompt}`"
    return markdown.table(["file", "sha256"], rows.items())


def _loading(components: "Components") -> Iterator[str]:
    base, style_weights = components.adapter.base, components.adapter.style_weights
    arguments = [f'"{FOLDER}"']
    if base is not None:
        arguments.append(f'base="{base.folder}"')
        if style_weights is not None:
            arguments.append(f'style_encoder_weights="{style_weights.folder}"')
    yield "\n".join(
        [
            "```python",
            "from dnaf.pipeline import DNAFPipeline",
            "",
            "pipeline = DNAFPipeline.from_pretrained(",
            *(f"    {argument}," for argument in arguments),
            ")",
            "images = pipeline(style=style, style_pose_map=style_pose_map, pose_map=pose_map).images",
            "```",
        ]
    )
    config = components.adapter.config
    yield (
        "`style` are images of persons, `style_pose_map` the pose maps of these images and `pose_map` those "
        "of the wanted poses: PIL images, arrays (N,H,W,C) or tensors (N,C,H,W), both in [0,1]. A pose map "
        f"has {config.pose_channels} channels; H and W are multiples of {config.downscale}."
    )


def _limits(components: "Components", size: tuple[int, int] | None) -> str:
    at = f" at {size[0]}x{size[1]} pixels," if size else ""
    return (
        f"- Trained{at} with pose maps of {components.adapter.config.pose_channels} channels as one renderer "
        "draws them; other sizes and drawings run, but were not trained.\n"
        "- The prompt is constant: no text is read.\n"
        "- There is no safety checker."
    )
