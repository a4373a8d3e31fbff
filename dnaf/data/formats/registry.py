"""The on-disk formats of data sets: what their files are called and what the names in them say.

A data set of params.yaml names its format. Everything else about it is in its folder `data/raw/<dataset>`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnaf.core.images import Pixels, Size
from dnaf.data.formats import custom, deepfashion, market1501
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
    """

    containers: tuple[tuple[str, ...], ...]
    needed: tuple[str, ...]
    choose_images: Callable[[Path, Sequence[str]], Choice]
    check_image: Callable[[Pixels, str], None] | None
    naming: Naming | None


FORMATS = {
    "deepfashion": Format(
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
        choose_images=deepfashion.choose_images,
        check_image=deepfashion.refuse_padded,
        naming=Naming(
            frame=deepfashion.FRAME,
            padding=40,
            name_of=deepfashion.name_of,
            outfit=deepfashion.outfit,
            item=deepfashion.item,
            facets=deepfashion.facets,
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
        ),
    ),
    "market1501": Format(
        containers=(
            ("Market-1501-v15.09.15.zip",),
            ("Market-1501-v15.09.15",),
            ("bounding_box_train", "bounding_box_test"),
            ("train", "test"),
        ),
        needed=(),
        choose_images=market1501.choose_images,
        check_image=None,
        naming=Naming(
            frame=market1501.FRAME,
            padding=0,
            name_of=market1501.name_of,
            outfit=market1501.outfit,
            item=market1501.outfit,
            facets=market1501.facets,
            is_junk=market1501.is_junk,
            annotations=("market-annotation-{}.csv",),
            pair_lists=("market-pairs-{}.csv",),
            pose_files=(),
        ),
    ),
    "custom": Format(
        containers=(("images.zip",), ("images",)),
        needed=(),
        choose_images=custom.choose_images,
        check_image=None,
        naming=None,
    ),
}
