"""Names of Market-1501 and what they say about an image.

`0265_c3s1_062642_05.jpg` is person, camera and sequence, frame, and detection. Names that begin with `-1`
(junk) or `0000` (distractors) show no person of the data set; the field's pairs leave them out.

Source: PATN@281ee2d:tool/create_pairs_dataset.py:33-34 (junk), GFLA@3afa8fe:README.md (folder names).
"""

import re
from collections.abc import Sequence
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.data.formats.format import Format, Naming
from dnaf.data.formats.names import Choice, LeftOut, Name, Splits

FRAME = (128, 64)  # height, width: of the images and of the frame that published keypoints refer to

_NAME = re.compile(r"(?P<person>-1|[0-9]{4})_c(?P<camera>[0-9])s[0-9]_[0-9]{6}_[0-9]{2}\.jpg")
_FOLDER = re.compile(r"(?:.*/)?(?:bounding_box_)?(?P<split>train|test)/[^/]+")
_JUNK = ("-1", "0000")

JUNK = "junk or distractor"


def name_of(text: str) -> Name:
    """Name of an image that is given by its path or name.

    Raises:
        DataError: not a name of Market-1501.
    """
    return Name(_parse(text.rpartition("/")[2]).string)


def outfit(name: Name) -> str:
    """The person: the grouping and leakage key. The data set does not tell outfits apart.

    Raises:
        DataError: not a name of Market-1501.
    """
    return _parse(name)["person"]


def is_junk(name: Name) -> bool:
    """Whether an image shows none of the data set's persons.

    Raises:
        DataError: not a name of Market-1501.
    """
    return outfit(name) in _JUNK


def facets(name: Name) -> dict[str, str]:
    """What a name says about its image: the camera, each of which sees people from another side.

    Raises:
        DataError: not a name of Market-1501.
    """
    return {"Camera": _parse(name)["camera"]}


def choose_images(raw: Path, paths: Sequence[str]) -> Choice:
    """The images of persons in `bounding_box_train` and `bounding_box_test`, or `train` and `test`.

    Junk and distractors in these folders are left out; other folders (`query`, `gt_bbox`) are passed over.

    Args:
        raw: the data set's folder, for errors.
        paths: every file found there.

    Raises:
        DataError: a split has no images, or one image twice.
    """
    splits: Splits = {"train": {}, "test": {}}
    left_out = []
    for path in paths:
        folder, match = _FOLDER.fullmatch(path), _NAME.fullmatch(path.rpartition("/")[2])
        if folder is None or match is None:
            continue
        if match["person"] in _JUNK:
            left_out.append(LeftOut(Name(match.string), folder["split"], JUNK))
            continue
        name, split = Name(match.string), splits[folder["split"]]
        if name in split:
            raise DataError(f"{raw}: one image twice (found {split[name]} and {path}). Remove one of them.")
        split[name] = path
    for split_name, split in splits.items():
        if not split:
            raise DataError(
                f"{raw}: no images of the {split_name} split (expected bounding_box_{split_name}/*.jpg or "
                f"{split_name}/*.jpg). See the README there."
            )
    return Choice(splits, left_out)


def _parse(name: str) -> re.Match[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        shown = name if len(name) <= 120 else name[:117] + "..."
        raise DataError(
            f"{shown!r}: not a Market-1501 name (expected one like 0265_c3s1_062642_05.jpg). "
            "Use the Market-1501 files."
        )
    return match


FORMAT = Format(
    containers=(
        ("Market-1501-v15.09.15.zip",),
        ("Market-1501-v15.09.15",),
        ("bounding_box_train", "bounding_box_test"),
        ("train", "test"),
    ),
    needed=(),
    choose_images=choose_images,
    check_image=None,
    naming=Naming(
        frame=FRAME,
        padding=0,
        name_of=name_of,
        outfit=outfit,
        item=outfit,
        facets=facets,
        is_junk=is_junk,
        annotations=("market-annotation-{}.csv",),
        pair_lists=("market-pairs-{}.csv",),
        pose_files=(),
        result_stem=r"-?\d+_c\d+s\d+_\d+_\d+",
    ),
    has_masks=True,
    has_own_size=True,
)
