"""The demo is a function of its seed, has DeepFashion's formats, and shows people whose keypoints fit."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dnaf.core import images
from dnaf.data.archives.open import open_archive
from dnaf.data.archives.passwords import PUBLIC
from dnaf.data.demo import figure as demo_figure
from dnaf.data.demo import outfit as demo_outfit
from dnaf.data.demo.canvas import Canvas, Surface, flat
from dnaf.data.demo.write import write_demo
from dnaf.data.formats import deepfashion
from dnaf.data.formats.lists import read_list
from dnaf.data.keypoints.pose_files import read_pose_files
from dnaf.data.pairs import pairs
from tests.helpers.raw_folder import read_table

VIEWS = demo_figure.VIEWS


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "demo"
    write_demo(folder, seed=3, num_train_outfits=3, num_test_outfits=2)
    return folder


def _images(folder: Path) -> dict[str, bytes]:
    with open_archive(folder / "img_highres.zip") as archive:
        return dict(archive.read(archive.names, PUBLIC["demo"]))


def test_all_files_of_the_real_data_set_are_written_and_nothing_else(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == [
        "fasion-resize-annotation-test.csv",
        "fasion-resize-annotation-train.csv",
        "img_highres.zip",
        "pose.zip",
        "test.lst",
        "test_pairs.txt",
        "train.lst",
        "train_pairs.txt",
    ]


def test_lists_name_six_views_of_each_outfit_and_no_outfit_twice(written: Path) -> None:
    train, test = (read_list(written / f"{split}.lst", deepfashion.name_of) for split in ("train", "test"))
    assert (len(train), len(test)) == (18, 12)
    outfits = [{deepfashion.outfit(name) for name in split} for split in (train, test)]
    assert (len(outfits[0]), len(outfits[1])) == (3, 2)
    assert not outfits[0] & outfits[1]


def test_archive_is_encrypted_and_holds_exactly_the_listed_images(written: Path) -> None:
    contents = _images(written)
    assert all(
        re.fullmatch(r"img_highres/(WOMEN|MEN)/\w+/id_\d{8}/01_\d_\w+\.jpg", name) for name in contents
    )
    listed = [
        name
        for split in ("train", "test")
        for name in read_list(written / f"{split}.lst", deepfashion.name_of)
    ]
    assert [deepfashion.flat_name(name) for name in contents] == listed
    assert {images.decode(data, name).shape for name, data in contents.items()} == {(256, 176, 3)}
    with open_archive(written / "img_highres.zip") as archive:
        assert archive.is_encrypted


def test_pair_lists_follow_the_selection_rule_of_the_split(written: Path) -> None:
    for split in ("train", "test"):
        annotations = read_table(written / f"fasion-resize-annotation-{split}.csv")
        selected = pairs.select_pairs(annotations.names, annotations.keypoints, deepfashion.outfit)
        listed = pairs.read_pair_list(written / f"{split}_pairs.txt", deepfashion.name_of)
        assert set(listed) == set(zip(selected["source"], selected["target"], strict=True))
        assert listed


def test_train_pairs_pack_all_sources_of_a_target_in_one_line(written: Path) -> None:
    lines = (written / "train_pairs.txt").read_text().splitlines()
    targets = [line.split(",")[0] for line in lines]
    assert len(set(targets)) == len(targets)
    assert max(line.count(",") for line in lines) > 1
    assert all(line.count(",") == 1 for line in (written / "test_pairs.txt").read_text().splitlines())


def test_pose_files_give_the_annotated_keypoints(written: Path) -> None:
    for split in ("train", "test"):
        annotations = read_table(written / f"fasion-resize-annotation-{split}.csv")
        poses = read_pose_files(
            written / "pose.zip", annotations.names, deepfashion.name_of, deepfashion.FRAME, 40
        )
        assert poses.names == annotations.names
        assert np.array_equal(poses.keypoints, annotations.keypoints, equal_nan=True)
    with zipfile.ZipFile(written / "pose.zip") as archive:
        row = archive.read(archive.namelist()[0]).splitlines()[1].decode()
    assert re.fullmatch(r"\d\.\d{18}e[+-]\d\d \d\.\d{18}e[+-]\d\d", row)


def test_same_seed_is_the_same_bytes_and_another_seed_is_not(written: Path, tmp_path: Path) -> None:
    write_demo(tmp_path / "again", seed=3, num_train_outfits=3, num_test_outfits=2)
    for path in written.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name
    assert not np.array_equal(
        demo_figure.draw_figure(4, 0, "front")[0], demo_figure.draw_figure(3, 0, "front")[0]
    )


def test_an_image_does_not_depend_on_how_many_others_are_drawn(written: Path) -> None:
    alone = images.encode_jpeg(demo_figure.draw_figure(3, 4, "back")[0], 95)
    name = next(name for name in _images(written) if "id_00000005" in name and name.endswith("3_back.jpg"))
    assert _images(written)[name] == alone


@pytest.mark.parametrize("view", VIEWS)
def test_keypoints_lie_on_the_person(view: demo_figure.View) -> None:
    num_visible = num_on_person = 0
    for index in range(12):
        image, points = demo_figure.draw_figure(0, index, view)
        assert (image.shape, image.dtype, points.shape) == ((256, 176, 3), np.uint8, (18, 2))
        visible = points[~np.isnan(points[:, 0])]
        assert ((visible >= 0) & (visible < (176, 256))).all()
        columns, rows = visible.astype(int).T
        # The person stands away from at least one edge.
        edges = image[rows][:, [0, -1]].astype(int)
        distance = np.abs(edges - image[rows, columns][:, None]).max(axis=2).min(axis=1)
        num_visible += len(visible)
        num_on_person += (distance > 4).sum()
    assert num_on_person > 0.9 * num_visible
    assert num_visible > 12 * 7


def test_views_show_what_their_names_say() -> None:
    def share_of_visible_noses(view: demo_figure.View) -> float:
        noses = [demo_figure.draw_figure(1, index, view)[1][0, 0] for index in range(15)]
        return float(np.mean(~np.isnan(noses)))

    assert share_of_visible_noses("front") > 0.9
    assert share_of_visible_noses("back") < 0.1


def test_left_and_right_joints_change_sides_from_front_to_back() -> None:
    def left_minus_right(view: demo_figure.View) -> float:
        points = np.array([demo_figure.draw_figure(1, index, view)[1] for index in range(10)])
        return float(np.nanmedian(points[:, 5, 0] - points[:, 2, 0]))

    assert left_minus_right("front") > 20
    assert left_minus_right("back") < -20


def test_the_ground_is_white_and_white_cloth_before_it_has_a_dark_contour() -> None:
    canvas = Canvas((40, 40), unit=10)
    canvas.capsule((20, 10), (20, 30), (6, 6), flat(np.ones(3, np.float32)))
    canvas.contour()
    assert (canvas.image[:, :10] == 1).all()
    row = canvas.image[20, :, 0]
    assert (row[[15, 25]] < 0.5).all()
    assert row[20] > 0.9


def test_two_colours_of_a_garment_differ_by_more_than_a_shade() -> None:
    garments = [outfit.top for outfit in (demo_outfit.sample_outfit(0, index) for index in range(200))]
    assert min(np.abs(garment.first - garment.second).sum() for garment in garments) > 1


def test_outfits_vary_in_everything_that_is_drawn() -> None:
    outfits = [demo_outfit.sample_outfit(0, index) for index in range(200)]
    assert {outfit.gender for outfit in outfits} == {"WOMEN", "MEN"}
    assert {outfit.bottom_kind for outfit in outfits} == {"trousers", "shorts", "skirt", "dress"}
    assert {outfit.hair_style for outfit in outfits} == {"long", "bob", "bun", "short"}
    assert len({outfit.top.pattern for outfit in outfits}) == 8
    assert len({outfit.category for outfit in outfits}) >= 8
    assert len({tuple(outfit.top.first.tolist()) for outfit in outfits}) > 190


@pytest.mark.parametrize("pattern", ["hstripe", "vstripe", "plaid", "dots", "block", "logo", "check"])
def test_every_pattern_shows_both_colours(pattern: str) -> None:
    black, white = np.zeros(3, np.float32), np.ones(3, np.float32)
    garment = demo_outfit.Garment(pattern, black, white, 0.5, 0.3, 0.5, 1)
    along, around = np.mgrid[0:2.5:100j, -1.5:1.5:100j].astype(np.float32)
    colours = demo_outfit.paint_garment(garment, Surface(around, along, around, around))
    assert colours.shape == (100, 100, 3)
    assert colours.min() == 0
    assert colours.max() > 0.9
    assert 0.02 < colours.mean() < 0.98
