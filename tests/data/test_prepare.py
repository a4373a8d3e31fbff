"""However an archive is made up, few bytes of it are in memory at a time."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.data import prepare

PHOTO = images.encode_jpeg(np.zeros((16, 12, 3), np.uint8))


@given(st.lists(st.integers(0, 50)), st.integers(1, 5), st.integers(1, 100), st.integers(0, 20))
def test_groups_are_bounded_by_number_and_bytes(
    lengths: list[int], most: int, most_bytes: int, beside: int
) -> None:
    items = [(str(index), bytes(length)) for index, length in enumerate(lengths)]
    groups = list(prepare._groups(items, most, most_bytes, beside))
    assert [item for group in groups for item in group] == items
    for group in groups:
        assert 1 <= len(group) <= most
        assert len(group) == 1 or sum(len(data) + beside for _, data in group) <= most_bytes


@pytest.mark.parametrize("beginning", [b"", PHOTO], ids=["no image", "a photograph with much behind it"])
def test_large_files_are_not_held_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(prepare, "_CHUNK_BYTES", 4_000_000)
    monkeypatch.setattr(prepare, "_CHUNK_BYTES", 2_000_000)

    def contents() -> Iterator[tuple[str, bytes]]:
        for index in range(40):
            yield f"{index}.jpg", beginning + bytes(1_000_000)

    prepared, refusal = 0, ""
    tracemalloc.start()
    try:
        for _ in prepare.prepare_images(contents(), (64, 48), None, tmp_path):
            prepared += 1
    except DataError as error:
        refusal = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert prepared == 40 * bool(beginning)
    assert refusal.startswith("" if beginning else "40 images cannot be used: 0.jpg: not a readable JPEG")
    assert len(refusal) < 1200
    assert peak < 20_000_000  # two parts of 4 MB, as they are and on their way to the workers; 40 MB in all
