import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError
from dnaf.data.keypoints.keypoint_files import KeypointFiles, read_keypoint_files
from dnaf.data.keypoints.keypoints import write_keypoints
from tests.helpers.custom_folder import (
    SIZES,
    WRITERS,
    keypoints,
    write_annotation,
    write_npy,
    write_openpose,
    write_table,
)

COCO_ORDER = [0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]


def read(raw: Path) -> KeypointFiles:
    return read_keypoint_files(raw, SIZES)


@pytest.mark.parametrize("dialect", WRITERS)
def test_every_dialect_gives_the_same_joints(tmp_path: Path, dialect: str) -> None:
    WRITERS[dialect](tmp_path, keypoints())
    found = read(tmp_path)
    assert found.names == list(SIZES)
    assert found.not_annotated == []
    np.testing.assert_allclose(found.keypoints, np.stack(list(keypoints().values())))


def test_the_table_that_the_split_writes_is_read(tmp_path: Path) -> None:
    points = keypoints()
    stems = [name.rpartition(".")[0] for name in points]
    write_keypoints(tmp_path / "keypoints.csv", stems, np.stack(list(points.values())))
    np.testing.assert_array_equal(read(tmp_path).keypoints, np.stack(list(points.values())))


def write_coco(raw: Path, **changes: object) -> None:
    images, annotations = [], []
    for number, (name, points) in enumerate(keypoints().items()):
        height, width = SIZES[name]
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        rows = [[0, 0, 0] if np.isnan(points[j, 0]) else [*points[j].tolist(), 2] for j in COCO_ORDER]
        annotations.append(
            {"image_id": number, "keypoints": [value for row in rows for value in row], "category_id": 1}
        )
    (raw / "keypoints.json").write_text(json.dumps({"images": images, "annotations": annotations, **changes}))


def test_coco_has_its_necks_between_the_shoulders(tmp_path: Path) -> None:
    write_coco(tmp_path)
    expected = np.stack(list(keypoints().values()))
    expected[:, 1] = (expected[:, 2] + expected[:, 5]) / 2
    np.testing.assert_allclose(read(tmp_path).keypoints, expected)


def test_names_may_lack_their_suffix_or_have_their_folder(tmp_path: Path) -> None:
    points = {f"images/{name}": p for name, p in keypoints().items()}
    write_table(tmp_path, points)
    assert read(tmp_path).names == list(SIZES)
    write_table(tmp_path, {name.rpartition(".")[0]: p for name, p in keypoints().items()})
    assert read(tmp_path).names == list(SIZES)


def test_images_without_an_entry_are_told(tmp_path: Path) -> None:
    points = keypoints()
    del points["ben/1.png"]
    write_table(tmp_path, points)
    assert read(tmp_path).not_annotated == ["ben/1.png"]


def test_no_person_is_all_missing_and_two_are_refused(tmp_path: Path) -> None:
    write_openpose(tmp_path, keypoints())
    path = tmp_path / "keypoints/ben/1_keypoints.json"
    path.write_text('{"people": []}')
    assert np.isnan(read(tmp_path).keypoints[2]).all()
    person = {"pose_keypoints_2d": [1, 2, 0.5] * 18}
    path.write_text(json.dumps({"people": [person, person]}))
    with pytest.raises(DataError, match=r"ben/1_keypoints\.json: 2 people"):
        read(tmp_path)


def test_joints_beyond_the_edge_are_read_and_negative_ones_are_not_missing(tmp_path: Path) -> None:
    points = keypoints()
    points["ben/1.png"][3] = -7, 300
    write_npy(tmp_path, points)
    np.testing.assert_array_equal(read(tmp_path).keypoints[2, 3], [-7, 300])


def test_none_or_several_dialects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"keypoints are expected once .found none"):
        read(tmp_path)
    write_table(tmp_path, keypoints())
    write_npy(tmp_path, keypoints())
    with pytest.raises(DataError, match=r"expected once .found keypoints\.csv, keypoints"):
        read(tmp_path)


def table_with(change: Callable[[str], str]) -> Callable[[Path], None]:
    def write(raw: Path) -> None:
        write_table(raw, keypoints())
        path = raw / "keypoints.csv"
        path.write_text(change(path.read_text()))

    return write


def openpose_with(content: object) -> Callable[[Path], None]:
    def write(raw: Path) -> None:
        write_openpose(raw, keypoints())
        (raw / "keypoints/ben/1_keypoints.json").write_text(
            content if isinstance(content, str) else json.dumps(content)
        )

    return write


def npy_with(array: np.ndarray) -> Callable[[Path], None]:
    def write(raw: Path) -> None:
        write_npy(raw, keypoints())
        np.save(raw / "keypoints/ben/1.npy", array)

    return write


def coco_with(**changes: object) -> Callable[[Path], None]:
    return lambda raw: write_coco(raw, **changes)


def scaled(factor: float) -> Callable[[Path], None]:
    return lambda raw: write_table(raw, {name: p * factor for name, p in keypoints().items()})


def swapped(raw: Path) -> None:
    write_annotation(raw, {name: p[:, ::-1] for name, p in keypoints().items()})


def person(num_numbers: int) -> dict[str, object]:
    return {"people": [{"pose_keypoints_2d": [1] * num_numbers}]}


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (table_with(lambda text: "x" + text), r"keypoints\.csv:1: wrong header"),
        (
            table_with(lambda text: text.replace("\n", ",\n").replace(",", "", 1)),
            r"keypoints\.csv:1: wrong header",
        ),
        (table_with(lambda text: text[:-1] + ",1\n"), r"keypoints\.csv:5: wrong number of columns .found 38"),
        (table_with(lambda text: text.replace(",40", ",forty")), r"keypoints\.csv:2: not a number"),
        (table_with(lambda text: text.replace(",40", ",nan")), r"keypoints\.csv:2: not a coordinate"),
        (table_with(lambda text: text.replace(",40", ",inf")), r"keypoints\.csv:2: not a coordinate"),
        (
            table_with(lambda text: text.replace(",40", ",1e12")),
            r"csv:2: not a coordinate in pixels",
        ),
        (
            table_with(lambda text: text.replace("ben/2", "carl/2")),
            r"csv:5: 'carl/2.png': no such image",
        ),
        (
            table_with(lambda text: text.replace("ben/2", "ben/1")),
            r"csv:5: ben/1.png is annotated twice",
        ),
        (scaled(4), "wrong frame .found .* inside their images"),
        (swapped, "axes swapped"),
        (
            lambda raw: write_npy(raw, {name: np.nan_to_num(p) for name, p in keypoints().items()}),
            "missing joints written as 0, 0 .found 1 of 72 joints",
        ),
        (openpose_with(person(51)), r"1_keypoints\.json: wrong number of joints .found 51 numbers"),
        (openpose_with(person(36)), "wrong number of joints"),
        (openpose_with({"people": [{}]}), "wrong number of joints .found None"),
        (openpose_with({"people": [{"pose_keypoints_2d": ["1"] * 54}]}), "not a list of numbers"),
        (openpose_with({"persons": []}), "no list 'people'"),
        (openpose_with('{"people": [{"pose_keypoints_2d": [NaN]}]}'), "not valid JSON"),
        (openpose_with("[" * 50_000), "not valid JSON"),
        (openpose_with("<html>"), "not valid JSON"),
        (npy_with(np.zeros((19, 2))), r"1\.npy: wrong shape .found 19x2, expected 17, 18 or 25 joints"),
        (npy_with(np.zeros((18, 4))), "wrong shape .found 18x4"),
        (npy_with(np.array(["a"])), "not a table of numbers"),
        (npy_with(np.full((18, 2), np.inf)), "found infinity"),
        (
            coco_with(annotations=[{"image_id": 9, "keypoints": [1] * 51}]),
            "image_id 9 is not among",
        ),
        (coco_with(annotations=[{"image_id": 0, "keypoints": [1] * 54}]), r"annotations\[0\]: wrong number"),
        (
            coco_with(annotations=[{"image_id": 0, "keypoints": [1] * 51}] * 2),
            r"annotations\[1\]: anna/front.jpg is annotated twice",
        ),
        (
            coco_with(images=[{"id": 0, "file_name": "ben/1.png", "height": 9, "width": 9}]),
            "has another size .found 256x176 pixels, the file says 9x9",
        ),
    ],
)
def test_malformed_files_are_refused_with_their_place(
    tmp_path: Path, write: Callable[[Path], None], message: str
) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_pickle_in_a_npy_is_not_loaded(tmp_path: Path) -> None:
    write_npy(tmp_path, keypoints())
    np.save(tmp_path / "keypoints/ben/1.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"not a readable \.npy"):
        read(tmp_path)


def mutate(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        kind = chance.randrange(4)
        if kind == 0 and data:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[min(end, at + 9) :]
        elif kind == 2:
            data = data[:end] + data[at : min(end, at + 40)] + data[end:]
        else:
            data = data[:at] + chance.choice([b"-1", b"1e400", b"NaN", b"[", b"}", b",", b"\n"]) + data[at:]
    return data


@pytest.mark.parametrize("count", [70, pytest.param(3_400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dialect", ["table", "openpose", "npy"])
def test_a_damaged_file_is_read_as_valid_or_refused(tmp_path: Path, dialect: str, count: int) -> None:
    WRITERS[dialect](tmp_path, keypoints())
    path = next(path for path in sorted(tmp_path.rglob("*")) if path.is_file())
    original = path.read_bytes()
    num_refused = 0
    for seed in range(count):
        path.write_bytes(mutate(original, random.Random(seed)))
        try:
            found = read(tmp_path)
        except DataError as error:
            num_refused += str(tmp_path) in str(error)
            continue
        assert found.keypoints.shape == (len(found.names), 18, 2)
        assert not np.isinf(found.keypoints).any()
    assert num_refused > count / 3
