"""A tiny custom data set: two people, two images each, of different sizes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dnaf.core import images
from tests.helpers.raw_folder import FIGURE, HEADER, annotation_line

SIZES = {
    "anna/front.jpg": (256, 176),
    "anna/back.jpg": (512, 352),
    "ben/1.png": (256, 176),
    "ben/2.png": (256, 200),
}
TRAIN, TEST = list(SIZES)[:2], list(SIZES)[2:]
BODY_25 = [0, 1, 2, 3, 4, 5, 6, 7, None, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, *[None] * 6]


def keypoints() -> dict[str, np.ndarray]:
    """Keypoints of every image in its own pixels; ben's left wrist is missing in one."""
    result = {name: FIGURE * size[0] / 256 for name, size in SIZES.items()}
    result["ben/1.png"][7] = np.nan
    return result


def write_table(raw: Path, points: dict[str, np.ndarray]) -> None:
    header = ",".join(["name", *(f"{axis}{joint}" for joint in range(18) for axis in "xy")])
    rows = [
        ",".join([name, *("" if np.isnan(v) else f"{v:g}" for v in p.ravel())]) for name, p in points.items()
    ]
    (raw / "keypoints.csv").write_text("\n".join([header, *rows]) + "\n")


def write_annotation(raw: Path, points: dict[str, np.ndarray]) -> None:
    lines = [annotation_line(name, p) for name, p in points.items()]
    (raw / "keypoints.csv").write_text("\n".join([HEADER, *lines]) + "\n")


def write_openpose(raw: Path, points: dict[str, np.ndarray], order: list[int | None] | None = None) -> None:
    for name, p in points.items():
        flat: list[float] = []
        for joint in order or range(18):
            missing = joint is None or np.isnan(p[joint, 0])
            flat += [0, 0, 0] if missing else [*p[joint].tolist(), 0.9]
        path = raw / "keypoints" / f"{name.rpartition('.')[0]}_keypoints.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": flat}]}))


def write_body_25(raw: Path, points: dict[str, np.ndarray]) -> None:
    write_openpose(raw, points, BODY_25)


def write_npy(raw: Path, points: dict[str, np.ndarray]) -> None:
    for name, p in points.items():
        path = raw / "keypoints" / f"{name.rpartition('.')[0]}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, p)


WRITERS: dict[str, Callable[[Path, dict[str, np.ndarray]], None]] = {
    "table": write_table,
    "annotation": write_annotation,
    "openpose": write_openpose,
    "body_25": write_body_25,
    "npy": write_npy,
}


def write_custom(raw: Path) -> None:
    """Writes images and pair lists, but no keypoints."""
    for number, (name, size) in enumerate(SIZES.items()):
        path = raw / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)
        path.write_bytes(images.encode_png(pixels) if name.endswith("png") else images.encode_jpeg(pixels))
    for split, (first, second) in (("train", TRAIN), ("test", TEST)):
        (raw / f"{split}_pairs.csv").write_text(f"from,to\n{first},{second}\n{second},{first}\n")
