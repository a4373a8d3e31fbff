"""Renders the pose maps of all kept images and of their mirror images into one store."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from dnaf.core import files, images
from dnaf.core.shards import Shards
from dnaf.core.workers import chunked, worker_pool
from dnaf.data.chunks import FinishedChunks
from dnaf.data.formats.names import Stem
from dnaf.data.keypoints import keypoints
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pose_maps.renderers import RENDERERS
from dnaf.data.pose_maps.storage import stack
from dnaf.data.store import write_store

MIRRORED = "mirrored/"

_BYTES_PER_MAP = 4000  # found with all headers: 1,500 at 64x48 and 2,400 at 256x176 pixels
_VERSION = 1  # of everything below and of the renderers that changes a map; in the resume key
_CHUNK = 1024  # images whose maps a killed run loses at most
_BATCH = 64  # skeletons a worker gets at a time


def write_pose_maps(
    pairs: Path, out: Path, renderer: str, canvas: images.Size, size: images.Size, shards: Shards
) -> int:
    """Writes `<stem>.png` and `mirrored/<stem>.png` for every image of `keypoints.csv`; returns their number.

    Processes share the drawing by a scratch folder that all of them see; the first one writes the store. A
    killed run goes on after the chunks that are finished.

    Args:
        pairs: folder written by stage split; its manifest tells the frame of the keypoints.
        out: the store; it appears complete or not at all.
        renderer: a key of `RENDERERS`.
        canvas: (height, width) on which poses are drawn; sticks and spots have a fixed size in its pixels.
        size: (height, width) of the data set, to which the drawing is then reduced.

    Raises:
        StateError: the folder is not complete, or another run does the same.
        ResourceError: not enough disk space.
    """
    height, width = files.require_complete(pairs)["frame"]
    table = pairs / "keypoints.csv"
    stems, points = keypoints.read_keypoints(table)
    channels = RENDERERS[renderer](np.full((18, 2), np.nan), (8, 8), (height, width)).shape[2]
    info = {
        "keypoints_sha256": files.digest(table),
        "renderer": renderer,
        "channels": channels,
        "canvas": canvas,
        "size": size,
    }
    draw = partial(_draw_both, renderer=renderer, frame=(height, width), canvas=canvas, size=size)
    chunks = list(zip(chunked(stems, _CHUNK), chunked(list(points), _CHUNK), strict=True))
    scratch = files.scratch_folder("render", files.fingerprint({**info, "version": _VERSION}))
    with shards.locked(scratch):
        num_bytes = 2 * len(stems) * (_BYTES_PER_MAP + size[0] * size[1] * channels // 60)
        for folder in (out.parent, scratch):
            files.require_space(folder, num_bytes)
        finished = FinishedChunks(scratch)
        with worker_pool() as workers:
            finished.make(
                chunks,
                lambda chunk: chunked(chunk[1], _BATCH),
                lambda chunk, batches: _named(chunk[0], workers.map(draw, batches)),
                shards,
                f"Drawing pose maps of {len(stems):,} images",
            )
        if shards.index == 0:
            with write_store(out, info, 2 * len(stems)) as store:
                for name, pose_map in finished.members(len(chunks)):
                    store.add(name, pose_map)
            files.remove_folder(scratch)
    return 2 * len(stems)


def _named(stems: Sequence[Stem], drawn: Iterable[list[tuple[bytes, bytes]]]) -> dict[str, bytes]:
    maps = {}
    for stem, (pose_map, mirrored) in zip(stems, chain.from_iterable(drawn), strict=True):
        maps[f"{stem}.png"] = pose_map
        maps[f"{MIRRORED}{stem}.png"] = mirrored
    return maps


def _draw_both(
    points: Sequence[Points], renderer: str, frame: images.Size, canvas: images.Size, size: images.Size
) -> list[tuple[bytes, bytes]]:
    """PNGs of each pose and of its mirror image."""
    both = ((joints, keypoints.mirror(joints, frame[1])) for joints in points)
    return [
        (_draw(a, renderer, frame, canvas, size), _draw(b, renderer, frame, canvas, size)) for a, b in both
    ]


def _draw(joints: Points, renderer: str, frame: images.Size, canvas: images.Size, size: images.Size) -> bytes:
    return images.encode_png(stack(draw_pose_map(joints, renderer, frame, canvas, size)))


def draw_pose_map(
    joints: Points, renderer: str, frame: images.Size, canvas: images.Size, size: images.Size
) -> images.Pixels:
    """uint8 (height, width, channels) in `size`, of keypoints (18, 2) in pixels of the frame.

    Args:
        renderer: a key of `RENDERERS`.
        canvas: (height, width) on which the pose is drawn, before it is reduced to `size`.
    """
    drawn = RENDERERS[renderer](joints, canvas, frame)
    if canvas == size:
        return drawn
    planes = [drawn] if drawn.shape[2] == 3 else [drawn[..., channel] for channel in range(drawn.shape[2])]
    reduced = [images.resize(plane, size, "box") for plane in planes]
    return reduced[0] if len(reduced) == 1 else np.stack(reduced, axis=2)
