"""A finished chunk comes back byte for byte, or is made again."""

from pathlib import Path

import numpy as np
import pytest

from dnaf.data.chunks import FinishedChunks

CONTENTS = {"b.png": b"second" * 20, "a.png": b"first" * 20}


def test_a_finished_chunk_comes_back_in_its_order(tmp_path: Path) -> None:
    chunks = FinishedChunks(tmp_path)
    assert chunks.load(3) is None
    chunks.save(3, CONTENTS)
    for found in (chunks.load(3), chunks.read(3)):
        assert found is not None
        assert list(found.items()) == list(CONTENTS.items())
    assert chunks.load(2) is None


def test_a_chunk_that_was_made_from_something_else_is_made_again(tmp_path: Path) -> None:
    chunks = FinishedChunks(tmp_path)
    chunks.save(0, CONTENTS, made_from="these")
    assert chunks.load(0, made_from="those") is None
    assert chunks.load(0, made_from="these") == CONTENTS


def test_it_is_said_how_much_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chunks = FinishedChunks(tmp_path)
    chunks.note_resumption(5)
    assert capsys.readouterr().err == ""
    chunks.save(1, CONTENTS)
    chunks.save(4, CONTENTS)
    chunks.note_resumption(5)
    assert capsys.readouterr().err == "Resuming: 2 of 5 chunks are done\n"


def test_whatever_a_damaged_chunk_raises_it_is_made_again_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chunks = FinishedChunks(tmp_path)
    chunks.save(0, CONTENTS)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    num_damaged = 0
    for bit in np.random.default_rng(0).permutation(8 * len(whole))[:1500]:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        found = chunks.load(0)
        said = capsys.readouterr().err
        assert found in (None, CONTENTS)
        assert said == ("" if found else f"warning: {path}: damaged. This chunk is made again.\n")
        num_damaged += found is None
    assert num_damaged > 500
    for data in (b"", b"PK", whole[:-1]):
        path.write_bytes(data)
        assert chunks.load(0) is None
