"""The pairs of a custom data set: those that its lists name, `train_pairs.csv` and `test_pairs.csv`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dnaf.core import files, images
from dnaf.core.errors import DataError
from dnaf.data.formats import custom
from dnaf.data.formats.names import Name, Stem, stem
from dnaf.data.keypoints.keypoint_files import read_keypoint_files
from dnaf.data.pairs import pairs
from dnaf.data.pairs.split import SPLITS, Split
from dnaf.data.store import ImageStore


def read_splits(raw: Path, store: ImageStore, size: images.Size, max_test_pairs: int) -> dict[str, Split]:
    """Reads pair lists and keypoints; keypoints are scaled from each image's own pixels to `size`.

    Args:
        raw: the data set's folder.
        store: the originals, whose sizes the keypoints refer to.
        size: (height, width) of the prepared images, the data set's frame.
        max_test_pairs: how many test pairs to draw at most.

    Raises:
        DataError: malformed lists or keypoints, an unknown image, or an image in both splits.
    """
    names = [Name(name) for name in store.names]
    sizes = {name: images.read_size(store.read(name), f"{store.path}: {name}") for name in names}
    annotated = read_keypoint_files(raw, sizes)
    listed = {split: read_list(raw / f"{split}_pairs.csv", names) for split in SPLITS}
    used = {split: {name for pair in listed[split] for name in pair} for split in SPLITS}
    shared = used["train"] & used["test"]
    if shared:
        raise DataError(
            f"{raw / 'test_pairs.csv'}: {min(shared)} is in train_pairs.csv too (found {len(shared):,} "
            "shared images, expected 0). Test on people that are not trained on."
        )
    own = np.array([sizes[name] for name in annotated.names], float)[:, None, ::-1]
    scaled = annotated.keypoints / own * np.array(size[::-1], float)
    keypoints = dict(zip(annotated.names, scaled, strict=True))

    nobody = {name for name, points in keypoints.items() if np.isnan(points).all()}
    splits = {}
    for split in SPLITS:
        of_people = [pair for pair in listed[split] if nobody.isdisjoint(pair)]
        if not of_people:
            empty = [name for name in names if name in used[split] & nobody]
            raise DataError(
                f"{annotated.origin}: no pair of people in {split}_pairs.csv (found no joint in "
                f"{len(empty):,} of its {len(used[split]):,} images, first {empty[0]}). Find their poses."
            )
        table = pd.DataFrame(of_people, columns=["source", "target"], dtype="object")
        table["outfit"] = _groups(of_people)
        if split == "test":
            table = pairs.draw(table, max_test_pairs)
        kept = [name for name in names if name in used[split] and name not in nobody]
        without = [name for name in kept if name in annotated.not_annotated]
        if without:
            raise DataError(
                f"{annotated.origin}: no keypoints of {without[0]}, which {split}_pairs.csv names (found "
                f"{len(without):,} such). Annotate it, or remove its pairs."
            )
        removed = [(name, pairs.NOBODY) for name in names if name in used[split] & nobody]
        info = {
            "keypoints": annotated.origin.name,
            "keypoints_dialect": annotated.dialect,
            "pair_lists": {f"{split}_pairs.csv": files.digest(raw / f"{split}_pairs.csv")},
            "num_possible_pairs": len(of_people),
            "num_pairs_without_joints": len(listed[split]) - len(of_people),
        }
        kept_keypoints = np.array([keypoints[name] for name in kept])
        listed_images = [name for name in names if name in used[split]]
        splits[split] = Split(listed_images, kept, kept_keypoints, table, removed, info)
    return splits


def read_list(path: Path, names: Sequence[Name]) -> list[pairs.NamePair]:
    """Pairs of a list as (source, target) names.

    Args:
        names: of all images.

    Raises:
        DataError: missing or malformed list, no pairs, an unknown image, or two pairs with one id.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing (expected a table with the columns from,to). See docs/data.md.")
    listed = pairs.read_pair_list(path, custom.finder(names))
    if not listed:
        raise DataError(f"{path}: no pairs (expected at least 1).")
    pairs.require_unique_ids(listed, path)
    return listed


def _groups(listed: Sequence[pairs.NamePair]) -> list[Stem]:
    """Of each pair, the first name of all images that pairs connect it with: its person, in effect."""
    names = sorted({name for pair in listed for name in pair})
    index = {name: position for position, name in enumerate(names)}
    ends = np.array([(index[source], index[target]) for source, target in listed]).T
    graph = coo_array((np.ones(len(listed)), (ends[0], ends[1])), shape=(len(names), len(names)))
    _, labels = connected_components(graph, directed=False)
    first = {label: position for position, label in reversed(list(enumerate(labels)))}
    return [stem(names[first[labels[index[source]]]]) for source, _ in listed]
