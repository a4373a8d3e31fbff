"""Attacks without an end: a valid input is damaged from a seed, and what came of reading it is counted.

The input of a case is a folder, so that archives, single files and whole folders are attacked alike.
"""

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DnafError

COUNTS = pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
MOST_SECONDS = 10
MOST_CHARACTERS = 1_000  # of a sentence
IDENTICAL, NAMED, ANOTHER = "identical", "named error", "another content"

Change = Callable[[bytearray, np.random.Generator], None]


def flip_bit(data: bytearray, rng: np.random.Generator) -> None:
    data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))


def truncate(data: bytearray, rng: np.random.Generator) -> None:
    del data[rng.integers(len(data)) :]


def insert(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    data[at:at] = rng.bytes(int(rng.integers(1, 50)))


def delete(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    del data[at : at + int(rng.integers(1, 50))]


def repeat(data: bytearray, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(data)))
    data[at:at] = data[at : at + int(rng.integers(1, 200))]


def splice(data: bytearray, rng: np.random.Generator) -> None:
    source, target = rng.integers(len(data), size=2).tolist()
    length = int(rng.integers(1, 50))
    data[target : target + length] = data[source : source + length]


def set_directory_field(data: bytearray, rng: np.random.Generator) -> None:
    """Somewhere behind the first entry of a zip's directory, four bytes become a number that means much."""
    start = data.find(b"PK\x01\x02")
    if start >= 0:
        at = start + int(rng.integers(len(data) - start))
        data[at : at + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000])).to_bytes(4, "little")


def put_word(data: bytearray, rng: np.random.Generator) -> None:
    """A stretch becomes a number or a sign that means something in lists, tables and JSON."""
    words = (
        b"-1",
        b"1e12",
        b"NaN",
        b"-Infinity",
        b"0.5",
        b":",
        b"\n",
        b"[",
        b"true",
        b"null",
        b"\xe2\x80\xa8",
    )
    at = int(rng.integers(len(data)))
    data[at : at + int(rng.integers(1, 13))] = words[rng.integers(len(words))]


CHANGES: tuple[Change, ...] = (
    *(flip_bit, truncate, insert, delete, repeat, splice),
    *(set_directory_field, put_word),
)


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes."""
    changed = bytearray(data)
    for index in rng.integers(len(CHANGES), size=rng.integers(1, 4)):
        if changed:
            CHANGES[index](changed, rng)
    return bytes(changed)


def damage_folder(folder: Path, rng: np.random.Generator) -> str:
    """Changes the content of one file; of each ten cases, one loses it or gets something else in its place.

    Returns:
        what was done, for the message of a failure.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[rng.integers(len(files))]
    shown = path.relative_to(folder)
    if rng.integers(10):
        path.write_bytes(damage(path.read_bytes(), rng))
        return f"{shown} changed"
    path.unlink()
    instead = ("nothing", "a folder", "a pipe", "a link to its folder", "a link out")[rng.integers(5)]
    if instead == "a folder":
        path.mkdir()
    elif instead == "a pipe":
        os.mkfifo(path)
    elif instead == "a link to its folder":
        path.symlink_to(".")
    elif instead == "a link out":
        path.symlink_to("/etc/passwd")
    return f"{instead} in place of {shown}"


@dataclass(frozen=True)
class Attacked:
    """A kind of input.

    Attributes:
        write: puts a valid one into a new folder.
        read: what it holds, comparable; reads it as a stage does.
        check: of content that reads as valid and is not what was written: asserts that a stage can take it.
        has_checksums: no damage may then pass unseen.
    """

    write: Callable[[Path], object]
    read: Callable[[Path], object]
    check: Callable[[object], None] = lambda found: None
    has_checksums: bool = False


def attack(kinds: Mapping[str, Attacked], count: int, seed: int, tmp_path: Path) -> Counter[str]:
    """Attacks each kind in turn, and prints the counts.

    Raises:
        AssertionError: another exception, an answer after more than ten seconds, a file elsewhere, a message
            of more than a sentence or without the path, or unseen damage of what has checksums.
    """
    outcomes: Counter[str] = Counter()
    valid = {}
    for name, kind in kinds.items():
        source = tmp_path / "sources" / name
        source.mkdir(parents=True)
        kind.write(source)
        valid[name] = kind.read(source)
    where = tmp_path / "attacked"
    where.mkdir()
    names = list(kinds)
    for case in range(count):
        rng = np.random.default_rng([seed, case])
        name = names[case % len(names)]
        folder = where / "input"
        shutil.copytree(tmp_path / "sources" / name, folder)
        what = f"case {case} of {name}: {damage_folder(folder, rng)}"
        outcome = _outcome(kinds[name], folder, valid[name], what)
        assert sorted(where.iterdir()) == [folder], what
        shutil.rmtree(folder)
        outcomes[f"{outcome} ({name})" if outcome == ANOTHER else outcome] += 1
    sys.stdout.write(f"{count:,} attacks on {', '.join(kinds)}: {dict(sorted(outcomes.items()))}\n")
    return outcomes


def _outcome(kind: Attacked, folder: Path, valid: object, what: str) -> str:
    try:
        with at_most(MOST_SECONDS):
            found = kind.read(folder)
    except DnafError as error:
        message = str(error)
        assert str(folder) in message, (what, message)
        assert len(message) < MOST_CHARACTERS, (what, message)
        assert message.isprintable(), (what, message)
        return NAMED
    except AssertionError:
        raise
    except BaseException as error:
        raise AssertionError(f"{what}: {error!r}") from error
    if found == valid:
        return IDENTICAL
    assert not kind.has_checksums, f"{what}: read as something else"
    kind.check(found)
    return ANOTHER


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """What takes longer is interrupted, and fails."""

    def stop(number: int, frame: object) -> None:
        raise AssertionError(f"still not at its end after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
