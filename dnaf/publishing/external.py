"""Runs the command of a method's card over a kit; what it makes becomes the method's images: all or none."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dnaf.core import files, locks
from dnaf.core.errors import DataError
from dnaf.core.progress import note
from dnaf.evaluate.check import check_results
from dnaf.evaluate.submissions.find import CARD, MERGED, SHARED, find_results
from dnaf.evaluate.submissions.method_card import KIT, RESULTS, Card, read_card
from dnaf.evaluate.submissions.open import DataSet

IMAGES = "images"
"""The folder of a method's own that a command fills."""


def run_external(method: str, results: Path, data: DataSet, write_kit: Callable[[Path], object]) -> str:
    """Fills `<results>/<method>/images` by the card's command, which gets a kit and an empty folder.

    Both are in a scratch folder until the images have passed `check.check_results`.

    Args:
        results: the folder of all methods' folders.
        write_kit: writes the kit into a folder.

    Returns:
        One line that says what the check found.

    Raises:
        StateError: another run fills the folder.
        DataError: the card has no command, it failed, what it made is no complete result set, or the method
            has other results.
        ResourceError: the disk is full or not writable.
    """
    folder = results / method
    card = read_card(folder / CARD)
    with locks.sole_writer(folder / IMAGES):
        _require_no_other(method, results, card)
        scratch = files.scratch_folder("external", files.fingerprint([str(folder.resolve())]))
        shutil.rmtree(scratch)  # of a killed run
        kit, made = scratch / "kit", scratch / method / IMAGES
        try:
            write_kit(kit)
            files.write_atomic(made.parent / CARD, files.read_bytes(folder / CARD))
            made.mkdir()
            _run(folder / CARD, card, kit, made)
            said = _check(folder / CARD, made.parent, data)
            with files.atomic_folder(folder / IMAGES) as new:
                shutil.copytree(made, new, dirs_exist_ok=True)
                files.write_manifest(new, {"command": card.command, "pairs_sha256": data.test.sha256})
        finally:
            files.remove_folder(scratch)
    return said


def _require_no_other(method: str, results: Path, card: Card) -> None:
    """Checks that the method has no results of another origin: those would be two sources of one row."""
    folder = results / method
    found = find_results(method, results, card) or []
    if (folder / MERGED).exists():
        found = [folder / MERGED]
    for path in found:
        if path != folder / IMAGES and path.parent.name != SHARED:
            raise DataError(
                f"{path}: results of another origin than the card's command. Remove one of the two."
            )


def _run(path: Path, card: Card, kit: Path, made: Path) -> None:
    if card.command is None:
        raise DataError(f"{path}: no command to run (expected a list of words). See docs/extending.md.")
    words = [word.replace(KIT, str(kit)).replace(RESULTS, str(made)) for word in card.command]
    note(f"Running {' '.join(card.command)} …")
    try:
        # What it prints is no result of ours, whose last line stays the last one.
        code = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=sys.__stderr__, check=False).returncode
    except OSError as error:
        raise DataError(f"{path}: command: {words[0]} could not be started ({error.strerror}).") from error
    if code:
        ended = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise DataError(
            f"{path}: command: failed (found {ended}, expected 0). What it said is above. Nothing was "
            "written."
        )


def _check(path: Path, folder: Path, data: DataSet) -> str:
    """What the check of results says, which knows of no scratch folder."""
    try:
        return check_results(folder, data).replace(str(folder), str(path.parent))
    except DataError as error:
        said = str(error).replace(f"{folder}/", "").replace(str(folder), "results")
        raise DataError(
            f"{path}: command: made no complete result set: {said} Nothing was written."
        ) from error
