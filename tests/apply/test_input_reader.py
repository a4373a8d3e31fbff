import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnaf.apply.input_reader import InputReader
from dnaf.core import images
from dnaf.core.errors import ConfigError, DataError
from dnaf.core.images import Pixels
from dnaf.data.detectors.detector import NobodyFoundError
from dnaf.data.detectors.load import load_detector
from dnaf.data.keypoints.keypoints import Points
from tests.helpers.application_project import ApplicationProject, in_model_pixels
from tests.helpers.training_project import SIZE

JOINTS = np.arange(36, dtype=float).reshape(18, 2)  # within an image of 64x48 pixels


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ApplicationProject:
    return ApplicationProject(tmp_path_factory.mktemp("project"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Twice the size of the model's images."""
    path = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (2 * SIZE[0], 2 * SIZE[1], 3), np.uint8)
    path.write_bytes(images.encode_png(pixels))
    return path


def pose_file(folder: Path, points: np.ndarray = JOINTS, **more: object) -> Path:
    flat = [value for x, y in points.tolist() for value in (x, y, 1.0)]
    path = folder / "pose.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": flat}], **more}))
    return path


def test_an_image_of_the_data_set_comes_with_its_keypoints(project: ApplicationProject) -> None:
    name = project.names[1]
    person = project.inputs().person(name)
    assert person.image.shape == (*SIZE, 3)
    assert person.keypoints == pytest.approx(in_model_pixels(project.keypoints[name]))
    assert project.inputs().pose(name) == pytest.approx(person.keypoints)


def test_a_photograph_and_its_pose_file_are_brought_into_the_frame_together(
    project: ApplicationProject, photo: Path, tmp_path: Path
) -> None:
    person = project.inputs().person(str(photo), pose_file(tmp_path))
    assert person.image.shape == (*SIZE, 3)
    assert person.keypoints == pytest.approx(JOINTS / 2)


def test_in_a_frame_of_another_shape_an_image_of_the_data_set_keeps_its_joints(
    project: ApplicationProject,
) -> None:
    name = project.names[0]
    wide = InputReader((SIZE[0], 2 * SIZE[0]), data=project.root / "data").person(name)
    margin = (2 * SIZE[0] - SIZE[1]) // 2
    same = project.inputs().person(name)
    assert (wide.image[:, margin : margin + SIZE[1]] == same.image).all()
    assert wide.keypoints == pytest.approx(same.keypoints + np.array([margin, 0]))


def test_a_turned_photograph_is_turned_back(tmp_path: Path) -> None:
    upright = np.zeros((*SIZE, 3), np.uint8)
    upright[: SIZE[0] // 2] = 255
    image = Image.fromarray(np.rot90(upright))
    exif = image.getexif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise to see it upright
    image.save(tmp_path / "turned.png", exif=exif)
    assert (InputReader(SIZE, data=tmp_path).artwork(str(tmp_path / "turned.png")).image == upright).all()


def test_a_pose_file_tells_the_size_it_was_made_for(project: ApplicationProject, tmp_path: Path) -> None:
    inputs = project.inputs()
    assert inputs.pose(str(pose_file(tmp_path))) == pytest.approx(JOINTS)
    told = pose_file(tmp_path, canvas_height=2 * SIZE[0], canvas_width=2 * SIZE[1])
    assert inputs.pose(str(told)) == pytest.approx(JOINTS / 2)


def test_the_size_may_be_given_by_hand_or_by_the_photograph(
    project: ApplicationProject, photo: Path, tmp_path: Path
) -> None:
    path = pose_file(tmp_path, JOINTS + np.array([10, 26]))  # most of it outside of the frame
    with pytest.raises(
        DataError, match=r"pixels of another image .* Say what its pixels are of: --pose-size"
    ):
        project.inputs().pose(str(path))
    for size in (f"{2 * SIZE[0]}x{2 * SIZE[1]}", str(photo)):
        assert project.inputs().pose(str(path), size) == pytest.approx((JOINTS + np.array([10, 26])) / 2)
    with pytest.raises(DataError, match="48by64: no such file"):
        project.inputs().pose(str(path), "48by64")


def test_a_pose_that_is_no_pose_in_these_pixels_is_refused_wherever_it_is_given(
    project: ApplicationProject, photo: Path, tmp_path: Path
) -> None:
    inputs = project.inputs()
    for points, problem in (
        (JOINTS / 64, "not pixels"),
        (JOINTS + 64, "pixels of another image"),
        (np.full((18, 2), 1e9), "not a coordinate in pixels"),
    ):
        path = pose_file(tmp_path, points)
        for read in (
            lambda path: inputs.pose(str(path)),
            lambda path: inputs.uploaded_pose(path.read_bytes()),
            lambda path: inputs.person(str(photo), path),
            lambda path: inputs.uploaded(photo.read_bytes(), path.read_bytes()),
        ):
            with pytest.raises(DataError, match=problem):
                read(path)


@pytest.mark.parametrize("people", [[], [{"pose_keypoints_2d": [0] * 54}], [{"pose_keypoints_2d": None}]])
def test_a_pose_of_nobody_is_refused(project: ApplicationProject, tmp_path: Path, people: object) -> None:
    path = tmp_path / "pose.JSON"
    path.write_text(json.dumps({"people": people}))
    with pytest.raises(DataError, match=r"pose\.JSON: nobody in it"):
        project.inputs().pose(str(path))


@pytest.mark.parametrize("height", [0, -1, "64", None])
def test_a_size_that_is_none_is_refused(project: ApplicationProject, tmp_path: Path, height: object) -> None:
    path = pose_file(tmp_path, canvas_height=height, canvas_width=48)
    with pytest.raises(DataError, match="canvas_height and canvas_width: not pixels"):
        project.inputs().pose(str(path))


def test_an_image_of_no_one_has_no_keypoints(project: ApplicationProject, photo: Path) -> None:
    assert np.isnan(project.inputs().artwork(str(photo)).keypoints).all()


def test_a_photograph_without_a_pose_asks_for_one(project: ApplicationProject, photo: Path) -> None:
    with pytest.raises(DataError, match=r"photo.png: its pose is not known. Give a pose file"):
        project.inputs().person(str(photo))


def test_a_name_that_is_neither_file_nor_image_is_told(project: ApplicationProject, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nobody.jpg: no such file, nor an image .* \(found 4 in"):
        project.inputs().person("nobody.jpg")
    with pytest.raises(DataError, match=r"nobody: no such file, nor an image .* \(found 0 in"):
        InputReader(SIZE, data=tmp_path).artwork("nobody")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"people": 3}', b"\xff\xd8\xff"])
def test_a_broken_pose_file_is_one_sentence(
    project: ApplicationProject, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "pose.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"pose\.json"):
        project.inputs().pose(str(path))


def test_a_pose_file_that_is_missing_is_named(project: ApplicationProject) -> None:
    with pytest.raises(DataError, match=r"no\.json: could not be read"):
        project.inputs().pose("no.json")


def test_a_mask_is_white_where_to_repaint(project: ApplicationProject, photo: Path, tmp_path: Path) -> None:
    drawn = np.zeros((2 * SIZE[0], 2 * SIZE[1]), np.uint8)
    drawn[: SIZE[0]] = 255
    path = tmp_path / "mask.png"
    path.write_bytes(images.encode_png(drawn))
    mask = project.inputs().mask(path, over=str(photo))
    assert mask[: SIZE[0] // 2].all()
    assert not mask[SIZE[0] // 2 :].any()
    with pytest.raises(DataError, match=r"not the size of the frame \(found 64x48 pixels, expected 32x24\)"):
        project.inputs().mask(path)


def test_a_black_mask_is_refused(project: ApplicationProject, tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(images.encode_png(np.zeros(SIZE, np.uint8)))
    with pytest.raises(DataError, match="nothing to repaint"):
        project.inputs().mask(path)


def test_a_label_image_is_a_mask_of_what_it_is_asked_for(
    project: ApplicationProject, photo: Path, tmp_path: Path
) -> None:
    labels = np.zeros((2 * SIZE[0], 2 * SIZE[1]), np.uint8)
    labels[: SIZE[0]] = 5  # LIP's upper clothes
    labels[SIZE[0] :, : SIZE[1]] = 9  # and pants
    path = tmp_path / "labels.png"
    path.write_bytes(images.encode_png(labels))
    inputs = project.inputs()
    upper = inputs.region(path, "lip", "upper", str(photo))
    lower = inputs.region(path, "lip", "lower", str(photo))
    assert upper[: SIZE[0] // 2].all()
    assert not upper[SIZE[0] // 2 :].any()
    assert lower[SIZE[0] // 2 :, : SIZE[1] // 2].all()
    assert (inputs.region(path, "lip", "person", str(photo)) == (upper | lower)).all()
    with pytest.raises(DataError, match=r"not the size of .* \(found 64x48 pixels, expected 32x24\)"):
        inputs.region(path, "lip", "upper", project.names[0])


def test_a_label_image_is_not_taken_for_a_mask(project: ApplicationProject, tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    coloured = np.zeros((*SIZE, 3), np.uint8)
    coloured[:9] = (255, 85, 0)
    path.write_bytes(images.encode_png(coloured))
    with pytest.raises(DataError, match=r"not a mask .* say which labels it has: --labels atr, lip or"):
        project.inputs().mask(path)
    path.write_bytes(images.encode_png(np.full(SIZE, 5, np.uint8)))
    with pytest.raises(DataError, match=r"nothing to repaint .* label image say --labels"):
        project.inputs().mask(path)


def test_of_several_people_in_a_pose_file_the_number_counts_from_the_left(
    project: ApplicationProject, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smaller, size = JOINTS / 2 + (25, 0), f"{2 * SIZE[0]}x{2 * SIZE[1]}"
    flat = [[value for x, y in points.tolist() for value in (x, y, 1.0)] for points in (smaller, JOINTS)]
    path = tmp_path / "group.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": numbers} for numbers in flat]}))
    inputs = project.inputs()
    assert inputs.pose(f"{path}#1", size) == pytest.approx(JOINTS / 2)
    assert inputs.pose(f"{path}#2", size) == pytest.approx(smaller / 2)
    assert inputs.person(str(photo), Path(f"{path}#2")).keypoints == pytest.approx(smaller / 2)
    assert capsys.readouterr().err == ""
    assert inputs.pose(str(path), size) == pytest.approx(JOINTS / 2), "the largest"
    assert "group.json: 2 people, of whom the largest is taken, number 1" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"group\.json: nobody has number 3 \(found 2"):
        inputs.pose(f"{path}#3", size)


def test_of_several_people_in_a_photograph_the_number_counts_from_the_left(
    project: ApplicationProject, photo: Path
) -> None:
    left, right = JOINTS / 6, JOINTS / 4 + (30, 40)

    def right_first(photograph: Pixels, name: str) -> Points:
        if (photograph == images.read(photo)).all():
            return right
        if (photograph[1:4, 1:4] == images.read(photo)[1:4, 1:4]).all():
            return left
        raise NobodyFoundError(name)

    inputs = replace(project.inputs(), detector=right_first)
    assert inputs.person(f"{photo}#1").keypoints == pytest.approx(left / 2)
    assert inputs.pose(f"{photo}#2") == pytest.approx(right / 2)
    assert inputs.person(str(photo)).keypoints == pytest.approx(right / 2), "the largest"
    assert inputs.person(f"{photo}#1").image.shape == (*SIZE, 3)


def test_the_missing_detector_package_is_named(tmp_path: Path) -> None:
    try:
        import rtmlib  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match="uv sync --extra photos"):
            load_detector(str(tmp_path / "rtmpose.onnx"))
    else:
        pytest.skip("rtmlib is installed")
