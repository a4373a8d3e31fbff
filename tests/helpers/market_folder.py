"""A tiny Market-1501 in the form it is published in, written by the tests themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dnaf.core import images, seeds
from tests.helpers.raw_folder import FIGURE, HEADER, annotation_line

KEYPOINTS = np.round(FIGURE / 2.75 + np.array([0, 12.0]))  # of every image, in the 128x64 frame
TRAIN = [f"{person}_c1s1_000451_0{n}.jpg" for person in ("0002", "0007") for n in (1, 2)]
TEST = [f"{person}_c2s1_000451_0{n}.jpg" for person in ("0001", "0003") for n in (1, 2, 3)]
SPLITS = {"train": TRAIN, "test": TEST}
JUNK = ["-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg"]


def write_annotations(raw: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Writes the annotation files, in which junk is listed too."""
    for split, names in splits.items():
        lines = [HEADER, *(annotation_line(name, KEYPOINTS) for name in [JUNK[0], *names, JUNK[1]])]
        (raw / f"market-annotation-{split}.csv").write_text("\n".join(lines) + "\n")


def write_market(raw: Path) -> None:
    """Writes images of 128x64 pixels, each of coarse random pixels, and annotations."""
    for split, names in SPLITS.items():
        folder = raw / f"bounding_box_{split}"
        folder.mkdir(parents=True)
        for name in [*names, *JUNK]:
            coarse = seeds.generator(0, "market", name).integers(0, 256, (16, 8, 3), dtype=np.uint8)
            (folder / name).write_bytes(images.encode_jpeg(coarse.repeat(8, axis=0).repeat(8, axis=1)))
    write_annotations(raw, SPLITS)
