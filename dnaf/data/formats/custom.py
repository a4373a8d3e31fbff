"""Names of a custom data set: any images in `images/`, known by their path below it.

Nothing is read out of such a name: pairs come from lists (`dnaf/data/pairs/by_lists.py`).
"""

from collections.abc import Sequence
from pathlib import Path

from dnaf.core.errors import DataError
from dnaf.data.formats.names import Choice, Name, stem

SUFFIXES = (".jpg", ".jpeg", ".png")
IMAGES = "images"  # the only split: which images are trained on and tested on is for the pair lists to say


def choose_images(raw: Path, paths: Sequence[str]) -> Choice:
    """All images found, `anna/front.jpg` for `images/anna/front.jpg`; other files are passed over.

    Args:
        raw: the data set's folder, for errors.
        paths: every file found there.

    Raises:
        DataError: no images, or two that differ by their suffix or by upper and lower case only.
    """
    images: dict[Name, str] = {}
    met: dict[str, str] = {}
    for path in paths:
        name = Name(path.partition("/")[2].removeprefix(f"{IMAGES}/"))
        if not name.lower().endswith(SUFFIXES) or name.rpartition("/")[2].startswith("."):
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
