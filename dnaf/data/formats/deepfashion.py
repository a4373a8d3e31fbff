"""Names and lists of DeepFashion In-shop: the field's flat file names and what they say about an image.

An image has a path in the archive, `WOMEN/Dresses/id_00000002/02_1_front.jpg`, and a flat name,
`fashionWOMENDressesid0000000202_1front.jpg`, by which lists, annotations and results know it. In this
package "name" is the flat name, and "stem" the name without its suffix.

Source: GFLA@3afa8fe:script/generate_fashion_datasets.py:44-58 (path to name),
NTED@6e3f0e9:data/demo_dataset.py:102-129 (name to path).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.core.images import Pixels
from dnaf.data.formats.format import Format, Naming
from dnaf.data.formats.lists import read_list
from dnaf.data.formats.names import NEITHER, Choice, LeftOut, Name

FRAME = (256, 176)  # height, width of the frame that published keypoints refer to
UNLISTED = "in neither image list"

_PADDED = (256, 256)
_FLAT = re.compile(
    r"fashion(?P<gender>WOMEN|MEN)(?P<category>[A-Za-z_]+?)id(?P<item>[0-9]{8})(?P<colour>[0-9]{2})"
    r"_(?P<number>[0-9])(?P<view>[a-z]+)\.jpg"
)
_PATH = re.compile(
    r"(?:.*/)?(?P<gender>WOMEN|MEN)/(?P<category>[A-Za-z_]+)/id_(?P<item>[0-9]{8})/"
    r"(?:id_[0-9]{8}_)?(?P<colour>[0-9]{2})_(?P<number>[0-9])_(?P<view>[a-z]+)\.jpg"
)
_MULTIMODAL = re.compile(r"(?:.*/)?(?:WOMEN|MEN)-[A-Za-z_]+-id_[0-9]{8}-[0-9]{2}_[0-9]_[a-z]+\.(?:jpg|png)")


def name_of(text: str) -> Name:
    """Flat name of an image that is given by its path or by the flat name, with or without folders.

    Raises:
        DataError: neither of both.
    """
    last = text.rpartition("/")[2]
    if _FLAT.fullmatch(last):
        return Name(last)
    return Name(_parse(text).string) if "/" not in text else flat_name(text)


def flat_name(path: str) -> Name:
    """Flat name of an image's path; folders before `WOMEN` or `MEN` are ignored.

    A prefix `id_########_` of the file name, which some copies of the archive have, is dropped.

    Raises:
        DataError: not a path of DeepFashion In-shop.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise _name_error(path, "WOMEN/Dresses/id_00000002/02_1_front.jpg")
    return Name("fashion{gender}{category}id{item}{colour}_{number}{view}.jpg".format_map(match.groupdict()))


def image_path(name: Name) -> str:
    """Path of a flat name, from `WOMEN` or `MEN` on; the inverse of `flat_name`.

    Raises:
        DataError: not a flat name.
    """
    fields = _parse(name).groupdict()
    return "{gender}/{category}/id_{item}/{colour}_{number}_{view}.jpg".format_map(fields)


def refuse_padded(image: Pixels, name: str) -> None:
    """Refuses an image of the small archive: 256x256 pixels, padded at the sides by what is not always white.

    Raises:
        DataError: it is one.
    """
    if image.shape[:2] == _PADDED:
        raise DataError(
            f"{name}: an image of the small archive (found 256x256 pixels, padded at the sides; expected the "
            "originals). Use img_highres.zip."
        )


def outfit(name: Name) -> str:
    """Gender, category, item and colour of a flat name, as its beginning: the grouping and leakage key.

    Items alone would not do: 503 of the 930 test items are also in the training list, in another colour.

    Raises:
        DataError: not a flat name.
    """
    return name[: _parse(name).end("colour")]


def item(name: Name) -> str:
    """Gender, category and item of a flat name, as its beginning; 99 item numbers occur in two categories.

    Raises:
        DataError: not a flat name.
    """
    return name[: _parse(name).end("item")]


def facets(name: Name) -> dict[str, str]:
    """What a flat name says about its image: the garment's category with the gender, and the view.

    Raises:
        DataError: not a flat name.
    """
    match = _parse(name)
    return {"Category": f"{match['gender']} {match['category']}", "View": match["view"]}


def choose_images(raw: Path, paths: Sequence[str]) -> Choice:
    """The images of `train.lst` and `test.lst` among the files found; images in neither list are left out.

    Args:
        raw: the data set's folder, which holds the lists.
        paths: every file found there; thumbnails and notes, which some copies hold, are passed over.

    Raises:
        DataError: a list is malformed, an image is in both lists, listed but not found, or found twice.
    """
    listed = {split: read_list(raw / f"{split}.lst", name_of) for split in ("train", "test")}
    shared = set(listed["train"]) & set(listed["test"])
    if shared:
        raise DataError(
            f"{raw / 'test.lst'}: images of train.lst are listed here too (found {len(shared):,}, first "
            f"{min(shared)}). Use lists of the same split."
        )
    found: dict[Name, str] = {}
    for path in paths:
        name = _name_of_file(path)
        if name in found:
            raise DataError(f"{raw}: one image twice (found {found[name]} and {path}). Remove one of them.")
        if name is not None:
            found[name] = path
    missing = sorted(name for split in listed.values() for name in split if name not in found)
    if missing:
        for path in paths:
            if _MULTIMODAL.fullmatch(path):
                raise _name_error(path, image_path(missing[0]))
        num_listed = sum(map(len, listed.values()))
        raise DataError(
            f"{raw}: {len(missing):,} of {num_listed:,} listed images are missing (first: "
            f"{image_path(missing[0])}). Use the complete archive, and its own lists."
        )
    splits = {split: {name: found[name] for name in names} for split, names in listed.items()}
    taken = {name for names in splits.values() for name in names}
    return Choice(splits, [LeftOut(name, NEITHER, UNLISTED) for name in found if name not in taken])


def _name_of_file(path: str) -> Name | None:
    try:
        return name_of(path)
    except DataError:
        return None


def _parse(name: str) -> re.Match[str]:
    match = _FLAT.fullmatch(name)
    if match is None:
        raise _name_error(name, "fashionWOMENDressesid0000000202_1front.jpg")
    return match


def _name_error(name: str, example: str) -> DataError:
    shown = name if len(name) <= 120 else name[:117] + "..."
    if _MULTIMODAL.fullmatch(name):
        return DataError(
            f"{shown}: a name of DeepFashion-MultiModal (expected DeepFashion In-shop, like {example}). "
            "Use the In-shop archive and lists."
        )
    return DataError(f"{shown!r}: not a DeepFashion In-shop name (expected one like {example}).")


def _result_key(stem: str) -> str:
    """Without what some repositories spell in another way: prefixes, and underscores."""
    return re.sub("^(?:deep)?fash?ion", "", stem).replace("_", "")


FORMAT = Format(
    containers=(
        ("img_highres.zip",),
        ("img_highres",),
        ("img",),
        ("Img",),
        ("WOMEN", "MEN"),
        ("train_highres", "test_highres"),
        ("train", "test"),
    ),
    needed=("train.lst", "test.lst"),
    choose_images=choose_images,
    check_image=refuse_padded,
    naming=Naming(
        frame=FRAME,
        padding=40,
        name_of=name_of,
        outfit=outfit,
        item=item,
        facets=facets,
        is_junk=lambda name: False,
        # The code of GFLA and its heirs says "fasion", their READMEs "fashion".
        annotations=(
            "fasion-resize-annotation-{}.csv",
            "fashion-resize-annotation-{}.csv",
            "fasion-annotation-{}.csv",
            "fashion-annotation-{}.csv",
        ),
        pair_lists=(
            "{}_pairs.txt",
            "fasion-resize-pairs-{}.csv",
            "fashion-resize-pairs-{}.csv",
            "fasion-pairs-{}.csv",
            "fashion-pairs-{}.csv",
        ),
        pose_files=("pose", "pose.rar", "pose.zip", "pose.tar", "pose.tar.gz"),
        result_stem=r"(?:(?:deep)?fash?ion)?(?:WOMEN|MEN).+?id_?\d{8}_?\d{2}_\d_?[a-z]+",
        result_key=_result_key,
    ),
    unit="outfit",
)
