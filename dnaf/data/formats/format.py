"""What is known of a data set's files: what they are called, and what the names in them say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnaf.core.images import Pixels, Size
from dnaf.data.formats.names import Choice, Name, NameOf


@dataclass(frozen=True)
class Naming:
    """Names whose parts say who is shown, and the files of annotations and pairs.

    Attributes:
        frame: (height, width) that keypoints refer to.
        padding: pixels by which another common form of the annotation is wider at each side.
        name_of: the name that a path or name in a file stands for; DataError if it is none.
        outfit: grouping and leakage key of a name.
        item: a coarser key, whose overlap between the splits is reported.
        facets: what else a name says, by what it is called; people choose images by it.
        is_junk: whether an annotated image belongs to no person.
        annotations: possible files of a split's annotations, `{}` being the split; all that exist are read.
        pair_lists: the same for published pairs.
        pose_files: possible names of the archive or folder of pose files.
        result_stem: regular expression of a stem in the names of published result files, case ignored.
        result_key: what of such a stem tells images apart; repositories spell the rest in their own ways.
    """

    frame: Size
    padding: int
    name_of: NameOf
    outfit: Callable[[Name], str]
    item: Callable[[Name], str]
    facets: Callable[[Name], dict[str, str]]
    is_junk: Callable[[Name], bool]
    annotations: tuple[str, ...]
    pair_lists: tuple[str, ...]
    pose_files: tuple[str, ...]
    result_stem: str
    result_key: Callable[[str], str] = str


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        containers: where images may be: each alternative is one or more archives or folders. The first
            whose containers are all there is used.
        needed: files without which unpacking cannot start.
        choose_images: which of the found files, `<container>/<member>`, are taken, by split and name,
            and which of the data set's images are not.
        check_image: refuses (DataError) an image that is of another data set by its pixels.
        naming: None if names say nothing, as in a custom data set.
        unit: what the pairs that belong together show, which the intervals resample.
        has_masks: whether the field reports metrics without the background too.
        has_own_size: whether every protocol compares its images in their own size, without padding.
    """

    containers: tuple[tuple[str, ...], ...]
    needed: tuple[str, ...]
    choose_images: Callable[[Path, Sequence[str]], Choice]
    check_image: Callable[[Pixels, str], None] | None
    naming: Naming | None
    unit: str = "person"
    has_masks: bool = False
    has_own_size: bool = False
