"""A single file that one stage hands to another, and its digest beside it: `<name>.sha256`.

A folder has its manifest. Tables of pairs, scores and the loss curve are read one by one, without the folder
they are in, and damage in them can look like other data: a digit of a score, a pair less. The digest is in
the form of `sha256sum`, so `sha256sum -c *.sha256` checks it too.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from dnaf.core import files
from dnaf.core.errors import StateError, one_line


def seal_of(path: Path) -> Path:
    """Where the digest of a file is."""
    return path.with_name(f"{path.name}.sha256")


def seal(path: Path) -> None:
    """Writes the digest of a file as it is now.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    files.write_atomic(seal_of(path), f"{files.digest(path)}  {path.name}\n")


def write_sealed(path: Path, data: bytes | str) -> None:
    """Writes a file, then its digest; killed between the two, it leaves a file that no reader takes.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    files.write_atomic(path, data)
    seal(path)


def write_sealed_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, and its digest."""
    files.write_json(path, value)
    seal(path)


def read_sealed(path: Path, stage: str) -> bytes:
    """The bytes of a file, checked against the digest beside it. No reader of a sealed file has another way.

    Args:
        stage: which writes it, for the advice.

    Raises:
        StateError: it or its digest is missing, or its content is not what was written.
    """
    try:
        data = files.read_bytes(path)
        recorded = files.read_bytes(seal_of(path)).decode().split()[:1]
    except FileNotFoundError as error:
        raise StateError(f"{error.filename}: missing. Run {stage} again.") from error
    except (OSError, ValueError) as error:
        raise StateError(f"{path}: could not be read ({one_line(error)}). Run {stage} again.") from error
    found = hashlib.sha256(data).hexdigest()
    if recorded != [found]:
        raise StateError(
            f"{path}: content differs from {seal_of(path).name} (found sha256 {found[:12]}…, expected "
            f"{''.join(recorded)[:12]}…). Run {stage} again."
        )
    return data


def read_sealed_json(path: Path, stage: str) -> Any:
    """The value of a JSON file, checked against the digest beside it.

    Raises:
        StateError: as `read_sealed`, or it is not JSON.
    """
    try:
        return json.loads(read_sealed(path, stage))
    except (ValueError, RecursionError) as error:
        raise StateError(f"{path}: not valid JSON ({one_line(error)}). Run {stage} again.") from error
