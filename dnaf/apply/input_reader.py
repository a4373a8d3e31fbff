"""What a user names: an image file or an image of the data set, a pose file, a mask."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dnaf.apply.frame import Fit, Placement, place, placement
from dnaf.apply.masks.label_image import Region, read_labels, region_of
from dnaf.apply.masks.label_sets import LabelSetName
from dnaf.apply.masks.mask import Mask
from dnaf.apply.person import Person
from dnaf.core import files, images
from dnaf.core.errors import DataError
from dnaf.core.filenames import suffix
from dnaf.core.images import Pixels, Size
from dnaf.data.detectors.detector import Detector, NobodyFoundError
from dnaf.data.detectors.people import find_people
from dnaf.data.keypoints.keypoints import NUM_JOINTS, Points, check_pose, read_keypoints
from dnaf.data.keypoints.openpose_files import read_openpose, read_openpose_of
from dnaf.data.keypoints.people import numbered, split_number
from dnaf.data.store import ImageStore

_MAX_POSE_BYTES = 100_000
_COLOURED = 100  # of 255 levels between the channels of a pixel: no mask of black and white has it
_OF_PICTURE = "Give the pose of this very image."
_OF_CANVAS = (
    "Say what its pixels are of: --pose-size <height>x<width>, --pose-size <photograph>, or `canvas_height` "
    "and `canvas_width` in the file."
)


@dataclass(frozen=True)
class InputReader:
    """Reads what is named, in the model's frame.

    Of several people in a photograph or a pose file, `FILE#N` means the N-th from the left, and without a
    number the largest is taken, which is said.

    Attributes:
        size: (height, width) of the frame.
        fit: how a photograph of another shape gets into it.
        detector: gives the keypoints of photographs; None: they must come with a pose file.
        data: the project's folder `data`, whose images can be named too.
    """

    size: Size
    fit: Fit = "pad"
    detector: Detector | None = None
    data: Path = Path("data")

    def person(self, image: str, pose: Path | None = None) -> Person:
        """An image of a person with its keypoints.

        Args:
            image: a JPEG or PNG file, or the name of an image of the data set.
            pose: a pose file in pixels of the image.

        Raises:
            DataError: no such image, or not readable; its keypoints are not known.
        """
        placed, place_of = self._image(image)
        if pose is not None:
            size = self._raw(image).shape[:2]
            keypoints = place_of.points(_of_file(str(pose), size))
        elif is_file(image):
            keypoints = place_of.points(self._detect(image))
        else:
            (height, width), (raw_height, raw_width) = self._annotated, self._raw(image).shape[:2]
            scale = np.array([raw_width / width, raw_height / height])
            keypoints = place_of.points(self._known[image] * scale)
        return Person(placed, keypoints)

    def artwork(self, image: str) -> Person:
        """An image that need not show anyone, without keypoints."""
        return Person(self._image(image)[0], np.full((NUM_JOINTS, 2), np.nan))

    def uploaded(self, image: bytes, pose: bytes | None = None) -> Person:
        """An image that has no path, with its keypoints: of the pose file, or as the detector finds them.

        Without both, or where the detector finds nobody, as `artwork`.

        Args:
            image: a JPEG or PNG file.
            pose: a pose file in pixels of the image.

        Raises:
            DataError: either is not readable.
        """
        raw = images.decode(image, "image")
        points = np.full((NUM_JOINTS, 2), np.nan)
        if pose is not None:
            points = _pixels(_not_too_large(pose, "pose"), "pose", raw.shape[:2])
        elif self.detector is not None:
            with suppress(NobodyFoundError):
                points = _found(self.detector, raw, "image")
        keypoints = placement(raw.shape[:2], self.size, self.fit).points(points)
        return Person(place(raw, self.size, self.fit), keypoints)

    def pose(self, name: str, size: str | None = None) -> Points:
        """Keypoints (18, 2) in pixels of the frame.

        Args:
            name: a pose file (`.json`), a photograph to detect them in, or an image of the data set.
            size: what the pixels of a pose file are of: `<height>x<width>`, or the photograph itself. None:
                its `canvas_height` and `canvas_width`, without them the frame.

        Raises:
            DataError: not readable, without joints, or in other pixels than those.
        """
        file, number = split_number(name)
        if suffix(file) == ".json":
            return self._wanted(_read_bytes(Path(file)), file, size, number)
        return self.person(name).keypoints

    def uploaded_pose(self, pose: bytes) -> Points:
        """A wanted pose that has no path, read as `pose` reads a file; with a detector a photograph too.

        Raises:
            DataError: not readable, or a photograph of nobody.
        """
        if self.detector is not None and pose[:1] in (b"\x89", b"\xff"):  # of PNG and JPEG
            raw = images.decode(pose, "pose")
            points = _found(self.detector, raw, "pose")
            return placement(raw.shape[:2], self.size, self.fit).points(points)
        return self._wanted(_not_too_large(pose, "pose"), "pose")

    def _wanted(self, pose: bytes, where: str, size: str | None = None, number: int | None = None) -> Points:
        joints, canvas = read_openpose(pose, where, numbered(number))
        canvas = canvas if size is None else self._size(size)
        _check(joints, canvas or self.size, where, _OF_CANVAS if canvas is None else _OF_PICTURE)
        return placement(canvas or self.size, self.size, self.fit).points(joints)

    def _size(self, text: str) -> Size:
        """(height, width) of `<height>x<width>`, or of an image."""
        match = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text)
        if match:
            return int(match[1]), int(match[2])
        height, width = self._raw(text).shape[:2]
        return height, width

    def mask(self, path: Path, over: str | None = None) -> Mask:
        """Bool (H, W) in the frame: where an image is lighter than half.

        Args:
            over: the image over which the mask was drawn; None: over the frame.

        Raises:
            DataError: not readable, coloured, of another size than what it was drawn over, or not light
                anywhere.
        """
        drawn = images.read(path)
        if (np.ptp(drawn, axis=2) > _COLOURED).any():
            raise DataError(
                f"{path}: not a mask (found colours, expected black and white). If it is a human parser's "
                "label image, say which labels it has: --labels atr, lip or fashionpedia."
            )
        return self._in_frame(drawn.mean(axis=2) >= 128, path, over)

    def region(self, path: Path, labels: LabelSetName, region: Region, over: str) -> Mask:
        """Bool (H, W) in the frame: where a human parser's label image shows a garment or the person.

        Args:
            labels: what its numbers or colours mean.
            over: the image that was parsed.

        Raises:
            DataError: as `read_labels` and `region_of`; or of another size than the image.
        """
        return self._in_frame(region_of(read_labels(path, labels), labels, region, path), path, over)

    def _in_frame(self, mask: Mask, path: Path, over: str | None) -> Mask:
        expected = self.size if over is None else self._raw(over).shape[:2]
        if mask.shape != expected:
            raise DataError(
                f"{path}: not the size of {over or 'the frame'} (found {mask.shape[0]}x{mask.shape[1]} "
                f"pixels, expected {expected[0]}x{expected[1]}). Make the mask over that image."
            )
        light = 255 * mask[..., None].astype(np.uint8)
        placed = np.asarray(place(light.repeat(3, axis=2), self.size, self.fit, around=0)[..., 0] >= 128)
        if not placed.any():
            raise DataError(
                f"{path}: nothing to repaint (found no light pixel that is left at {self.size[0]}x"
                f"{self.size[1]}, expected white where to repaint). Of a human parser's label image say "
                "--labels too."
            )
        return placed

    def _image(self, name: str) -> tuple[Pixels, Placement]:
        raw = self._raw(name)
        return place(raw, self.size, self.fit), placement(raw.shape[:2], self.size, self.fit)

    def _raw(self, name: str) -> Pixels:
        file = Path(split_number(name)[0])
        if file.is_file():
            return images.read(file)
        if name not in self._known:
            raise DataError(
                f"{name}: no such file, nor an image of the data set (found {len(self._known):,} in "
                f"{self.data / 'pairs/keypoints.csv'}). Give a JPEG or PNG, or a name as in the gallery."
            )
        return self._store.image(f"{name}.png")

    def _detect(self, image: str) -> Points:
        if self.detector is None:
            raise DataError(
                f"{image}: its pose is not known. Give a pose file in its pixels, or `--detector mediapipe` "
                "(see docs/applications.md)."
            )
        file, number = split_number(image)
        return _found(self.detector, images.read(Path(file)), file, number)

    @cached_property
    def _store(self) -> ImageStore:
        return ImageStore(self.data / "prepared.zip")

    @cached_property
    def _known(self) -> dict[str, Points]:
        """Keypoints of the data set's images by name, in pixels of its annotations; none without it."""
        pairs = self.data / "pairs"
        if not pairs.exists():
            return {}
        files.require_complete(pairs)
        stems, points = read_keypoints(pairs / "keypoints.csv")
        return dict(zip(stems, points, strict=True))

    @cached_property
    def _annotated(self) -> Size:
        """(height, width) of the images that the data set's annotations are of."""
        height, width = files.require_complete(self.data / "pairs")["frame"]
        return height, width


def is_file(name: str) -> bool:
    """Whether a file is meant, with or without the number of a person, and not an image of the data set."""
    return Path(split_number(name)[0]).is_file()


def _found(detector: Detector, photograph: Pixels, name: str, number: int | None = None) -> Points:
    """Keypoints (18, 2) of the person who is meant, in pixels of the photograph."""
    return numbered(number)(find_people(detector, photograph, name), name)


def _of_file(name: str, image: Size) -> Points:
    file, number = split_number(name)
    return _pixels(_read_bytes(Path(file)), file, image, number)


def _pixels(pose: bytes, where: str, image: Size, number: int | None = None) -> Points:
    """Keypoints (18, 2) of a pose file in pixels of its image, whose size is (height, width)."""
    joints = read_openpose_of(pose, where, image, numbered(number))
    _check(joints, image, where, _OF_PICTURE)
    return joints


def _check(joints: Points, frame: Size, where: str, remedy: str) -> None:
    if np.isnan(joints).all():
        raise DataError(f"{where}: nobody in it (found no joint). Give the pose of a person.")
    check_pose(joints, frame, where, remedy)


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}).") from error
    return _not_too_large(data, path)


def _not_too_large(data: bytes, where: str | Path) -> bytes:
    if len(data) > _MAX_POSE_BYTES:
        raise DataError(f"{where}: too large for a pose (expected at most {_MAX_POSE_BYTES:,} bytes).")
    return data
