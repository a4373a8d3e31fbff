from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnaf.apply.masks.label_image import read_labels, region_of
from dnaf.apply.masks.label_sets import LABEL_SETS, LabelSetName
from dnaf.core.errors import DataError

COLOURED: list[tuple[LabelSetName, int]] = [("atr", 0), ("lip", 0), ("lip", 1)]


def every_label(name: LabelSetName) -> np.ndarray:
    """Two rows of pixels, each number once a row."""
    return np.arange(len(LABEL_SETS[name].labels), dtype=np.uint8)[None].repeat(2, axis=0)


def saved(folder: Path, image: Image.Image, suffix: str = "png") -> Path:
    path = folder / f"labels.{suffix}"
    image.save(path)
    return path


def test_the_sets_are_as_large_as_their_data_sets_say() -> None:
    """ATR has 18 labels, LIP 20, Fashionpedia 46 categories beside the background."""
    assert {name: len(each.labels) for name, each in LABEL_SETS.items()} == {
        "atr": 18,
        "lip": 20,
        "fashionpedia": 47,
    }
    for each in LABEL_SETS.values():
        assert len(set(each.labels)) == len(each.labels)
        assert each.upper | each.lower | each.on_either <= set(each.labels)
        assert all(len(set(palette)) == len(each.labels) for palette in each.palettes)


@pytest.mark.parametrize(
    ("name", "number", "label"),
    [("atr", 4, "Upper-clothes"), ("atr", 17, "Scarf"), ("lip", 7, "Coat"), ("fashionpedia", 7, "pants"),
     ("fashionpedia", 32, "sleeve"), ("fashionpedia", 46, "tassel")],
)  # fmt: skip
def test_a_number_means_what_its_data_set_says(name: LabelSetName, number: int, label: str) -> None:
    assert LABEL_SETS[name].labels[number] == label


def test_the_palette_of_the_parsers_is_that_of_voc() -> None:
    """Source: VOC's development kit, VOClabelcolormap: 1 is dark red, 2 green, 15 rose."""
    palette = LABEL_SETS["atr"].palettes[0]
    assert [palette[number] for number in (0, 1, 2, 4, 7, 8, 15, 16)] == [
        (0, 0, 0),
        (128, 0, 0),
        (0, 128, 0),
        (0, 0, 128),
        (128, 128, 128),
        (64, 0, 0),
        (192, 128, 128),
        (0, 64, 0),
    ]


@pytest.mark.parametrize("name", LABEL_SETS)
def test_grey_and_indexed_images_have_the_numbers_themselves(name: LabelSetName, tmp_path: Path) -> None:
    numbers = every_label(name)
    assert (read_labels(saved(tmp_path, Image.fromarray(numbers)), name) == numbers).all()
    assert (read_labels(saved(tmp_path, Image.fromarray(numbers).convert("RGB")), name) == numbers).all()
    indexed = Image.fromarray(numbers)
    indexed.putpalette([7 * number % 256 for number in range(3 * 256)])  # of no parser
    assert (read_labels(saved(tmp_path, indexed), name) == numbers).all()


@pytest.mark.parametrize(("name", "which"), COLOURED)
def test_colours_are_read_however_an_editor_has_sorted_them(
    name: LabelSetName, which: int, tmp_path: Path
) -> None:
    numbers, palette = every_label(name), np.array(LABEL_SETS[name].palettes[which], np.uint8)
    coloured = Image.fromarray(palette[numbers])
    assert (read_labels(saved(tmp_path, coloured), name) == numbers).all()
    sorted_anew = Image.fromarray(len(palette) - 1 - numbers)
    sorted_anew.putpalette(palette[::-1].ravel().tolist())
    assert (read_labels(saved(tmp_path, sorted_anew), name) == numbers).all()


def test_a_jpeg_is_refused_for_its_colours_are_not_exact(tmp_path: Path) -> None:
    image = Image.fromarray(every_label("lip"))
    with pytest.raises(DataError, match=r"labels\.jpeg: no exact colours \(found JPEG, expected PNG\)"):
        read_labels(saved(tmp_path, image, "jpeg"), "lip")


def test_numbers_and_colours_that_are_unknown_are_named(tmp_path: Path) -> None:
    lip = Image.fromarray(every_label("lip"))
    with pytest.raises(DataError, match=r"not of atr \(found 18, 19, expected 0 to 17\). Say --labels"):
        read_labels(saved(tmp_path, lip), "atr")
    smoothed = np.array([[[0, 0, 0], [128, 0, 0], [64, 1, 0]]], np.uint8)
    with pytest.raises(DataError, match=r"unknown colours \(found \(64, 1, 0\), expected colours of atr's"):
        read_labels(saved(tmp_path, Image.fromarray(smoothed)), "atr")
    with pytest.raises(DataError, match=r"unknown colours .* fashionpedia has no common palette"):
        read_labels(saved(tmp_path, Image.fromarray(smoothed)), "fashionpedia")
    with pytest.raises(DataError, match=r"no\.png: could not be read"):
        read_labels(tmp_path / "no.png", "lip")


def test_colours_that_two_palettes_explain_are_not_guessed(tmp_path: Path) -> None:
    """(0, 128, 0) is LIP's skirt, and hair in the palette of the parsers that SCHP's code trained."""
    both = np.array([[[0, 0, 0], [0, 128, 0]]], np.uint8)
    with pytest.raises(DataError, match="of two palettes, which mean different things"):
        read_labels(saved(tmp_path, Image.fromarray(both)), "lip")
    assert read_labels(saved(tmp_path, Image.fromarray(both)), "atr").tolist() == [[0, 2]]


def test_a_region_has_its_garments_and_no_others() -> None:
    """Closed form: of an image with every label once, those at the numbers of the garments."""
    path = Path("labels.png")
    for name, region, expected in (
        ("atr", "upper", [4, 7]),
        ("atr", "lower", [5, 6, 7]),
        ("atr", "person", list(range(1, 18))),
        ("lip", "upper", [5, 6, 7, 10]),
        ("lip", "lower", [6, 9, 10, 12]),
    ):
        found = region_of(every_label(name), name, region, path)  # type: ignore[arg-type]
        assert np.flatnonzero(found[0]).tolist() == expected


def test_what_lies_on_a_garment_is_of_the_nearer_one() -> None:
    """A column: shirt, a pocket on it, pants, a zipper on them."""
    labels = LABEL_SETS["fashionpedia"].labels
    shown = [
        "Background",
        "shirt, blouse",
        "pocket",
        "shirt, blouse",
        "pants",
        "zipper",
        "pants",
        "Background",
    ]
    column = np.array([labels.index(each) for each in shown], np.uint8)[:, None]
    upper = region_of(column, "fashionpedia", "upper", Path("labels.png"))
    lower = region_of(column, "fashionpedia", "lower", Path("labels.png"))
    assert upper[:, 0].tolist() == [False, True, True, True, False, False, False, False]
    assert lower[:, 0].tolist() == [False, False, False, False, True, True, True, False]


def test_a_region_that_is_not_there_is_told() -> None:
    hat = np.array([[0, 1]], np.uint8)
    with pytest.raises(DataError, match=r"labels\.png: no upper garment in it \(found Background, Hat\)"):
        region_of(hat, "lip", "upper", Path("labels.png"))
    with pytest.raises(DataError, match=r"fashionpedia has no labels of skin and hair"):
        region_of(hat, "fashionpedia", "person", Path("labels.png"))
