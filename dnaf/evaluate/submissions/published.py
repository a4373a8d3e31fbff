"""A method's published result images, read where they lie: zips and folders as they were downloaded.

Nothing is unpacked or copied. What is there is compared with what should be there before the first image is
read: every pair once, no image of anything else, one file type, one archive or folder.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from dnaf.core import files, images
from dnaf.core.errors import DataError, one_line
from dnaf.core.filenames import is_left_by_system, suffix
from dnaf.core.images import Pixels, Size
from dnaf.data.archives.zip import ZipArchive, open_zip
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.evaluate.submissions.method_card import Panels
from dnaf.evaluate.submissions.plain_files import walk
from dnaf.evaluate.submissions.result_names import ResultNames

ARCHIVES = (".zip",)
IMAGES = (".jpg", ".jpeg", ".png")

# Of the shape: 1101x750, the size of DeepFashion's photographs, and 256x176 differ by 1 %.
_MOST_STRETCHED = 0.02

Place = tuple[Path, str | None]  # a file; a member of a zip


@dataclass(frozen=True)
class Layout:
    """How a method's images stand in its result files; see `method_card.Card`.

    Attributes:
        naming: example of a file name, for errors.
        panels: where in a strip the images are; None for files that hold the generated image alone.
        folder: take only images in a folder of this name.
        margin: pixels to cut off at the left and the right of the generated image, where its width says that
            they are there.
        size: (height, width) of the data set; without panels and margin, images have its shape, in this size
            or a larger one.
    """

    naming: str
    panels: Panels | None
    folder: str | None
    margin: int
    size: Size


@dataclass(frozen=True)
class Coverage:
    """What was found against what should be there.

    Attributes:
        places: where the image of each matched pair is.
        missing: pairs without an image.
        unknown: image files whose names show no test pair.
        duplicate: image files of a pair that has another one already.
        file_types: `jpg` and `png` with their numbers, of the matched images.
        num_others: files that are no images (tables, caches), which are passed over.
        num_left_by_systems: files and folders as `.DS_Store` and `__MACOSX`, which are passed over too.
        sources: where images of matched pairs come from: archives, folders with all that is below them.
    """

    places: dict[Pair, Place]
    missing: list[Pair]
    unknown: list[str]
    duplicate: list[str]
    file_types: dict[str, int]
    num_others: int
    num_left_by_systems: int
    sources: list[Path]


def find_images(paths: Sequence[Path], layout: Layout, names: ResultNames, pairs: Sequence[Pair]) -> Coverage:
    """Matches the image files in zips, folders or among `paths` themselves with pairs; reads no image.

    Raises:
        DataError: a link, pipe or device; an archive that is damaged, half copied, encrypted, or of a kind to
            be unpacked first.
    """
    places: dict[Pair, Place] = {}
    sources: dict[Path, None] = {}
    unknown, duplicate, num_others = [], [], 0
    left: list[int] = []
    for source, (path, member) in chain.from_iterable(_list(path, left) for path in paths):
        name = PurePosixPath(member or path.as_posix())
        if suffix(name.name) not in IMAGES:
            num_others += 1
        elif layout.folder is None or layout.folder in name.parts[:-1]:
            pair = names.pair_of(name.name)
            if pair is None:
                unknown.append(_shown((path, member)))
            elif pair in places:
                duplicate.append(_shown((path, member)))
            else:
                places[pair] = (path, member)
                sources[source] = None
    types = Counter(_file_type(place) for place in places.values())
    missing = [pair for pair in pairs if pair not in places]
    return Coverage(
        places, missing, unknown, duplicate, dict(sorted(types.items())), num_others, sum(left), list(sources)
    )


class PublishedImages:
    """One image for each of exactly these pairs. May be used by several threads.

    Raises:
        DataError: an image is missing, unknown or there twice, or files are of two types or from two places.
    """

    def __init__(self, where: Path, coverage: Coverage, layout: Layout, pairs: Sequence[Pair]) -> None:
        _require_exact(where, coverage, layout, len(pairs))
        self._places, self._layout = coverage.places, layout
        self._zips: dict[Path, ZipArchive] = {}
        self._opened = ExitStack()
        self._lock = threading.Lock()
        self._first: tuple[str, Size] | None = None

    def generated(self, pair: Pair) -> Pixels:
        """The generated image of a pair, uint8 (H, W, 3).

        Raises:
            DataError: damaged, of another size than the others, smaller than the data set's, of another
                shape, or not divisible into its panels.
        """
        strip = self._strip(pair)
        shown = _shown(self._places[pair])
        with self._lock:
            self._first = self._first or (shown, _size(strip))
            first, size = self._first
        if _size(strip) != size:
            (height, width), (found_height, found_width) = size, _size(strip)
            raise DataError(
                f"{shown}: wrong size (found {found_height}x{found_width}, expected {height}x{width}, height "
                f"x width, as {first}). Use the complete results of one run."
            )
        panels = self._layout.panels
        image = strip if panels is None else _panel(strip, panels.count, panels.generated, shown)
        return _without_margin(image, self._layout, shown)

    def ground_truth(self, pair: Pair) -> Pixels | None:
        """The ground truth that stands in the same file, uint8 (H, W, 3); None if there is none."""
        panels = self._layout.panels
        if panels is None:
            return None
        return _panel(self._strip(pair), panels.count, panels.ground_truth, _shown(self._places[pair]))

    def _strip(self, pair: Pair) -> Pixels:
        path, member = self._places[pair]
        shown = _shown((path, member))
        try:
            data = path.read_bytes() if member is None else self._member(path, member)
        except OSError as error:
            raise DataError(
                f"{shown}: could not be read ({one_line(error)}). Download the results again."
            ) from error
        return images.decode(data, shown)

    def _member(self, path: Path, member: str) -> bytes:
        with self._lock:
            if path not in self._zips:
                self._zips[path] = self._opened.enter_context(open_zip(path))
            ((_, data),) = self._zips[path].read([member])
            return data


def digest_of(source: Path, coverage: Coverage) -> str:
    """Sha256 of an archive; of a folder one of the names and contents of all images in it that are used."""
    if source.is_file():
        return files.digest(source)
    used = sorted(path for path, member in coverage.places.values() if member is None)
    return files.fingerprint([[path.relative_to(source).as_posix(), files.digest(path)] for path in used])


def _list(path: Path, left: list[int]) -> Iterator[tuple[Path, Place]]:
    """The files of an archive or a folder, and the source that each belongs to.

    Args:
        left: gets the numbers of files that systems left behind, which are passed over.
    """

    def is_left(name: str) -> bool:
        left.append(is_left_by_system(name))
        return is_left_by_system(name)

    for file in walk(path, is_left):
        if suffix(file.name) not in ARCHIVES:
            yield path if path.is_dir() else path.parent, (file, None)
            continue
        with open_zip(file) as archive:
            if archive.is_encrypted:
                raise DataError(f"{file}: encrypted. Unpack it where it is, and remove it.")
            left.append(archive.num_left_by_systems)
            yield from ((file, (file, name)) for name in archive.names)


def _require_exact(where: Path, coverage: Coverage, layout: Layout, num_pairs: int) -> None:
    found = f"found {len(coverage.places):,} of {num_pairs:,} pairs"
    if coverage.unknown:
        raise DataError(
            f"{coverage.unknown[0]}: shows no test pair by its name ({len(coverage.unknown):,} such images; "
            f"{found}, expected names like {layout.naming}). Remove what is no result of this data set."
        )
    if coverage.duplicate:
        raise DataError(
            f"{coverage.duplicate[0]}: another image of the same pair is there too "
            f"({len(coverage.duplicate):,} such; {found}). Keep one set of results."
        )
    if len(coverage.sources) > 1:
        first, second = coverage.sources[:2]
        raise DataError(
            f"{where}: images from {len(coverage.sources):,} places (found some in {first.name} and some in "
            f"{second.name}, expected one archive or one folder). Keep the complete results of one run."
        )
    if coverage.missing:
        raise DataError(
            f"{where}: {pair_id(*coverage.missing[0])} is missing ({len(coverage.missing):,} such; {found}). "
            "Supply the complete results, or remove them."
        )
    if len(coverage.file_types) > 1:
        raise DataError(
            f"{where}: files of two types (found {coverage.file_types}, expected one). "
            "Use the results of one run."
        )


def _panel(strip: Pixels, count: int, index: int, shown: str) -> Pixels:
    width, rest = divmod(strip.shape[1], count)
    if rest:
        raise DataError(
            f"{shown}: not a strip of {count} panels (found a width of {strip.shape[1]} pixels, expected a "
            f"multiple of {count}). Correct `panels` in card.yaml."
        )
    return strip[:, index * width : (index + 1) * width]


def _without_margin(image: Pixels, layout: Layout, shown: str) -> Pixels:
    """The image without what its card says is beside it, if it is there: by the shape that is left."""
    height, width = image.shape[:2]
    aspect = layout.size[1] / layout.size[0]
    for margin in (0, layout.margin):
        inside = width - 2 * margin
        if inside > 0 and abs(inside / height / aspect - 1) <= _MOST_STRETCHED:
            if height < layout.size[0]:
                raise DataError(
                    f"{shown}: smaller than the data set's images (found {height}x{inside}, expected at "
                    f"least {layout.size[0]}x{layout.size[1]}, height x width). Supply results of full size, "
                    "or set the data set's size in params.yaml to theirs."
                )
            return image[:, margin : width - margin]
    beside = f" and a margin of {layout.margin} pixels at each side" if layout.margin else ""
    raise DataError(
        f"{shown}: another shape than the data set's (found {height}x{width}, expected "
        f"{layout.size[0]}x{layout.size[1]}, height x width, or as tall for its width{beside}). "
        "Correct `panels` or `margin` in card.yaml, or supply images that are neither padded nor stretched."
    )


def _file_type(place: Place) -> str:
    path, member = place
    return "png" if suffix(member or path.name) == ".png" else "jpg"


def _shown(place: Place) -> str:
    path, member = place
    return f"{path}: {member}" if member else str(path)


def _size(image: Pixels) -> Size:
    return image.shape[0], image.shape[1]
