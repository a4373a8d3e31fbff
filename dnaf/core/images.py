"""The only place that decodes, resizes and encodes pixels.

Images are uint8 RGB arrays (height, width, 3); sizes are (height, width). `(width, height)` exists only
between these functions and Pillow.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from dnaf.core.errors import DataError

Pixels = NDArray[np.uint8]
Size = tuple[int, int]

MAX_PIXELS = 20_000_000  # a 750x1101 original has 0.8 million; above this a file is hostile or a mistake
MAX_SIDE = 16_384  # an image of one line of pixels costs a hundred times its size to resize
_FORMATS = ("JPEG", "PNG")
_MODES = ("RGB", "L", "P", "RGBA", "LA", "CMYK", "1")
# How the eight orientations of EXIF (4.6.5 of its version 3.0, tag 0x112) are turned upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = [_TURNS[orientation] for orientation in (5, 6, 7, 8)]
_FILTERS = {"bicubic": Image.Resampling.BICUBIC, "box": Image.Resampling.BOX}


def decode(data: bytes, where: str | Path) -> Pixels:
    """Decodes a JPEG or PNG to uint8 RGB (H, W, 3): upright by its EXIF orientation, transparency on white.

    Args:
        data: the whole file.
        where: how to name the file in an error.

    Raises:
        DataError: not a JPEG or PNG, truncated or damaged, over 20 million pixels, or 16 bits a channel.
    """
    with _opened(data, where) as image:
        turn = _turn(image, data)
        upright = _on_white(image) if image.has_transparency_data else image.convert("RGB")
        return np.array(upright if turn is None else upright.transpose(turn))


def read_size(data: bytes, where: str | Path) -> Size:
    """(height, width) that `decode` gives, without decoding.

    Raises:
        DataError: not a JPEG or PNG that `decode` would look at.
    """
    with _opened(data, where) as image:
        is_turned = _turn(image, data) in _SIDEWAYS
        return (image.width, image.height) if is_turned else (image.height, image.width)


def check_header(data: bytes, where: str | Path) -> None:
    """Refuses (DataError) what `decode` would refuse before it decodes, in a moment and without memory."""
    with _opened(data, where):
        pass


@contextmanager
def _opened(data: bytes, where: str | Path) -> Iterator[Image.Image]:
    """An image whose header has passed all checks; errors inside the block are those of a damaged file."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
                raise DataError(
                    f"{where}: image too large (found {image.width}x{image.height}, expected at most "
                    f"{MAX_PIXELS:,} pixels and {MAX_SIDE:,} a side). Replace it by the original file."
                )
            # Pillow opens colour of 16 bits as RGB and cuts it to 8: only its raw mode, "RGB;16B", tells.
            raw_modes = [str(tile.args) for tile in image.tile]
            if image.mode not in _MODES or any(";16" in mode for mode in raw_modes):
                raise DataError(
                    f"{where}: unsupported pixel format (found {image.mode}, expected 8 bits a channel). "
                    "Convert it to 8-bit RGB."
                )
            if image.format == "PNG":
                _check_chunks(data)
            yield image
    except DataError:
        raise
    # Pillow raises OSError, SyntaxError, ValueError, struct.error and zlib.error on damaged files.
    except Exception as error:
        raise _unreadable(data, where, error) from error


def _turn(image: Image.Image, data: bytes) -> Image.Transpose | None:
    """What turns an image upright; None for one that is, or whose tag is not one of the eight numbers."""
    # A PNG may have the tag after its pixels, and is decoded to find it.
    if image.format == "PNG" and not any(mark in data for mark in (b"eXIf", b"exif", b"xmp")):
        return None
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _on_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    white = Image.new("RGB", layer.size, "white")
    white.paste(layer, mask=layer.getchannel("A"))
    return white


def _check_chunks(data: bytes) -> None:
    """Refuses (ValueError) a PNG with a damaged chunk that matters, or without its last one.

    Pillow stops when it has all pixels: it reads neither the end nor the checksum of the last pixels' chunk.
    """
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if kind[:1].isupper() and end <= len(data):
            (expected,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(memoryview(data)[position + 4 : end - 4]) != expected:
                raise ValueError(f"found a damaged chunk {kind!r}")
        position = end
        if kind == b"IEND" and end <= len(data):
            return
    raise ValueError("found a PNG without an end")


def _unreadable(data: bytes, where: str | Path, error: Exception) -> DataError:
    reason = str(error)
    if isinstance(error, UnidentifiedImageError):  # which names an object in memory
        reason = f"found {len(data):,} bytes that begin with {data[:8]!r}"
    return DataError(f"{where}: not a readable JPEG or PNG image ({reason}). Replace it by an intact copy.")


def read(path: Path) -> Pixels:
    """Reads an image file as uint8 RGB (H, W, 3); see `decode`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}).") from error
    return decode(data, path)


def resize(image: Pixels, size: Size, method: Literal["bicubic", "box"] = "bicubic") -> Pixels:
    """Resizes with Pillow's antialiasing filters to `size` = (height, width); equal size returns a copy.

    Pillow's bicubic is what the field's careful scripts use; filters without antialiasing (OpenCV's) move
    pixels by up to 138 of 255 levels when shrinking originals, and FID with them.
    """
    if image.shape[:2] == size:
        return image.copy()
    resized = Image.fromarray(image).resize((size[1], size[0]), _FILTERS[method])
    return np.array(resized)


def encode_png(image: Pixels, compress: bool = True, text: Mapping[str, str] | None = None) -> bytes:
    """Encodes uint8 RGB (H, W, 3) or grey (H, W) as PNG; same pixels and Pillow version, same bytes.

    Args:
        compress: a photograph becomes about half as large, and takes nine times as long to decode.
        text: what a compressed file tells beside the image, by keyword.
    """
    if not compress:
        return _plain_png(image)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=4, pnginfo=png_text(text or {}))
    return buffer.getvalue()


def png_text(text: Mapping[str, str]) -> PngInfo:
    """What a PNG tells beside the image, by keyword, for Pillow: `image.save(path, pnginfo=...)`."""
    info = PngInfo()
    for keyword, value in text.items():
        info.add_text(keyword, value)
    return info


def _plain_png(image: Pixels) -> bytes:
    """A PNG without compression and without row filters; Pillow always filters, and undoing it takes longest.

    Source: RFC 2083, sections 3 (chunks), 4.1.1 (header) and 6 (filter type 0).
    """
    height, width = image.shape[:2]
    rows = np.zeros((height, 1 + image[0].size), np.uint8)  # a filter type before each row's pixels
    rows[:, 1:] = image.reshape(height, -1)
    colour_type = 0 if image.ndim == 2 else 2
    chunks = (
        (b"IHDR", struct.pack(">2I5B", width, height, 8, colour_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 0)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def decode_png(data: bytes) -> Pixels:
    """Decodes what `encode_png` wrote to uint8 RGB (H, W, 3), faster than `decode`, which trusts nothing."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(decoded, np.uint8)


def encode_jpeg(image: Pixels, quality: int = 95) -> bytes:
    """Encodes uint8 RGB (H, W, 3) as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def evenly_spaced(count: int, number: int) -> list[int]:
    """Which of so many images are shown where there is room for fewer: the first, the last, and between."""
    positions: list[int] = np.linspace(0, count - 1, min(number, count)).round().astype(int).tolist()
    return positions


def sheet(rows: Sequence[Sequence[Pixels]], enlarge: int = 1) -> Pixels:
    """Images of one size as a grid, each pixel drawn as a square of `enlarge` pixels."""
    grid = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0)
    return grid.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
