"""The demo's base model: trained as part of a whole DNAF model, of which the adapter is thrown away.

    unet/  scheduler/  autoencoder/  style_encoder/  prompt.safetensors  loss.csv  README.md  manifest.json

Its people are drawn from another seed than the demo's. A part of the targets is trained without style and
pose, so that the UNet by itself denoises people as Stable Diffusion's does.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dnaf.core import commands, config, files, images, locks
from dnaf.data.archives.passwords import PUBLIC
from dnaf.data.demo.write import write_demo
from dnaf.data.formats.registry import FORMATS
from dnaf.data.loader import Sources
from dnaf.data.pairs.write import write_split
from dnaf.data.pose_maps.write import write_pose_maps
from dnaf.data.unpack import unpack
from dnaf.model.build import build_autoencoder
from dnaf.model.pretrained.prompt import write_prompt
from dnaf.pipeline import DNAFPipeline, load_pipeline
from dnaf.train.latents import write_latents
from dnaf.train.loop import Outputs, train

_DATASET = "demo"
_LATENTS = "latents.zip"
_SECTIONS = ("people", "render", "model", "training")
_COMPONENTS = ("unet", "scheduler", "autoencoder", "style_encoder")


@dataclass(frozen=True)
class Recipe:
    """All that the base model depends on: which people, how they are shown, which model, how trained."""

    seed: int
    people: config.MakeDemo
    render: config.Render
    size: images.Size
    model: config.Model
    training: config.Train

    def values(self) -> dict[str, Any]:
        """All values, JSON-able."""
        sections = {name: value.model_dump() for name, value in vars(self).items() if name in _SECTIONS}
        return {"seed": self.seed, "size": list(self.size), **sections}


def pretrain_base(folder: Path, recipe: Recipe) -> None:
    """Draws people, trains, and writes the base model; goes on where a killed run of the same recipe stopped.

    Raises:
        StateError, NumericalError, ResourceError: see `loop.train`.
    """
    work = files.scratch_folder("pretrain", files.fingerprint(recipe.values()))
    outputs = Outputs(work / "model", work / "loss.csv", work / "samples", work / "tensorboard")
    with locks.sole_writer(work):
        sources = _prepare(work, recipe)
        if not (outputs.model / files.MANIFEST).exists():
            train(sources, work / _LATENTS, outputs, recipe.model, recipe.training, recipe.seed)
        write_base(folder, outputs.model, outputs.loss_curve, recipe)
        files.remove_folder(work)


def write_base(folder: Path, model: Path, loss_curve: Path, recipe: Recipe) -> None:
    """Writes those components of a model that `train` wrote which a base model has."""
    pipeline = load_pipeline(model)
    with files.atomic_folder(folder) as temporary:
        for name in _COMPONENTS:
            if (model / name).exists():
                # Not saved anew: diffusers would write down the folder that a part was loaded from.
                shutil.copytree(model / name, temporary / name)
        write_prompt(temporary / "prompt.safetensors", pipeline.adapter.prompt_embedding)
        shutil.copyfile(loss_curve, temporary / loss_curve.name)
        files.write_atomic(temporary / "README.md", _readme(pipeline, recipe))
        files.write_manifest(temporary, recipe.values())


def _prepare(work: Path, recipe: Recipe) -> Sources:
    """What the stages up to `latents` write, each left out if it is done."""
    raw, images_zip, prepared, pairs, pose_maps = (
        work / name for name in (f"raw/{_DATASET}", "images.zip", "prepared.zip", "pairs", "pose_maps.zip")
    )
    data_format = FORMATS["deepfashion"]
    if not (raw / "img_highres.zip").exists():  # written last
        write_demo(raw, recipe.seed, recipe.people.num_train_outfits, recipe.people.num_test_outfits)
    if not prepared.exists():
        unpack(raw, images_zip, prepared, recipe.size, data_format, lambda _: PUBLIC[_DATASET])
    if not (pairs / files.MANIFEST).exists():
        write_split(raw, images_zip, pairs, data_format, recipe.size, max_test_pairs=1)
    if not pose_maps.exists():
        write_pose_maps(pairs, pose_maps, recipe.render.renderer, recipe.render.canvas, recipe.size)
    sources = Sources(pairs / "train.csv", prepared, pose_maps)
    autoencoder, base = build_autoencoder(recipe.model.base, recipe.model.unshuffle)
    write_latents(sources.pairs, sources.images, work / _LATENTS, autoencoder, base, torch.device("cpu"))
    return sources


def _readme(pipeline: DNAFPipeline, recipe: Recipe) -> str:
    num_weights = sum(parameter.numel() for parameter in pipeline.unet.parameters())
    (height, width), training = recipe.size, recipe.training
    return f"""\
# The demo's base model

A UNet of Stable Diffusion's class with {num_weights:,} weights for images of {height}x{width} pixels, a style
encoder (`{recipe.model.style_encoder}`), the embedding of the constant prompt, and the scheduler. The demo
loads them frozen, as it would load Stable Diffusion, and trains DNAF's own components on them.

Made by `{commands.stage("pretrain_base")}` from [params/base.yaml](../../../params/base.yaml):
{recipe.people.num_train_outfits:,} drawn outfits in six views each, of seed {recipe.seed} (the demo's people
are of another seed), {training.steps:,} steps of {training.batch_size} pairs. `loss.csv` is the log of the
training; `manifest.json` holds the sha256 of every file and the values of the recipe.

How it differs from Stable Diffusion, which has seen single images with captions: an hour of one core does
not teach a plain denoiser that much. So this UNet was trained as a part of a whole DNAF model on pairs of
images, and the model's pose adapter and appearance blocks were thrown away;
{training.condition_dropout:.0%} of the targets had neither style nor pose, as a plain denoiser's. Its
self-attention has therefore met the style's keys and values before, and the style encoder has learnt from
the same pairs, where a real one comes from the classification of photographs.
"""
