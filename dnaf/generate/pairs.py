"""Generates every pair of a list: one noise seed a pair, resumable, complete or absent.

An image depends on (model, seed, pair) only, beyond rounding: initial noise comes from the pair's id,
the style's noise from the source's name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from dnaf import config, files, images, seeds
from dnaf.data.loader import PairImages, Sources, to_pixels
from dnaf.data.pairs import pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.errors import BaseModelError, StateError
from dnaf.pipeline import DNAFPipeline, load_pipeline
from dnaf.progress import note, track

_VERSION = 1  # of everything below that changes an image; part of the resume key


@dataclass(frozen=True)
class Task:
    """One pair to generate: `style` is the image conditioned on, which a control may replace."""

    pair_id: str
    style: str
    source: str
    target: str


def generate_pairs(
    sources: Sources,
    model: Path,
    output: Path,
    params: config.Generate,
    seed: int,
    device: torch.device,
    wrong_source: bool,
) -> None:
    """Writes the image store `output` with `<pair_id>.png` for every pair, in the order of the list.

    Args:
        wrong_source: generate each pair from another outfit's source image instead of its own: a control
            that shows how much of the result comes from the source.

    Raises:
        StateError: pairs, images or model are incomplete, or another process generates the same.
        BaseModelError: the model folder does not hold what it should.
        ResourceError: disk full.
    """
    pipeline = load_pipeline(model).to(device)
    data = PairImages(sources)
    if data.pose_channels != pipeline.adapter.config.pose_channels:
        raise BaseModelError(
            f"{model}: made for other pose maps (found {data.pose_channels} channels in {sources.pose_maps}, "
            f"expected {pipeline.adapter.config.pose_channels}). Train it on these."
        )
    tasks = _tasks(data.pairs, wrong_source)
    info = {
        "pairs_sha256": files.digest(sources.pairs),
        "model": files.digest(model / files.MANIFEST),
        "num_pairs": len(tasks),
        "wrong_source": wrong_source,
        "params": params.model_dump(exclude={"num_samples"}),
        "seed": seed,
    }
    key = files.fingerprint({**info, "version": _VERSION, "data": data.fingerprint()})
    folder = files.scratch_folder("generate", key)
    with files.run_lock(folder):
        files.remove_leftovers(output.parent)
        generated = dict(_all_batches(pipeline, data, tasks, params, seed, folder))
        with write_store(output, info) as store:
            for task in tasks:
                store.add(f"{task.pair_id}.png", generated[task.pair_id])
    files.remove_folder(folder)


def wrong_sources(pairs: pd.DataFrame) -> list[str]:
    """For every pair the source of another one: half the list away, and further until the outfit differs.

    The pair lists are shuffled or grouped by outfit; half the list away is far from the own group.
    """
    sources = pairs["source"].tolist()
    outfits = pairs["outfit"].tolist()
    chosen = []
    for index, own in enumerate(outfits):
        shifts = ((index + len(sources) // 2 + further) % len(sources) for further in range(len(sources)))
        # A list of a single outfit has no wrong source; its own is then the only one there is.
        chosen.append(next((sources[other] for other in shifts if outfits[other] != own), sources[index]))
    return chosen


def write_samples(sources: Sources, generated: Path, folder: Path, num_samples: int) -> None:
    """Writes `00.png` …: pose, source, target, generated of pairs spread evenly over the list."""
    data, store = PairImages(sources), ImageStore(generated)
    table = data.pairs[["source", "target"]]
    step = max(1, len(table) // num_samples)
    with files.atomic_folder(folder) as temporary:
        for number, (source, target) in enumerate(table.iloc[::step].head(num_samples).to_numpy()):
            row = [
                data.pose_picture(target),
                to_pixels(data.image(source)),
                to_pixels(data.image(target)),
                store.image(f"{pair_id(source, target)}.png"),
            ]
            sheet = images.sheet([row], enlarge=3)
            files.write_atomic(temporary / f"{number:02d}.png", images.encode_png(sheet))


def _tasks(pairs: pd.DataFrame, wrong_source: bool) -> list[Task]:
    styles = wrong_sources(pairs) if wrong_source else pairs["source"].tolist()
    return [
        Task(pair_id(source, target), style, source, target)
        for style, source, target in zip(styles, pairs["source"], pairs["target"], strict=True)
    ]


def _all_batches(
    pipeline: DNAFPipeline,
    data: PairImages,
    tasks: list[Task],
    params: config.Generate,
    seed: int,
    folder: Path,
) -> Iterator[tuple[str, bytes]]:
    """PNG bytes by pair id; a batch that an interrupted run finished is read instead of generated."""
    # By style, so that the poses of one style share its style pass.
    ordered = sorted(tasks, key=lambda task: (task.style, task.pair_id))
    batches = [ordered[i : i + params.batch_size] for i in range(0, len(ordered), params.batch_size)]
    pipeline.set_progress_bar_config(disable=True)
    finished = sum((folder / f"batch-{index:06d}.zip").exists() for index in range(len(batches)))
    if finished:
        note(f"Resuming: {finished} of {len(batches)} batches are done")
    for index, batch in enumerate(track(batches, "Generating batches", len(batches))):
        part = folder / f"batch-{index:06d}.zip"
        if not _is_intact(part, batch):
            with write_store(part, {}) as writer:
                for task, image in zip(batch, _generate(pipeline, data, batch, params, seed), strict=True):
                    writer.add_image(f"{task.pair_id}.png", to_pixels(image))
        store = ImageStore(part)
        yield from ((task.pair_id, store.read(f"{task.pair_id}.png")) for task in batch)


def _is_intact(part: Path, batch: list[Task]) -> bool:
    """Whether an interrupted run finished this batch, every byte as it was written."""
    if not part.exists():
        return False
    try:
        finished = ImageStore(part)
        for task in batch:
            finished.read(f"{task.pair_id}.png")
    except StateError as error:
        note(f"warning: {error} This batch is generated again.")
        return False
    return True


def _generate(
    pipeline: DNAFPipeline, data: PairImages, batch: list[Task], params: config.Generate, seed: int
) -> Any:
    styles = sorted({task.style for task in batch})
    row_of = {style: row for row, style in enumerate(styles)}
    style_images = torch.stack([data.image(style) for style in styles])
    shape = tuple(pipeline.codec.encode(style_images[:1].to(pipeline.device)).shape[1:])
    return pipeline(
        style_images,
        torch.stack([data.pose_map(style) for style in styles]),
        torch.stack([data.pose_map(task.target) for task in batch]),
        torch.tensor([row_of[task.style] for task in batch]),
        num_inference_steps=params.num_inference_steps,
        guidance_scale=params.guidance_scale,
        noise=torch.stack([_noise(shape, seed, "noise", task.pair_id) for task in batch]),
        style_noise=torch.stack([_noise(shape, seed, "style-noise", style) for style in styles]),
    ).images


def _noise(shape: tuple[int, ...], seed: int, purpose: str, name: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seeds.seed(seed, purpose, name))
    return torch.randn(shape, generator=generator)
