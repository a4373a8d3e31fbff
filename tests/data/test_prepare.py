"""However an archive is made up, few bytes of it are in memory at a time."""

import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import compress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnaf.core import images
from dnaf.core.errors import DataError
from dnaf.core.shards import alone
from dnaf.data import prepare

PHOTO = images.encode_jpeg(np.zeros((16, 12, 3), np.uint8))


@given(st.lists(st.integers(0, 50)), st.integers(1, 5), st.integers(1, 100))
def test_groups_are_bounded_by_number_and_bytes(lengths: list[int], most: int, most_bytes: int) -> None:
    groups = list(prepare._groups(lengths, int, most, most_bytes))
    assert [length for group in groups for length in group] == lengths
    for group in groups:
        assert 1 <= len(group) <= most
        assert len(group) == 1 or sum(group) <= most_bytes


@pytest.mark.parametrize("beginning", [b"", PHOTO], ids=["no image", "a photograph with much behind it"])
def test_large_files_are_not_held_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(prepare, "_CHUNK_BYTES", 4_000_000)
    names, length = [f"{index}.jpg" for index in range(40)], len(beginning) + 1_000_000

    def read(wanted: Iterable[bool]) -> Iterator[tuple[str, bytes]]:
        for name in compress(names, wanted):
            yield name, beginning + bytes(1_000_000)

    prepared, refusal = prepare.Prepared(tmp_path), ""
    chunks = prepare.group_images(((name, length) for name in names), (64, 48))
    assert len(chunks) == 14
    tracemalloc.start()
    try:
        prepare.prepare_images(chunks, read, (64, 48), None, prepared, alone())
    except DataError as error:
        refusal = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    kept = [name for name, _ in prepared.originals.members(len(chunks))] if beginning else []
    assert kept == names * bool(beginning)
    assert refusal.startswith("" if beginning else "40 images cannot be used: 0.jpg: not a readable JPEG")
    assert len(refusal) < 1200
    assert peak < 20_000_000  # two parts of 4 MB, as they are and on their way to the workers; 40 MB in all
