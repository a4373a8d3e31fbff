from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.data.formats import deepfashion

NAME = "fashionWOMENTees_Tanksid0000000101_1front.jpg"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("WOMEN/Dresses/id_00000002/02_1_front.jpg", "fashionWOMENDressesid0000000202_1front.jpg"),
        ("img/WOMEN/Tees_Tanks/id_00000001/01_1_front.jpg", NAME),
        (
            "img_highres/MEN/Denim/id_00000080/12_7_additional.jpg",
            "fashionMENDenimid0000008012_7additional.jpg",
        ),
        ("/some/where/MEN/Denim/id_00000080/12_6_flat.jpg", "fashionMENDenimid0000008012_6flat.jpg"),
    ],
)
def test_paths_become_the_flat_names_of_the_field(path: str, name: str) -> None:
    assert deepfashion.flat_name(path) == name
    assert path.endswith(deepfashion.image_path(name))


def test_an_item_number_repeated_in_the_file_name_is_dropped() -> None:
    assert deepfashion.flat_name("WOMEN/Tees_Tanks/id_00000001/id_00000001_01_1_front.jpg") == NAME


def test_names_of_deepfashion_multimodal_are_refused_by_name() -> None:
    for read in (deepfashion.flat_name, deepfashion.image_path):
        with pytest.raises(DataError, match="DeepFashion-MultiModal"):
            read("WOMEN-Jackets_Coats-id_00001705-05_1_front.jpg")


def test_an_archive_of_deepfashion_multimodal_is_refused_by_name(tmp_path: Path) -> None:
    for split, name in (("train", NAME), ("test", NAME.replace("0000000101", "0000000201"))):
        (tmp_path / f"{split}.lst").write_text(f"{name}\n")
    paths = ["img_highres.zip/images/WOMEN-Jackets_Coats-id_00001705-05_1_front.jpg"]
    with pytest.raises(DataError, match=r"a name of DeepFashion-MultiModal .expected DeepFashion In-shop"):
        deepfashion.choose_images(tmp_path, paths)
    with pytest.raises(DataError, match="2 of 2 listed images are missing"):
        deepfashion.choose_images(tmp_path, ["img_highres.zip/readme.txt"])


def test_images_in_neither_list_are_left_out_with_their_reason(tmp_path: Path) -> None:
    (tmp_path / "train.lst").write_text(f"{NAME}\n")
    (tmp_path / "test.lst").write_text("WOMEN/Dresses/id_00000002/02_1_front.jpg\n")
    paths = [
        "img.zip/WOMEN/Tees_Tanks/id_00000001/01_1_front.jpg",
        "img.zip/MEN/Denim/id_00000080/12_6_flat.jpg",
        "img.zip/WOMEN/Dresses/id_00000002/02_1_front.jpg",
        "img.zip/WOMEN/Dresses/id_00000002/thumbnail.jpg",  # no image of DeepFashion
    ]
    chosen = deepfashion.choose_images(tmp_path, paths)
    assert [*chosen.splits["train"].values(), *chosen.splits["test"].values()] == [paths[0], paths[2]]
    unlisted = "fashionMENDenimid0000008012_6flat.jpg"
    assert chosen.left_out == [(unlisted, "neither", deepfashion.UNLISTED)]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "img/KIDS/Dresses/id_00000002/02_1_front.jpg",
        "img/WOMEN/Dresses/id_0000002/02_1_front.jpg",
        "img/WOMEN/Dresses/id_00000002/002_1_front.jpg",
        "img/WOMEN/Dresses/id_00000002/id_00000002_002_1_front.jpg",
        "img/WOMEN/Dresses/id_00000002/2_1_front.jpg",
        "img/WOMEN/Dresses/id_00000002/02_1_front.gif",
        "img/WOMEN/../id_00000002/02_1_front.jpg",
        "img/WOMEN/Dresses/id_00000002/02_1_front.jpg\n",
        "img\\WOMEN\\Dresses\\id_00000002\\02_1_front.jpg",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(DataError, match="not a DeepFashion In-shop name"):
        deepfashion.flat_name(path)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        NAME.replace("01_", "001_"),
        NAME.replace("01_", "1_"),
        NAME + "\n",
        NAME.replace(".jpg", ".png"),
        "fashionTees_Tanksid0000000101_1front.jpg",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    for read in (deepfashion.image_path, deepfashion.outfit, deepfashion.item):
        with pytest.raises(DataError, match="not a DeepFashion In-shop name"):
            read(name)


def test_an_outfit_is_gender_category_item_and_colour() -> None:
    assert deepfashion.outfit(NAME) == "fashionWOMENTees_Tanksid0000000101"
    assert deepfashion.item(NAME) == "fashionWOMENTees_Tanksid00000001"


@pytest.mark.parametrize(
    "text", [NAME, f"train_highres/{NAME}", "img/WOMEN/Tees_Tanks/id_00000001/01_1_front.jpg"]
)
def test_a_path_and_a_flat_name_stand_for_the_same_image(text: str) -> None:
    assert deepfashion.name_of(text) == NAME
