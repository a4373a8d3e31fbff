"""What the page does, without the page: no Gradio is needed here."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnaf.apply.person import Person
from dnaf.core import config, images
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.data.detectors.detector import NobodyFoundError
from dnaf.data.keypoints.keypoints import LEFT_HIP, NECK, RIGHT_HIP, Points
from dnaf.ui.actions import WITH_POSE, WITHOUT_POSE, Actions
from dnaf.ui.history import MOST, Made, to_zip
from dnaf.ui.joint_table import JOINTS, Table, to_keypoints, to_table
from tests.helpers.application_project import ApplicationProject, in_model_pixels
from tests.helpers.training_project import SIZE

PHOTO = images.encode_png(np.full((2 * SIZE[0], 2 * SIZE[1], 3), 200, np.uint8))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ApplicationProject:
    return ApplicationProject(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def actions(project: ApplicationProject) -> Actions:
    painter = project.painter()
    generate = config.load(config.Generate, project.root / "params.yaml")
    return Actions(painter, project.inputs(), project.names, generate, {"model": "data/model"})


@pytest.fixture(scope="module")
def person(project: ApplicationProject) -> Person:
    return project.inputs().person(project.names[0])


@pytest.fixture
def table(person: Person) -> Table:
    return to_table(person.keypoints)


def pose_file(points: np.ndarray) -> bytes:
    flat = [value for x, y in points.tolist() for value in (x, y, 1.0)]
    return json.dumps({"people": [{"pose_keypoints_2d": flat}]}).encode()


def changed(table: Table, joint: int, *cells: Any) -> Table:
    return [[*row[:1], *cells] if number == joint else row for number, row in enumerate(table)]


def test_joints_are_named_in_the_order_of_keypoints() -> None:
    assert len(JOINTS) == 18
    assert [JOINTS[number] for number in (0, NECK, 2, 4, 5, RIGHT_HIP, LEFT_HIP, 14, 15, 16)] == [
        *("nose", "neck", "right shoulder", "right wrist", "left shoulder", "right hip", "left hip"),
        *("right eye", "left eye", "right ear"),
    ]


def test_a_table_is_read_back_with_its_missing_joints(person: Person) -> None:
    keypoints = person.keypoints.copy()
    keypoints[3] = np.nan
    table = to_table(keypoints)
    assert table[3] == ["right elbow", None, None]
    assert to_keypoints(table) == pytest.approx(keypoints, abs=0.05, nan_ok=True)


def test_cells_may_be_text_as_people_type_them(table: Table) -> None:
    assert to_keypoints(changed(table, 0, " 3.5", "4"))[0].tolist() == [3.5, 4]
    assert np.isnan(to_keypoints(changed(table, 0, "", " "))[0]).all()


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (("left", 3), r"^nose: not two numbers \(found left and 3\)"),
        ((3, ""), r"^nose: not two numbers \(found 3 and nothing\)\. Write both x and y"),
        (("inf", 3), r"^nose: not a coordinate in pixels \(found inf, expected at most 1024\)"),
        ((3, 1e9), "^nose: not a coordinate in pixels"),
        (([], {}), r"^nose: not two numbers"),
    ],
)
def test_a_cell_that_is_no_coordinate_is_told(table: Table, cells: tuple[Any, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        to_keypoints(changed(table, 0, *cells))


def test_a_table_of_other_rows_is_told(table: Table) -> None:
    for other in (table[:17], [], [row[:2] for row in table]):
        with pytest.raises(DataError, match="not a table of joints"):
            to_keypoints(other)


def test_a_test_image_comes_with_its_pose(
    actions: Actions, project: ApplicationProject, table: Table
) -> None:
    person, shown, note = actions.source(project.names[1], None, None)
    assert person.keypoints == pytest.approx(in_model_pixels(project.keypoints[project.names[1]]))
    assert note == WITH_POSE
    assert shown.shape == (480, 360, 3)  # 15 times the model's size: at least 352 wide


def test_a_file_is_not_an_image_of_the_list(
    actions: Actions, project: ApplicationProject, person: Person, table: Table, tmp_path: Path
) -> None:
    """Nor an image of the data set that is not a test image."""
    (tmp_path / "secret.png").write_bytes(PHOTO)
    for name in (str(tmp_path / "secret.png"), "params.yaml", project.splits["train"][0], ""):
        with pytest.raises(DataError, match=r"not a test image \(expected one of 4\)"):
            actions.source(name, None, None)
        with pytest.raises(DataError, match="not a test image"):
            actions.pose(name)


def test_an_upload_counts_before_the_test_image(
    actions: Actions, project: ApplicationProject, table: Table
) -> None:
    keypoints = in_model_pixels(project.keypoints[project.names[0]])
    person, _, note = actions.source(project.names[0], PHOTO, pose_file(2 * keypoints))
    assert (person.image == 200).all()
    assert person.keypoints == pytest.approx(keypoints)
    assert note == WITH_POSE


def test_an_upload_without_a_pose_is_an_artwork_and_the_page_says_so(
    actions: Actions, project: ApplicationProject, table: Table
) -> None:
    person, shown, note = actions.source(project.names[0], PHOTO, None)
    assert np.isnan(person.keypoints).all()
    assert (shown == 200).all()
    assert note == WITHOUT_POSE


@pytest.mark.parametrize(
    ("image", "pose", "sentence"),
    [
        (b"GIF89a", None, "^image: not a readable JPEG or PNG image"),
        (PHOTO[:100], None, "^image: not a readable JPEG or PNG image"),
        (PHOTO, b"{", "^pose: not valid JSON"),
        (PHOTO, b" " * 100_001, "^pose: too large for a pose"),
        (None, b"{}", "^pose: of no image"),
    ],
)
def test_a_bad_upload_is_one_sentence(
    actions: Actions,
    project: ApplicationProject,
    table: Table,
    image: bytes | None,
    pose: bytes | None,
    sentence: str,
) -> None:
    with pytest.raises(DataError, match=sentence):
        actions.source(project.names[0], image, pose)


def test_an_upload_of_too_many_pixels_is_told(
    actions: Actions, project: ApplicationProject, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(DataError, match=r"^image: image too large"):
        actions.source(project.names[0], PHOTO, None)


def test_a_moved_joint_is_where_it_was_put(actions: Actions, person: Person, table: Table) -> None:
    moved = actions.move(table, "left wrist", [SIZE[1] / 2, SIZE[0] / 2])
    assert moved == changed(table, JOINTS.index("left wrist"), SIZE[1] / 2, SIZE[0] / 2)
    assert (actions.skeleton(moved) != actions.skeleton(table)).any()


@pytest.mark.parametrize("at", [["a", 1], [1, None], [1], [1, 2, 3], [float("inf"), 1], [1e300, 1]])
def test_what_is_no_place_moves_nothing(actions: Actions, table: Table, at: list[Any]) -> None:
    with pytest.raises(DataError):
        actions.move(table, "left wrist", at)


def test_a_removed_joint_is_missing(actions: Actions, person: Person, table: Table) -> None:
    removed = actions.move(table, "nose", None)
    assert removed == changed(table, 0, None, None)
    with pytest.raises(DataError, match=r"^tail: not a joint"):
        actions.move(table, "tail", None)


def test_a_picked_pose_replaces_the_table(
    actions: Actions, project: ApplicationProject, person: Person
) -> None:
    table = actions.pose(project.names[2])
    expected = in_model_pixels(project.keypoints[project.names[2]])
    assert to_keypoints(table) == pytest.approx(expected, abs=0.05)


def test_an_image_is_generated_with_the_steps_and_guidance_asked_for(
    actions: Actions, project: ApplicationProject, person: Person, table: Table
) -> None:
    generated = actions.generate_image(person, table, 3, 2.0, [])[0]
    assert (generated != actions.generate_image(person, table, 2, 1.0, [])[0]).any()
    other = project.painter(num_inference_steps=3, guidance_scale=2.0)
    assert (generated[::15, ::15] == other.generate([person], [to_keypoints(table)])[0]).all()


def test_without_any_joint_nothing_is_generated(actions: Actions, person: Person) -> None:
    with pytest.raises(DataError, match=r"^pose: no joints"):
        actions.generate_image(person, to_table(np.full((18, 2), np.nan)), 2, 1.0, [])


def test_what_was_generated_is_kept_and_downloads_with_what_it_was_made_of(
    actions: Actions, person: Person, table: Table
) -> None:
    shown, (source, compared), made, images_shown = actions.generate_image(person, table, 2, 1.0, [])
    assert (shown == compared).all()
    assert (source == actions.shown(person.image)).all()
    without_nose = changed(table, 0, None, None)
    second, _, made, images_shown = actions.generate_image(person, without_nose, 3, 1.0, made)
    assert (images_shown[0] == second).all()
    assert (images_shown[1] == shown).all()
    with zipfile.ZipFile(io.BytesIO(to_zip(made))) as archive:
        assert archive.namelist() == ["001.png", "001.json", "002.png", "002.json"]
        first, last = (json.loads(archive.read(f"{number:03d}.json")) for number in (1, 2))
        image = images.decode(archive.read("002.png"), "002.png")
    assert (image == made[1].image).all()
    assert image.shape == (*SIZE, 3)
    assert first["joints"]["nose"] == pytest.approx(table[0][1:])
    assert last["joints"]["nose"] is None
    assert [each["generate"]["num_inference_steps"] for each in (first, last)] == [2, 3]
    assert first["model"] == "data/model"


def test_of_very_many_images_the_earliest_are_dropped(actions: Actions, person: Person, table: Table) -> None:
    earlier = [Made(person.image, {"number": number}) for number in range(MOST)]
    made = actions.generate_image(person, table, 2, 1.0, earlier)[2]
    assert len(made) == MOST
    assert made[0].params == {"number": 1}


def test_more_images_of_the_person_are_given_to_the_model_too(
    actions: Actions, project: ApplicationProject, table: Table
) -> None:
    person, shown, _ = actions.source(project.names[0], None, None, [PHOTO, PHOTO])
    assert [(other.image == 200).all() for other in person.others] == [True, True]
    assert shown.shape == (480, 3 * 360, 3)
    alone = actions.source(project.names[0], None, None)[0]
    found = [actions.generate_image(each, table, 2, 1.0, []) for each in (person, alone)]
    assert (found[0][0] != found[1][0]).any()
    assert found[0][2][0].params["num_sources"] == 3
    with pytest.raises(DataError, match=r"^images: too many of one person \(found 6 more, expected at mo"):
        actions.source(project.names[0], None, None, [PHOTO] * 6)


def test_a_detector_finds_the_poses_of_uploads(
    actions: Actions, project: ApplicationProject, person: Person, table: Table
) -> None:
    def detector(photograph: Pixels, name: str) -> Points:
        """Sees the person of the first test image in every light photograph, and nobody in a dark one."""
        if photograph.mean() < 100:
            raise NobodyFoundError(f"{name}: no person found.")
        return 2 * person.keypoints

    seeing = replace(actions, inputs=replace(actions.inputs, detector=detector))
    found, _, note = seeing.source(project.names[1], PHOTO, None)
    assert found.keypoints == pytest.approx(person.keypoints)
    assert note == WITH_POSE
    dark = images.encode_png(np.zeros((2 * SIZE[0], 2 * SIZE[1], 3), np.uint8))
    assert seeing.source(project.names[1], dark, None)[2] == WITHOUT_POSE
    assert to_keypoints(seeing.upload_pose(PHOTO, table)) == pytest.approx(person.keypoints, abs=0.05)
    with pytest.raises(DataError, match=r"^pose: no person found"):
        seeing.upload_pose(dark, table)
    with pytest.raises(DataError, match=r"^pose: not valid JSON"):
        actions.upload_pose(PHOTO, table)  # without a detector


def test_a_wanted_pose_is_uploaded_in_pixels_of_its_canvas_and_shown_without_the_person(
    actions: Actions, project: ApplicationProject, table: Table
) -> None:
    keypoints = in_model_pixels(project.keypoints[project.names[2]])
    uploaded = actions.upload_pose(pose_file(keypoints), table)
    assert to_keypoints(uploaded) == pytest.approx(keypoints, abs=0.05)
    shown, expected = (actions.skeleton(each) for each in (uploaded, actions.pose(project.names[2])))
    assert (shown == expected).mean() > 0.99
    assert (np.median(shown, axis=(0, 1)) == np.median(shown)).all()  # grey, whoever the source is
    content = json.loads(pose_file(2 * keypoints))
    told = json.dumps({**content, "canvas_height": 2 * SIZE[0], "canvas_width": 2 * SIZE[1]}).encode()
    assert actions.upload_pose(told, table) == uploaded


def test_a_wanted_pose_that_is_none_is_one_sentence_and_a_removed_one_changes_nothing(
    actions: Actions, table: Table
) -> None:
    with pytest.raises(DataError, match=r"^pose: not valid JSON"):
        actions.upload_pose(b"{", table)
    with pytest.raises(DataError, match=r"^pose: too large for a pose"):
        actions.upload_pose(b" " * 100_001, table)
    assert actions.upload_pose(None, table) == table


def test_thumbnails_are_test_images_large_enough_to_be_picked(actions: Actions) -> None:
    thumbnails = actions.thumbnails()
    assert [name for _, name in thumbnails] == list(actions.names)
    assert all(image.shape == (128, 96, 3) for image, _ in thumbnails)
