"""Generates every pair of a list: one noise seed a pair, resumable, complete or absent.

An image depends on (model, seed, pair) only, beyond rounding: initial noise comes from the pair's id,
the style's noise from the source's name.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from PIL import Image

from dnaf.core import config, files, images, seeds
from dnaf.core.errors import BaseModelError, NumericalError, ResourceError
from dnaf.core.shards import Shards
from dnaf.core.workers import chunked
from dnaf.data.chunks import FinishedChunks
from dnaf.data.loader import PairImages, Sources, members
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.data.tensors import to_pixels
from dnaf.generate.prepare_pipeline import prepare_pipeline
from dnaf.pipeline import DNAFPipeline, load_pipeline

_VERSION = 2  # of everything below that changes an image; in the resume key
# What tables say of the method. A copy goes beside its images: were one there in git, a clone without them
# would have a part of the folder, which DVC takes for a changed one.
CARD = Path(__file__).with_name("card.yaml")


@dataclass(frozen=True)
class Task:
    """One pair to generate.

    Attributes:
        styles: the images conditioned on: the source, which a control may replace, and others of its outfit.
    """

    pair_id: str
    styles: tuple[str, ...]
    source: str
    target: str


@dataclass(frozen=True)
class BatchInputs:
    """What the pipeline is given for a batch: S styles by name, T targets, and which styles each one has."""

    styles: list[str]
    style: list[Image.Image]
    style_pose_map: torch.Tensor
    pose_map: torch.Tensor
    style_index: list[list[int]]


def generate_pairs(
    sources: Sources,
    model: Path,
    output: Path,
    params: config.Generate,
    seed: int,
    shards: Shards,
    wrong_source: bool,
) -> int:
    """Writes the image store `output` with `<pair_id>.png` for every pair, in the order of the list.

    Processes share the work by a scratch folder that all of them see; the first one writes the store.

    Args:
        wrong_source: generate each pair from another outfit's source image instead of its own: a control
            that shows how much of the result comes from the source.

    Returns:
        Number of images, in every process.

    Raises:
        StateError: pairs, images or model are incomplete, or another run generates the same.
        BaseModelError: the model folder does not hold what it should.
        ConfigError: the scheduler does not fit the model.
        NumericalError: an image is not finite.
        ResourceError: disk full, or out of memory.
    """
    pipeline = prepare_pipeline(load_pipeline(model), params, shards.device)
    data = PairImages(sources)
    if data.pose_channels != pipeline.adapter.config.pose_channels:
        raise BaseModelError(
            f"{model}: made for other pose maps (found {data.pose_channels} channels in {sources.pose_maps}, "
            f"expected {pipeline.adapter.config.pose_channels}). Train it on these."
        )
    tasks = make_tasks(data.pairs, wrong_source, params.num_sources)
    batches = pack(tasks, params.batch_size)
    num_model_calls = len(pipeline.scheduler.timesteps)
    info = {
        "pairs_sha256": files.digest(sources.pairs),
        "model": files.digest(model / files.MANIFEST),
        "num_pairs": len(tasks),
        "num_model_calls": num_model_calls,
        "wrong_source": wrong_source,
        "params": params.model_dump(exclude={"num_samples"}),
        "seed": seed,
    }
    key = files.fingerprint({**info, "version": _VERSION, "data": data.fingerprint()})
    folder = files.scratch_folder("generate", key)
    with shards.locked(folder):
        work, finished = _Work(pipeline, data, params, seed), FinishedChunks(folder)
        what = "Control run, from wrong sources: generating" if wrong_source else "Generating"
        description = f"{what} {len(tasks):,} pairs, {num_model_calls} model calls a batch"
        finished.make(batches, work.prepare, work.finish, shards, description)
        if shards.index > 0:
            return len(tasks)
        generated = dict(finished.members(len(batches)))
        with write_store(output, info) as store:
            for task in tasks:
                store.add(f"{task.pair_id}.png", generated[f"{task.pair_id}.png"])
        files.remove_folder(folder)
    return len(tasks)


def pack(tasks: Sequence[Task], batch_size: int) -> list[list[Task]]:
    """Batches of at most `batch_size` tasks, those of one source together, so that they share its style pass.

    The largest groups come first, each into the first batch that has room; only groups larger than a batch
    are divided. The result depends on the tasks alone, not on their order.
    """
    groups: dict[str, list[Task]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: (task.styles[0], task.pair_id)):
        groups[task.styles[0]].append(task)
    pieces = [piece for group in groups.values() for piece in chunked(group, batch_size)]
    batches: list[list[Task]] = []
    with_room: list[list[Task]] = []
    for piece in sorted(pieces, key=len, reverse=True):
        batch = next((batch for batch in with_room if len(batch) + len(piece) <= batch_size), None)
        if batch is None:
            batch = []
            batches.append(batch)
            with_room.append(batch)
        batch.extend(piece)
        if len(batch) == batch_size:
            with_room.remove(batch)
    return batches


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
    chosen = table.iloc[images.evenly_spaced(len(table), num_samples)].to_numpy()
    with files.atomic_folder(folder) as temporary:
        for number, (source, target) in enumerate(chosen):
            row = [
                data.pose_map_image(target),
                data.pixels(source),
                data.pixels(target),
                store.image(f"{pair_id(source, target)}.png"),
            ]
            sheet = images.sheet([row], enlarge=2)
            files.write_atomic(temporary / f"{number:02d}.png", images.encode_png(sheet))


def make_tasks(pairs: pd.DataFrame, wrong_source: bool, num_sources: int) -> list[Task]:
    """What is to be generated, in the order of the pairs.

    Args:
        num_sources: of each target, at most: its pair's, and then the other images of that one's outfit that
            the list names, by name. The target itself is never among them.
    """
    outfit_of = dict(zip(pairs["source"], pairs["outfit"], strict=True))
    of_outfit = members(pairs)
    first = wrong_sources(pairs) if wrong_source else pairs["source"].tolist()
    tasks = []
    for style, source, target in zip(first, pairs["source"], pairs["target"], strict=True):
        others = [stem for stem in of_outfit[outfit_of[style]] if stem not in (style, target)]
        tasks.append(Task(pair_id(source, target), (style, *others[: num_sources - 1]), source, target))
    return tasks


class _Work:
    """What is done with a batch."""

    def __init__(self, pipeline: DNAFPipeline, data: PairImages, params: config.Generate, seed: int) -> None:
        self._pipeline, self._data, self._params, self._seed = pipeline, data, params, seed

    def prepare(self, batch: Sequence[Task]) -> BatchInputs:
        """Images and pose maps of a batch."""
        styles = sorted({style for task in batch for style in task.styles})
        index_of = {style: index for index, style in enumerate(styles)}
        return BatchInputs(
            styles,
            [Image.fromarray(self._data.pixels(style)) for style in styles],
            torch.stack([self._data.pose_map(style) for style in styles]),
            torch.stack([self._data.pose_map(task.target) for task in batch]),
            [[index_of[style] for style in task.styles] for task in batch],
        )

    def finish(self, batch: Sequence[Task], inputs: BatchInputs) -> dict[str, bytes]:
        """PNGs of the generated images by name."""
        generated = self._generate(batch, inputs)
        return {
            f"{task.pair_id}.png": images.encode_png(to_pixels(image))
            for task, image in zip(batch, generated, strict=True)
        }

    def _generate(self, batch: Sequence[Task], inputs: BatchInputs) -> torch.Tensor:
        params = self._params
        start, stop = params.guidance_interval
        try:
            generated: torch.Tensor = self._pipeline(
                style=inputs.style,
                style_pose_map=inputs.style_pose_map,
                pose_map=inputs.pose_map,
                style_index=inputs.style_index,
                num_inference_steps=params.num_inference_steps,
                guidance_scale=params.guidance_scale,
                guidance_interval=(start, stop),
                generator=[self._generator("noise", task.pair_id) for task in batch],
                style_generator=[self._generator("style-noise", style) for style in inputs.styles],
                fresh_style_noise=params.style_noise == "fresh",
                output_type="pt",
            ).images.cpu()
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                f"generate: out of memory (found batch_size {params.batch_size}). "
                "Set a smaller generate.batch_size."
            ) from error
        broken = [
            task.pair_id for task, image in zip(batch, generated, strict=True) if not image.isfinite().all()
        ]
        if broken:
            raise NumericalError(
                f"generate: {broken[0]}: not finite ({len(broken)} of {len(batch)} images of its batch). "
                "Set generate.mixed_precision to no or bf16."
            )
        return generated

    def _generator(self, purpose: str, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(seeds.seed(self._seed, purpose, name))
