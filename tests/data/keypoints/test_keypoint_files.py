import json
import random
import unicodedata
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
        (scaled(4), r"keypoints\.csv:2: pixels of another image .found [0-8] of 18 joints inside 256x176"),
        (scaled(1 / 256), r"keypoints\.csv:2: not pixels .found none above .* shares of an image"),
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
            coco_with(annotations=[{"image_id": 0, "keypoints": [20, 30, 1] * 17}] * 2),
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


def normalised(raw: Path, write: Callable[[Path, dict[str, np.ndarray]], None], least: float) -> None:
    """Every image's keypoints as shares of it: from 0 to 1, or from -1 to 1."""
    points = {name: p / np.array(SIZES[name])[::-1] for name, p in keypoints().items()}
    write(raw, {name: p * (1 - least) + least for name, p in points.items()})


@pytest.mark.parametrize("least", [0, -1])
@pytest.mark.parametrize("dialect", WRITERS)
def test_shares_of_an_image_are_no_pixels_in_any_dialect(tmp_path: Path, dialect: str, least: float) -> None:
    normalised(tmp_path, WRITERS[dialect], least)
    with pytest.raises(DataError, match=r"not pixels .* Multiply x by its width"):
        read(tmp_path)


def test_shares_in_one_file_of_many_are_named(tmp_path: Path) -> None:
    points = keypoints()
    points["ben/2.png"] = points["ben/2.png"] / 256
    write_openpose(tmp_path, points)
    with pytest.raises(DataError, match=r"ben/2_keypoints\.json: not pixels"):
        read(tmp_path)


@pytest.mark.parametrize("score", [0.01, 0.29])
def test_a_joint_of_a_small_score_is_missing_in_every_dialect_with_scores(
    tmp_path: Path, score: float
) -> None:
    def with_score(number: int, seen: float) -> float:
        return score if number == 4 else seen

    for write in (write_openpose, write_coco, write_npy):
        raw = tmp_path / write.__name__
        raw.mkdir()
        if write is write_npy:
            scores = np.array([with_score(joint, 0.3) for joint in range(18)])
            write_npy(raw, {name: np.column_stack([p, scores]) for name, p in keypoints().items()})
        elif write is write_coco:
            write_coco(raw)
            content = json.loads((raw / "keypoints.json").read_text())
            for annotation in content["annotations"]:
                flat = annotation["keypoints"]
                flat[2::3] = [min(flat[2 + 3 * at], with_score(j, 0.3)) for at, j in enumerate(COCO_ORDER)]
            (raw / "keypoints.json").write_text(json.dumps(content))
        else:
            write_openpose(raw, keypoints())
            for path in raw.rglob("*.json"):
                content = json.loads(path.read_text())
                flat = content["people"][0]["pose_keypoints_2d"]
                flat[2::3] = [min(flat[2 + 3 * joint], with_score(joint, 0.3)) for joint in range(18)]
                path.write_text(json.dumps(content))
        found = read(raw).keypoints[0]
        assert np.isnan(found[4]).all()
        assert not np.isnan(np.delete(found, 4, axis=0)).any()


def test_suffixes_may_be_in_upper_case(tmp_path: Path) -> None:
    write_openpose(tmp_path, keypoints())
    for path in list(tmp_path.rglob("*.json")):
        path.rename(path.with_suffix(".JSON"))
    assert read(tmp_path).names == list(SIZES)


def test_names_may_be_decomposed_or_have_backslashes(tmp_path: Path) -> None:
    sizes = {"é/1.jpg": (256, 176)}
    point = keypoints()["ben/2.png"]
    for spelling in (unicodedata.normalize("NFD", "é/1.jpg"), "é\\1.jpg", "images\\é\\1"):
        write_table(tmp_path, {spelling: point})
        assert read_keypoint_files(tmp_path, sizes).names == ["é/1.jpg"]


def test_a_canvas_of_another_scale_is_brought_to_the_image_and_of_another_shape_refused(
    tmp_path: Path,
) -> None:
    write_openpose(tmp_path, keypoints())
    path = tmp_path / "keypoints/anna/back_keypoints.json"  # an image of 512x352
    content = json.loads(path.read_text())
    expected = keypoints()["anna/back.jpg"]
    path.write_text(json.dumps({**content, "canvas_height": 1024, "canvas_width": 704}))
    np.testing.assert_allclose(read(tmp_path).keypoints[1], expected / 2)
    path.write_text(json.dumps({**content, "canvas_height": 704, "canvas_width": 1024}))
    with pytest.raises(DataError, match=r"back_keypoints\.json: of another image .* 704x1024"):
        read(tmp_path)


def test_of_several_coco_annotations_the_one_with_joints_counts(tmp_path: Path) -> None:
    write_coco(tmp_path)
    content = json.loads((tmp_path / "keypoints.json").read_text())
    empty = {"keypoints": [0] * 51, "num_keypoints": 0}
    crowd = {"keypoints": [50, 60, 2] * 17, "iscrowd": 1}
    own = content["annotations"]
    content["annotations"] = [
        {"image_id": 0, **empty},
        {"image_id": 1, **crowd},
        *own,
        {"image_id": 2, **empty},
    ]
    write_coco(tmp_path, annotations=content["annotations"])
    assert not np.isnan(read(tmp_path).keypoints[0]).any()
    assert read(tmp_path).names == list(SIZES)


def test_an_image_whose_coco_annotations_have_no_joints_shows_nobody(tmp_path: Path) -> None:
    write_coco(tmp_path)
    content = json.loads((tmp_path / "keypoints.json").read_text())
    content["annotations"][2]["keypoints"] = [0] * 51
    write_coco(tmp_path, annotations=content["annotations"])
    found = read(tmp_path)
    assert found.not_annotated == []
    assert np.isnan(found.keypoints[2]).all()


def test_a_list_of_coco_results_is_named(tmp_path: Path) -> None:
    (tmp_path / "keypoints.json").write_text(json.dumps([{"image_id": 1, "keypoints": [1] * 51, "score": 1}]))
    with pytest.raises(DataError, match=r"a list, as COCO results are, which names no image"):
        read(tmp_path)


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
