"""The demo data set: drawn people, written in the on-disk formats of DeepFashion In-shop.

A run on it takes the same path through the pipeline as the real data, password and padded frame included.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnaf.core import images, progress, seeds
from dnaf.core.files import atomic_file, write_atomic
from dnaf.core.workers import worker_pool
from dnaf.data.archives import passwords
from dnaf.data.demo import outfit as demo_outfit
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.demo.figure import VIEWS, draw_figure
from dnaf.data.formats import deepfashion
from dnaf.data.pairs import pairs

_JPEG_QUALITY = 95
_PADDING = 40  # pixels left of the image in the 256x256 frame of the pose files
_FILE_NAMES = {
    "front": "01_1_front", "side": "01_2_side", "back": "01_3_back",
    "full": "01_4_full", "flat": "01_6_flat", "additional": "01_7_additional",
}  # fmt: skip


class _Drawn(NamedTuple):
    """An image of the demo: path from WOMEN or MEN on, JPEG bytes, int keypoints (18, 2) with -1 missing."""

    path: str
    jpeg: bytes
    keypoints: NDArray[np.int64]


def write_demo(folder: Path, seed: int, num_train_outfits: int, num_test_outfits: int) -> int:
    """Draws six views of each outfit and writes archive, lists, annotations, pair lists and pose files.

    The same arguments give the same bytes. No outfit is both in train and in test.

    Returns:
        Number of images.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    num_outfits = num_train_outfits + num_test_outfits
    drawn = list(progress.track(_draw_all(seed, num_outfits), "Drawing people, outfits", total=num_outfits))
    splits = {"train": drawn[:num_train_outfits], "test": drawn[num_train_outfits:]}
    for split, outfits in splits.items():
        _write_split(folder, split, [image for outfit in outfits for image in outfit])
    every = [image for outfit in drawn for image in outfit]
    _write_pose_files(folder / "pose.zip", every)
    # The archive is the largest file and the first one that the next stage reads: it comes last.
    members = {f"img_highres/{image.path}": image.jpeg for image in every}
    rng = seeds.generator(seed, "demo archive")
    write_encrypted_zip(folder / "img_highres.zip", members, passwords.PUBLIC["demo"].encode(), rng)
    return len(every)


def _draw_all(seed: int, num_outfits: int) -> Iterator[list[_Drawn]]:
    with worker_pool() as workers:
        yield from workers.map(_draw_outfit, [seed] * num_outfits, range(num_outfits), chunksize=8)


def _draw_outfit(seed: int, index: int) -> list[_Drawn]:
    outfit = demo_outfit.sample_outfit(seed, index)
    drawn = []
    for view in VIEWS:
        image, keypoints = draw_figure(seed, index, view)
        rounded = np.where(np.isnan(keypoints), -1, np.floor(keypoints)).astype(np.int64)
        path = f"{outfit.folder}/{_FILE_NAMES[view]}.jpg"
        drawn.append(_Drawn(path, images.encode_jpeg(image, _JPEG_QUALITY), rounded))
    return drawn


def _write_split(folder: Path, split: str, drawn: Sequence[_Drawn]) -> None:
    """Writes list, annotation and pair list of `train` or `test`."""
    names = [deepfashion.flat_name(image.path) for image in drawn]
    write_atomic(folder / f"{split}.lst", _lines(names))
    annotations = ["name:keypoints_y:keypoints_x"]
    for name, image in zip(names, drawn, strict=True):
        x, y = image.keypoints.T.tolist()
        annotations.append(f"{name}:{y}:{x}")
    write_atomic(folder / f"fasion-resize-annotation-{split}.csv", _lines(annotations))
    keypoints = np.array([image.keypoints for image in drawn], np.float64)
    keypoints[keypoints == -1] = np.nan
    selected = pairs.Rows(pairs.select_pairs(names, keypoints, deepfashion.outfit))
    write_atomic(folder / f"{split}_pairs.txt", _lines(_pair_lines(selected, split)))


def _pair_lines(selected: Iterable[pairs.NamePair], split: str) -> list[str]:
    """Lines `target,source`; for train all sources of a target stand in one line.

    Source: NTED@6e3f0e9:data/fashion_data.py:49-63.
    """
    paths = [tuple(f"img/{deepfashion.image_path(name)}" for name in pair) for pair in selected]
    if split == "test":
        return [f"{target},{source}" for source, target in paths]
    sources_of: dict[str, list[str]] = {}
    for source, target in paths:
        sources_of.setdefault(target, []).append(source)
    return [",".join([target, *sources]) for target, sources in sources_of.items()]


def _write_pose_files(path: Path, drawn: Sequence[_Drawn]) -> None:
    """Writes one text file an image: 18 lines `x y` in the padded 256x256 frame, -1 -1 for missing joints."""
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for image in drawn:
            is_missing = image.keypoints[:, :1] == -1
            padded = np.where(is_missing, -1, image.keypoints + np.array([_PADDING, 0]))
            text = io.StringIO()
            np.savetxt(text, padded, fmt="%.18e")
            member = zipfile.ZipInfo(f"pose/{image.path.removesuffix('.jpg')}.txt", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text.getvalue())


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
