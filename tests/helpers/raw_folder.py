"""A tiny data set in the real on-disk formats, written by the tests themselves."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from dnaf.core import images
from dnaf.core.config import Params
from dnaf.data.formats import deepfashion
from dnaf.data.keypoints.annotations import read_annotations
from dnaf.data.keypoints.keypoints import Annotations
from dnaf.data.store import write_store

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT / ".." / "shared" / "data"
HEADER = "name:keypoints_y:keypoints_x"
VIEWS = ("1front", "2side", "3back")

# A standing figure in the 256x176 frame: 18 joints, x then y, all visible.
FIGURE = np.array(
    [
        *[(88, 40), (88, 70), (68, 72), (60, 110), (56, 145), (108, 72), (116, 110), (120, 145), (74, 140)],
        *[(73, 190), (72, 235), (102, 140), (103, 190), (104, 235), (84, 35), (92, 35), (78, 38), (98, 38)],
    ],
    dtype=np.float64,
)


def figure(**missing: Sequence[int]) -> np.ndarray:
    """The figure; `missing=[2, 5]` makes joints NaN."""
    keypoints = FIGURE.copy()
    keypoints[list(missing.get("missing", []))] = np.nan
    return keypoints


def annotation_line(name: str, keypoints: np.ndarray, separator: str = ":") -> str:
    """A line of an annotation file: y first, missing as -1."""
    filled = np.where(np.isnan(keypoints), -1, keypoints)
    values = [[int(value) if value == int(value) else value for value in axis] for axis in filled.T.tolist()]
    return separator.join([name, json.dumps(values[1]), json.dumps(values[0])])


def outfit_names(first_item: int, num_outfits: int) -> list[str]:
    """Three views of each outfit."""
    return [
        f"fashionWOMENTees_Tanksid{first_item + number:08d}01_{view}.jpg"
        for number in range(num_outfits)
        for view in VIEWS
    ]


def write_annotations(path: Path, names: Sequence[str], keypoints: Sequence[np.ndarray]) -> None:
    """Writes an annotation file as PATN does."""
    lines = [annotation_line(name, points) for name, points in zip(names, keypoints, strict=True)]
    path.write_text("\n".join([HEADER, *lines]) + "\n")


def read_table(path: Path) -> Annotations:
    """Reads an annotation file of DeepFashion."""
    return read_annotations(path, deepfashion.name_of, deepfashion.FRAME, padding=40)


def write_project(root: Path) -> tuple[list[str], list[str]]:
    """Writes params.yaml, data/raw/demo and data/images.zip; returns the names of train and test images.

    Each split's last image misses a hip, so that outfits of three and of two images are left.
    """
    raw = root / "data/raw/demo"
    raw.mkdir(parents=True)
    splits = {"train": outfit_names(1, 3), "test": outfit_names(100, 2)}
    for split, names in splits.items():
        (raw / f"{split}.lst").write_text("\n".join(names) + "\n")
        keypoints = [figure()] * (len(names) - 1) + [figure(missing=[8])]
        write_annotations(raw / f"fasion-resize-annotation-{split}.csv", names, keypoints)
    write_images(root, splits["train"], splits["test"])
    params = Params().model_dump()
    params["datasets"]["demo"].update(height=64, width=48, max_test_pairs=5)
    params["render"].update(canvas_height=256, canvas_width=176)
    with open(root / "params.yaml", "w") as file:
        YAML().dump(params, file)
    return splits["train"], splits["test"]


def write_images(root: Path, train: Sequence[str], test: Sequence[str]) -> None:
    """Writes data/images.zip with a small JPEG under each name."""
    image = images.encode_jpeg(np.full((16, 12, 3), 200, dtype=np.uint8))
    with write_store(
        root / "data/images.zip", {"splits": {"train": train, "test": test}, "left_out": []}
    ) as store:
        for name in [*train, *test]:
            store.add(name, image)
