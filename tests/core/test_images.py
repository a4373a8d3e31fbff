"""One decoder for everything: every accepted file gives uint8 RGB, every other one a DataError."""

import io
import re
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from dnaf.core import images
from dnaf.core.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (12, 8, 3), dtype=np.uint8)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_png_round_trip_is_exact() -> None:
    assert np.array_equal(images.decode(images.encode_png(RGB), "a"), RGB)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("grey", [True, False])
def test_our_own_pngs_are_decoded_exactly(grey: bool, compress: bool) -> None:
    image = RGB[..., 0] if grey else RGB
    expected = np.repeat(image[..., None], 3, axis=2) if grey else RGB
    data = images.encode_png(image, compress)
    assert np.array_equal(images.decode_png(data), expected)
    assert np.array_equal(images.decode(data, "a"), expected)


def test_jpeg_round_trip_is_close_and_keeps_the_size() -> None:
    smooth = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    decoded = images.decode(images.encode_jpeg(smooth, 95), "a")
    assert decoded.shape == smooth.shape
    assert np.abs(decoded.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_every_png_mode_of_8_bits_becomes_rgb(mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)
    decoded = images.decode(_encode(image, "PNG"), "a")
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, np.array(image.convert("RGB")))


def test_cmyk_jpeg_becomes_rgb() -> None:
    decoded = images.decode(_encode(Image.fromarray(RGB).convert("CMYK"), "JPEG"), "a")
    assert decoded.shape == RGB.shape


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    data = _encode(Image.fromarray(RGB), "JPEG", exif=exif)
    assert images.decode(data, "a").shape == (8, 12, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_size_in_the_header_is_the_decoded_one(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _encode(Image.fromarray(RGB), kind, exif=exif)
    assert images.read_size(data, "a") == images.decode(data, "a").shape[:2]


def test_the_size_of_what_is_no_image_is_refused() -> None:
    with pytest.raises(DataError) as raised:
        images.read_size(b"<svg/>", "a.jpg")
    assert str(raised.value) == (
        "a.jpg: not a readable JPEG or PNG image (found 6 bytes that begin with b'<svg/>'). "
        "Replace it by an intact copy."
    )


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_other_formats_are_refused_by_content(kind: str) -> None:
    with pytest.raises(DataError, match=r"^a\.jpg: not a readable JPEG or PNG image"):
        images.decode(_encode(Image.fromarray(RGB), kind), "a.jpg")


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    expected = f"found {len(data)} bytes that begin with {data!r}"
    with pytest.raises(
        DataError, match=rf"^a\.jpg: not a readable JPEG or PNG image \({re.escape(expected)}"
    ):
        images.decode(data, "a.jpg")


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_16_bit_image_is_refused(shape: tuple[int, ...]) -> None:
    data = cv2.imencode(".png", np.zeros(shape, np.uint16))[1].tobytes()
    with pytest.raises(DataError, match="expected 8 bits a channel"):
        images.decode(data, "a.png")


def test_pixel_bomb_is_refused_by_its_header() -> None:
    data = _encode(Image.new("1", (5000, 4001)), "PNG")
    with pytest.raises(DataError, match=r"image too large \(found 5000x4001"):
        images.decode(data, "a.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_truncation_is_refused(kind: str) -> None:
    data = _encode(Image.fromarray(RGB.repeat(8, axis=0).repeat(8, axis=1)), kind)
    # The last bytes are checksums and end markers: without them all pixels are still there.
    for length in np.linspace(0, len(data) - 32, 100).astype(int):
        with pytest.raises(DataError):
            images.decode(data[:length], "a")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"^{tmp_path}/a.jpg: could not be read"):
        images.read(tmp_path / "a.jpg")
    (tmp_path / "a.png").write_bytes(images.encode_png(RGB))
    assert np.array_equal(images.read(tmp_path / "a.png"), RGB)


def test_resize_takes_height_first() -> None:
    assert images.resize(RGB, (5, 9)).shape == (5, 9, 3)


def test_resize_to_the_same_size_is_a_copy() -> None:
    same = images.resize(RGB, (12, 8))
    assert np.array_equal(same, RGB)
    same[:] = 0
    assert RGB.any()


def test_box_resize_is_the_mean_of_whole_cells() -> None:
    expected = RGB.reshape(6, 2, 4, 2, 3).mean(axis=(1, 3))
    assert np.abs(images.resize(RGB, (6, 4), "box") - expected).max() <= 1  # it rounds twice


def test_bicubic_resize_is_antialiased() -> None:
    stripes = np.zeros((4, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    middle = images.resize(stripes, (4, 8))[:, 1:-1]
    assert np.abs(middle.astype(int) - 127.5).max() <= 8


def test_a_sheet_is_a_grid_of_enlarged_images() -> None:
    black, white = np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 255, np.uint8)
    grid = images.sheet([[black, white], [white, black]], enlarge=2)
    assert grid.shape == (8, 12, 3)
    assert grid[3, 5].max() == 0
    assert grid[3, 6].min() == 255


def _with_tag(kind: str, field: int, count: int, value: bytes) -> bytes:
    """An image whose EXIF is one entry: its orientation, in any type of field (TIFF 6.0, section 2)."""
    entry = struct.pack("<2HL", 0x0112, field, count) + value.ljust(4, b"\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<LH", 8, 1) + entry + bytes(4)
    return _encode(Image.fromarray(RGB), kind, exif=exif)


def _turned(orientation: int, kind: str = "PNG") -> bytes:
    return _with_tag(kind, 3, 1, struct.pack("<H", orientation))


@pytest.mark.parametrize(
    ("field", "count", "value"),
    [(2, 2, b"6"), (2, 4, b"six"), (3, 1, b"\0"), (3, 1, b"\x09"), (4, 1, b"\xff\xff"), (7, 1, b"\x06")],
    ids=["the text 6", "a word", "0", "9", "65,535", "bytes"],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_tag_that_is_no_orientation_turns_nothing(kind: str, field: int, count: int, value: bytes) -> None:
    data = _with_tag(kind, field, count, value)
    assert images.decode(data, "a").shape == RGB.shape
    assert images.read_size(data, "a") == RGB.shape[:2]


@pytest.mark.filterwarnings("ignore:Metadata Warning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_tag_of_two_numbers_counts_alike_for_size_and_pixels(kind: str) -> None:
    data = _with_tag(kind, 3, 2, struct.pack("<2H", 6, 6))
    assert images.read_size(data, "a") == images.decode(data, "a").shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone(orientation: int) -> None:
    undone = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.swapaxes(0, 1),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(RGB),
    }
    assert np.array_equal(images.decode(_turned(orientation), "a"), undone[orientation])


def _moved_behind_the_pixels(data: bytes) -> bytes:
    """A PNG with its EXIF chunk as the last one."""
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    return data[:start] + data[end:-12] + data[start:end] + data[-12:]


def test_an_orientation_behind_the_pixels_counts_for_size_and_pixels() -> None:
    data = _moved_behind_the_pixels(_turned(6))
    assert images.read_size(data, "a") == images.decode(data, "a").shape[:2] == RGB.shape[1::-1]


def test_an_orientation_in_xmp_counts_for_size_and_pixels() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:li tiff:Orientation="6"/></x:xmpmeta>'
    data = _encode(Image.fromarray(RGB), "JPEG", xmp=xmp)
    assert images.read_size(data, "a") == images.decode(data, "a").shape[:2]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "L"])
def test_what_is_transparent_becomes_white_whatever_is_hidden_there(mode: str) -> None:
    layer = np.full((4, 6, 4), (10, 10, 10, 255), np.uint8)
    layer[:, 3:, :3] = 40
    layer[:, 3:, 3] = 0
    image, options = Image.fromarray(layer).convert("RGBA" if mode in ("RGB", "L", "P") else mode), {}
    if mode in ("RGB", "L"):  # one colour is transparent
        image, options = image.convert(mode), {"transparency": 40 if mode == "L" else (40, 40, 40)}
    if mode == "P":
        image = image.quantize(4)
    decoded = images.decode(_encode(image, "PNG", **options), "a")
    assert (decoded[:, 3:] == 255).all()
    assert np.abs(decoded[:, :3].astype(int) - 10).max() <= 2


def test_half_transparent_is_half_white() -> None:
    layer = np.full((4, 6, 4), (0, 100, 200, 128), np.uint8)
    decoded = images.decode(_encode(Image.fromarray(layer), "PNG"), "a")
    assert np.abs(decoded[0, 0].astype(int) - (127, 177, 227)).max() <= 1


@pytest.mark.parametrize("cut", [1, 4, 8, 12])
def test_a_png_without_its_end_is_refused(cut: int) -> None:
    data = images.encode_png(RGB)
    with pytest.raises(DataError, match="a PNG without an end"):
        images.decode(data[:-cut], "a")
    with pytest.raises(DataError, match="a PNG without an end"):
        images.check_header(data[:-cut], "a")
    assert np.array_equal(images.decode(data + b"more", "a"), RGB)


@pytest.mark.parametrize("size", [(20_000_000, 1), (1, 16_385), (16_385, 16), (5000, 4001)])
def test_an_image_without_end_in_one_direction_is_refused_by_its_header(size: tuple[int, int]) -> None:
    data = _encode(Image.new("1", size), "PNG")
    for look in (images.decode, images.read_size, images.check_header):
        with pytest.raises(DataError, match=r"image too large .* 16,384 a side"):
            look(data, "a.png")


def test_no_damage_of_a_pngs_pixels_passes_unseen() -> None:
    """Pillow does not look at the last checksum of the pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    data = images.encode_png(pixels)
    start = data.index(b"IDAT")
    for at in range(start, len(data) - 12):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(DataError, match="not a readable JPEG or PNG"):
            images.decode(bytes(damaged), "a.png")
