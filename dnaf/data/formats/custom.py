"""Names of a custom data set: any images in `images/`, known by their path below it.

Nothing is read out of such a name: pairs come from lists (`dnaf/data/pairs/by_lists.py`).
"""

from collections.abc import Sequence
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.core.filenames import composed, shown, suffix
from dnaf.data.formats.format import Format
from dnaf.data.formats.names import Choice, Name, NameOf, stem

SUFFIXES = (".jpg", ".jpeg", ".png")
_NOT_READ = (
    *(".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jfif", ".jpe", ".jp2", ".jxl"),
)
IMAGES = "images"  # the only split: which images are trained on and tested on is for the pair lists to say


def choose_images(raw: Path, paths: Sequence[str]) -> Choice:
    """All images found, `anna/front.jpg` for `images/anna/front.jpg`; other files are passed over.

    Args:
        raw: the data set's folder, for errors.
        paths: every file found there.

    Raises:
        DataError: no images, images that are not read, or two that differ by their suffix or by upper and
            lower case only.
    """
    not_read = [path for path in paths if suffix(path) in _NOT_READ]
    if not_read:
        raise DataError(
            f"{raw}: images that are not read (found {len(not_read):,}, first {shown(not_read[0])}; "
            f"expected {', '.join(SUFFIXES)}). Convert them to PNG, or remove them."
        )
    images: dict[Name, str] = {}
    met: dict[str, str] = {}
    for path in paths:
        name = Name(path.partition("/")[2].removeprefix(f"{IMAGES}/"))
        if suffix(name) not in SUFFIXES:
            continue
        key = stem(name).casefold()
        if key in met:
            raise DataError(
                f"{raw}: two images with one name (found {met[key]} and {path}; only their suffixes or case "
                "differ). Rename one of them, in the lists too."
            )
        met[key] = path
        images[name] = path
    if not images:
        raise DataError(
            f"{raw}: no images (found {len(paths):,} other files, expected {', '.join(SUFFIXES)} files in "
            f"{IMAGES}/). See docs/data.md."
        )
    return Choice({IMAGES: images}, [])


def finder(names: Sequence[Name]) -> NameOf:
    """The image that a list or a keypoint file means by a text; DataError if there is none.

    It may lack its suffix, have its folder `images/`, be decomposed (macOS) or have backslashes (Windows).

    Args:
        names: of all images.
    """
    known: dict[str, Name] = {spelling: name for name in names for spelling in (name, stem(name))}

    def find(text: str) -> Name:
        name = known.get(composed(text).replace("\\", "/").removeprefix(f"{IMAGES}/"))
        if name is None:
            raise DataError(f"'{shown(text)}': no such image in {IMAGES}/ (found {len(names):,} others).")
        return name

    return find


FORMAT = Format(
    containers=(("images.zip",), ("images",)),
    needed=(),
    choose_images=choose_images,
    check_image=None,
    naming=None,
)
