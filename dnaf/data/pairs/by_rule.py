"""The pairs of a data set whose names say who is shown: all within an outfit, by the published rule.

Every dialect of annotations and pair lists that is there is read and compared with the others.
"""

from pathlib import Path
from typing import Any

import numpy as np

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.data.formats import published_counts
from dnaf.data.formats.format import Naming
from dnaf.data.formats.names import Name
from dnaf.data.keypoints.annotations import read_annotations
from dnaf.data.keypoints.keypoints import Annotations
from dnaf.data.keypoints.pose_files import read_pose_files
from dnaf.data.pairs import pairs
from dnaf.data.pairs.split import Split

_CLOSE = 1.0  # pixel: annotations in other files are rounded in other ways


def read_split(raw: Path, split: str, listed: list[Name], naming: Naming, max_pairs: int | None) -> Split:
    """Selects and checks the pairs of one split.

    Args:
        raw: the data set's folder.
        split: `train` or `test`.
        listed: names of the split's images.
        max_pairs: how many pairs to draw at most; None keeps all in their order.

    Raises:
        DataError: annotations, lists and pair lists contradict each other or the published facts.
    """
    origin, annotations, others = _read_keypoints(raw, split, listed, naming)
    names, keypoints = annotations.names, annotations.keypoints
    every = pairs.select_pairs(names, keypoints, naming.outfit)
    if every.empty:
        raise DataError(f"{origin}: no pairs in the {split} split (no outfit with two images of clear pose).")
    published_counts.check_pairs(raw.name, split, pairs.Rows(every), origin)
    selected = every if max_pairs is None else pairs.draw(every, max_pairs)
    pairs.require_unique_ids(pairs.Rows(selected), origin)
    lists = _existing(raw, split, naming.pair_lists)
    for path in lists:
        listed_pairs = pairs.read_pair_list(path, naming.name_of)
        pairs.check_against_list(path, listed_pairs, pairs.Rows(selected), pairs.Rows(every))

    removed = pairs.removed_images(names, keypoints, naming.outfit)
    annotated, gone = set(names), {name for name, _ in removed}
    is_kept = [name not in gone for name in names]
    removed += [(name, pairs.NOT_ANNOTATED) for name in listed if name not in annotated]
    info = {
        "keypoints": origin.name,
        "keypoints_sha256": None if origin.is_dir() else files.digest(origin),
        "frame_found": annotations.frame,
        "other_keypoints": others,
        "pair_lists": {path.name: files.digest(path) for path in lists},
        "num_possible_pairs": len(every),
    }
    kept = [name for name in names if name not in gone]
    return Split(listed, kept, keypoints[is_kept], selected, removed, info)


def _read_keypoints(
    raw: Path, split: str, listed: list[Name], naming: Naming
) -> tuple[Path, Annotations, dict[str, Any]]:
    """The first annotation that is there, and how far each of the others agrees with it."""
    found: list[tuple[Path, Annotations]] = []
    for path in _existing(raw, split, naming.annotations):
        annotations = read_annotations(path, naming.name_of, naming.frame, naming.padding)
        found.append((path, _of_persons(path, split, annotations, set(listed), naming)))
    for path in _existing(raw, split, naming.pose_files):
        found.append((path, read_pose_files(path, listed, naming.name_of, naming.frame, naming.padding)))
    if not found:
        expected = " or ".join([naming.annotations[0].format(split), *naming.pose_files[:1]])
        raise DataError(
            f"{raw}: no keypoints of the {split} split (expected {expected}). "
            "The README there says where to get them."
        )
    (origin, annotations), *rest = found
    return origin, annotations, {path.name: _agreement(origin, annotations, path, o) for path, o in rest}


def _of_persons(
    path: Path, split: str, annotations: Annotations, listed: set[Name], naming: Naming
) -> Annotations:
    """Without junk, which is annotated but never listed; anything else that is not listed is an error."""
    is_listed = [name in listed for name in annotations.names]
    if all(is_listed):
        return annotations
    unlisted = [
        name
        for name, known in zip(annotations.names, is_listed, strict=True)
        if not known and not naming.is_junk(name)
    ]
    if unlisted:
        raise DataError(
            f"{path}: annotated image {unlisted[0]} is not an image of the {split} split ({len(unlisted):,} "
            f"of {len(annotations.names):,}). Use images, lists and annotations of the same origin."
        )
    kept = [name for name in annotations.names if name in listed]
    return Annotations(kept, annotations.keypoints[is_listed], annotations.frame)


def _agreement(origin: Path, first: Annotations, path: Path, second: Annotations) -> dict[str, Any]:
    """Share of joints that are missing in both files or lie within a pixel, over the images of both."""
    row = {name: index for index, name in enumerate(second.names)}
    common = [(index, row[name]) for index, name in enumerate(first.names) if name in row]
    if not common:
        return {"num_images": 0, "agreement": None}
    one, two = np.array(common).T
    offset = np.abs(first.keypoints[one] - second.keypoints[two]).max(axis=-1)
    both_missing = np.isnan(first.keypoints[one, :, 0]) & np.isnan(second.keypoints[two, :, 0])
    agreement = float((both_missing | (offset <= _CLOSE)).mean())
    if agreement < 0.5:
        raise DataError(
            f"{path}: keypoints of another frame or data set (found {agreement:.0%} of the joints where "
            f"{origin.name} has them, expected nearly all). Remove one of the two."
        )
    return {"num_images": len(common), "agreement": round(agreement, 4)}


def _existing(raw: Path, split: str, patterns: tuple[str, ...]) -> list[Path]:
    candidates = (raw / pattern.format(split) for pattern in patterns)
    return [path for path in candidates if path.exists()]
