"""One decoder for everything: every accepted file gives uint8 RGB, every other one a DataError."""

import io
import re
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
