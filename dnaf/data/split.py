"""The split: which images and pairs are trained on and tested on, checked, and reasons for the rest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dnaf import files
from dnaf.data import deepfashion, keypoints, pairs
from dnaf.data.keypoints import Annotations
from dnaf.data.store import ImageStore
from dnaf.errors import DataError

PARTS = ("train", "test")

# The code of GFLA and its heirs says "fasion", their READMEs "fashion".
_ANNOTATIONS = ("fasion-resize-annotation-{}.csv", "fashion-resize-annotation-{}.csv")
_PAIR_LISTS = ("{}_pairs.txt", "fasion-resize-pairs-{}.csv", "fashion-resize-pairs-{}.csv")
_POSES = "pose.zip"


@dataclass(frozen=True)
class _Part:
    """One side of the split.

    Attributes:
        listed: flat names of the image list.
        origin: the file that the annotations are from.
        selected: the pairs, as flat names in columns source and target.
        removed: flat name and reason of each listed image that is in no pair.
    """

    listed: list[str]
    annotations: Annotations
    origin: Path
    selected: pd.DataFrame
    removed: list[tuple[str, str]]


def write_split(raw: Path, images: Path, folder: Path, max_test_pairs: int) -> dict[str, Any]:
    """Writes `train.csv`, `test.csv`, `keypoints.csv`, `train_images.csv`, `removed.csv` and a manifest.

    Args:
        raw: the folder of the user's lists, annotations and, where there are some, pair lists.
        images: the image store of stage unpack, to check that every image is there.
        folder: where to write; it appears complete or not at all.
        max_test_pairs: how many test pairs to draw at most, as `pairs.select_pairs` does.

    Returns:
        What the manifest says: counts, digests of the inputs, and how many items both parts share.

    Raises:
        DataError: lists, annotations, images and published pairs contradict each other.
        StateError: the image store is not complete.
    """
    store = ImageStore(images)
    listed = {part: deepfashion.read_list(raw / f"{part}.lst") for part in PARTS}
    shared = _check_leakage(raw, listed["train"], listed["test"])
    train = _select(raw, "train", listed["train"], None)
    test = _select(raw, "test", listed["test"], max_test_pairs)
    parts = {"train": train, "test": test}
    for part in parts.values():
        _check_images(part.listed, store)
    info = {**shared, **{name: _describe(raw / f"{name}.lst", part) for name, part in parts.items()}}
    with files.atomic_folder(folder) as temporary:
        _write_tables(temporary, parts)
        files.write_manifest(temporary, info)
    return info


def _check_leakage(raw: Path, train: list[str], test: list[str]) -> dict[str, int]:
    """Refuses an outfit in both lists; counts the items in both, which the official split has too."""
    overlap = {deepfashion.outfit(name) for name in train} & {deepfashion.outfit(name) for name in test}
    for line, name in enumerate(test, start=1):
        if deepfashion.outfit(name) in overlap:
            raise DataError(
                f"{raw / 'test.lst'}:{line}: outfit of {name} is in train.lst too (found {len(overlap)} "
                "shared outfits, expected 0). Use lists of the same split."
            )
    items = {deepfashion.item(name) for name in train} & {deepfashion.item(name) for name in test}
    return {
        "num_shared_items": len(items),
        "num_test_images_of_shared_items": sum(deepfashion.item(name) in items for name in test),
    }


def _select(raw: Path, part: str, listed: list[str], max_pairs: int | None) -> _Part:
    annotations, origin = _read_annotations(raw, part, listed)
    _check_listed(annotations.names, set(listed), origin, part)
    every = pairs.select_pairs(annotations.names, annotations.keypoints)
    if every.empty:
        raise DataError(f"{origin}: no pairs in the {part} part (no outfit with two images of clear pose).")
    selected = pairs.select_pairs(annotations.names, annotations.keypoints, max_pairs)
    pairs.require_unique_ids(_rows(selected), origin)
    published = _first_existing(raw, part, _PAIR_LISTS)
    if published is not None:
        pairs.check_against_list(published, pairs.read_pair_list(published), _rows(selected), _rows(every))
    annotated = set(annotations.names)
    removed = pairs.removed_images(annotations.names, annotations.keypoints)
    removed += [(name, pairs.NOT_ANNOTATED) for name in listed if name not in annotated]
    return _Part(listed, annotations, origin, selected, removed)


def _read_annotations(raw: Path, part: str, listed: list[str]) -> tuple[Annotations, Path]:
    """The annotation table if there is one, else the pose archive, whose images take the list's order."""
    table = _first_existing(raw, part, _ANNOTATIONS)
    if table is not None:
        return keypoints.read_annotations(table), table
    archive = raw / _POSES
    if not archive.is_file():
        raise DataError(
            f"{raw}: no keypoints of the {part} part (expected {_ANNOTATIONS[0].format(part)} or {_POSES}; "
            "a pose.rar must be repacked as zip). See the README there for where to get them."
        )
    return keypoints.read_pose_archive(archive, listed), archive


def _check_listed(names: list[str], listed: set[str], origin: Path, part: str) -> None:
    missing = [name for name in names if name not in listed]
    if missing:
        raise DataError(
            f"{origin}: annotated image {missing[0]} is not in {part}.lst ({len(missing):,} of "
            f"{len(names):,}). Use lists and annotations of the same origin."
        )


def _check_images(listed: list[str], store: ImageStore) -> None:
    missing = [name for name in listed if name not in store]
    if missing:
        raise DataError(
            f"{store.path}: listed image {missing[0]} is missing ({len(missing):,} of {len(listed):,}). "
            "Run stage unpack again."
        )


def _describe(image_list: Path, part: _Part) -> dict[str, Any]:
    return {
        "list_sha256": files.digest(image_list),
        "keypoints": part.origin.name,
        "keypoints_sha256": files.digest(part.origin),
        "frame": part.annotations.frame,
        "num_listed": len(part.listed),
        "num_pairs": len(part.selected),
        "num_kept": len(part.listed) - len(part.removed),
        "num_removed": len(part.removed),
        "num_outfits": len({deepfashion.outfit(name) for name in part.selected["source"]}),
    }


def _write_tables(folder: Path, parts: dict[str, _Part]) -> None:
    kept_names: list[str] = []
    kept_keypoints = []
    removed = []
    for name, part in parts.items():
        _write_csv(folder / f"{name}.csv", part.selected.map(deepfashion.stem))
        gone = {removed_name for removed_name, _ in part.removed}
        is_kept = [annotated not in gone for annotated in part.annotations.names]
        kept_keypoints.append(part.annotations.keypoints[is_kept])
        kept_names += [annotated for annotated in part.annotations.names if annotated not in gone]
        removed += [(deepfashion.stem(image), name, reason) for image, reason in part.removed]
    stems = [deepfashion.stem(name) for name in kept_names]
    keypoints.write_keypoints(folder / "keypoints.csv", stems, np.concatenate(kept_keypoints))
    train_stems = [deepfashion.stem(name) for name in parts["train"].listed]
    _write_csv(folder / "train_images.csv", pd.DataFrame({"name": train_stems}))
    _write_csv(folder / "removed.csv", pd.DataFrame(removed, columns=["name", "part", "reason"]))


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    files.write_atomic(path, table.to_csv(index=False, lineterminator="\n"))


def _rows(table: pd.DataFrame) -> list[pairs.Pair]:
    return list(zip(table["source"], table["target"], strict=True))


def _first_existing(raw: Path, part: str, patterns: tuple[str, ...]) -> Path | None:
    candidates = (raw / pattern.format(part) for pattern in patterns)
    return next((path for path in candidates if path.is_file()), None)
