"""The split: which images and pairs are trained on and tested on, checked, and reasons for the rest."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from dnaf.core import files
from dnaf.core.errors import DataError
from dnaf.core.images import Size
from dnaf.core.seals import seal
from dnaf.data.formats.format import Format, Naming
from dnaf.data.formats.names import NEITHER, LeftOut, Name, stem
from dnaf.data.keypoints import keypoints
from dnaf.data.pairs import pairs
from dnaf.data.pairs.by_lists import read_splits
from dnaf.data.pairs.by_rule import read_split
from dnaf.data.pairs.split import SPLITS, Split
from dnaf.data.store import ImageStore


def write_split(
    raw: Path, images: Path, folder: Path, data_format: Format, size: Size, max_test_pairs: int
) -> dict[str, Any]:
    """Writes `train.csv`, `test.csv`, `keypoints.csv`, `train_images.csv`, `removed.csv` and a manifest.

    Args:
        raw: the folder of the user's lists, annotations and, where there are some, pair lists.
        images: the image store of stage unpack.
        folder: where to write; it appears complete or not at all.
        data_format: the data set's format.
        size: (height, width) of prepared images, the frame of a custom data set's keypoints.
        max_test_pairs: how many test pairs to draw at most.

    Returns:
        What the manifest says: `frame` of the keypoints, counts, digests of the inputs.

    Raises:
        DataError: lists, annotations, images and published pairs contradict each other.
        StateError: the image store is not complete.
    """
    store = ImageStore(images)
    if data_format.naming is None:
        splits = read_splits(raw, store, size, max_test_pairs)
        info: dict[str, Any] = {"frame": list(size)}
    else:
        listed = store.info["splits"]
        info = {"frame": list(data_format.naming.frame), **_check_leakage(images, listed, data_format.naming)}
        num_drawn = {"train": None, "test": max_test_pairs}
        splits = {
            split: read_split(raw, split, listed[split], data_format.naming, num_drawn[split])
            for split in SPLITS
        }
    left_out = _left_out(store, data_format, splits)
    for name, split in splits.items():
        info[name] = {
            **split.info,
            "num_listed": len(split.listed),
            "num_pairs": len(split.pairs),
            "num_kept": len(split.kept),
            "num_removed": sum(row.split == name for row in left_out),
            "num_outfits": split.pairs["outfit"].nunique(),
        }
    info["num_removed_of_neither"] = sum(row.split == NEITHER for row in left_out)
    with files.atomic_folder(folder) as temporary:
        _write_tables(temporary, splits, left_out)
        files.write_manifest(temporary, info)
    return info


def _left_out(store: ImageStore, data_format: Format, splits: dict[str, Split]) -> list[LeftOut]:
    """Every image of the data set that is not used: those that the pairs cannot use, then all others."""
    rows = [LeftOut(image, name, reason) for name, split in splits.items() for image, reason in split.removed]
    if data_format.naming is None:
        listed = {image for split in splits.values() for image in split.listed}
        return rows + [
            LeftOut(Name(image), NEITHER, pairs.UNPAIRED) for image in store.names if image not in listed
        ]
    return rows + [LeftOut(*row) for row in store.info["left_out"]]


def _check_leakage(images: Path, listed: dict[str, list[Name]], naming: Naming) -> dict[str, int]:
    """Refuses an outfit in both splits; counts the items in both, which DeepFashion's own split has too."""
    train, test = listed["train"], listed["test"]
    shared = _keys(train, naming.outfit) & _keys(test, naming.outfit)
    for name in test:
        if naming.outfit(name) in shared:
            raise DataError(
                f"{images}: outfit of the test image {name} is in the training split too (found "
                f"{len(shared)} shared outfits, expected 0). Use lists of the same split."
            )
    items = _keys(train, naming.item) & _keys(test, naming.item)
    return {
        "num_test_items": len(_keys(test, naming.item)),
        "num_shared_items": len(items),
        "num_test_images_of_shared_items": sum(naming.item(name) in items for name in test),
    }


def _keys(names: list[Name], key: Callable[[Name], str]) -> set[str]:
    return {key(name) for name in names}


def _write_tables(folder: Path, splits: dict[str, Split], left_out: list[LeftOut]) -> None:
    for name, split in splits.items():
        _write_csv(folder / f"{name}.csv", pairs.with_stems(split.pairs))
    kept = (stem(name) for split in splits.values() for name in split.kept)
    points = chain.from_iterable(split.keypoints for split in splits.values())
    keypoints.write_keypoints(folder / "keypoints.csv", kept, points)
    train_stems = [stem(name) for name in splits["train"].listed]
    _write_csv(folder / "train_images.csv", pd.DataFrame({"stem": train_stems}))
    removed = [(stem(row.name), row.split, row.reason) for row in left_out]
    _write_csv(folder / "removed.csv", pd.DataFrame(removed, columns=["stem", "split", "reason"]))


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    with files.atomic_file(path) as file:  # a part at a time: the text of all pairs is large
        table.to_csv(file, index=False, lineterminator="\n", mode="wb")
    seal(path)
