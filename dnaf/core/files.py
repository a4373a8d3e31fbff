"""Files that are either complete or absent: atomic writes, digests, manifests.

The commit point of everything written here is one `os.replace`; of a folder it is its `manifest.json`,
which is written last. A process may die on any line: a reader then finds the old state or the new one.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from dnaf.core.errors import ResourceError, StateError, one_line

MANIFEST = "manifest.json"
AGAIN = "Run the stage that writes it again."
_TEMPORARY = ".dnaf-tmp-"
_LONGEST = 50  # characters of a name that its temporary one repeats: names end at 255 bytes


def open_regular(path: Path) -> BufferedReader:
    """Opens a file that somebody else wrote, and nothing else: who waits for a named pipe may wait for ever.

    Raises:
        OSError: with a `strerror` that says why, for a folder, pipe, socket or device too.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "a pipe, socket or device, not a file", str(path))
    return open(path, "rb")


def read_bytes(path: Path) -> bytes:
    """The content of a file that somebody else wrote; errors as of `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def digest(path: Path) -> str:
    """Sha256 of a file's bytes, as 64 hex digits."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """Sha256 of a JSON-able value, independent of the order of keys, as 64 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """Gives a binary file that appears under `path` only if the block ends without an error.

    Temporary file in the same folder, flush, fsync, rename, fsync of the folder.

    Raises:
        ResourceError: the disk is full or not writable; what stood under `path` is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=temporary(path, "-").name, dir=path.parent)
    except OSError as error:
        raise resource_error(path, error) from error
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
        _fsync_folder(path.parent)
    except OSError as error:
        _remove(Path(name))
        raise resource_error(path, error) from error
    except BaseException:
        _remove(Path(name))
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Gives an empty folder that replaces `path`, folder or file, if the block ends without an error.

    The block ends with `write_manifest`. Its name is fixed, so that the next run removes what a killed one
    left. A kill between the two renames, of the old folder and of the new one, leaves none.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    new, old = temporary(path), temporary(path, ".old")
    try:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        new.mkdir(parents=True)
        yield new
        if path.exists():
            os.replace(path, old)
        os.replace(new, path)
        _fsync_folder(path.parent)
    except OSError as error:
        if old.exists() and not path.exists():
            os.replace(old, path)
        raise resource_error(path, error) from error
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        if old.is_file():
            _remove(old)


def require_empty(folder: Path) -> None:
    """Checks that a folder that a user named is new or empty, before it is replaced.

    Raises:
        StateError: a file, or a folder that holds something.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StateError(f"{folder}: not an empty folder. Choose another one; nothing was changed.")


def write_atomic(path: Path, data: bytes | str) -> None:
    """Writes text (UTF-8) or bytes so that `path` holds the old content or the new, never a part.

    Raises:
        ResourceError: the disk is full or not writable.
    """
    with atomic_file(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON with a final newline; NaN and infinity are refused."""
    write_atomic(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads JSON that this package wrote.

    Raises:
        StateError: the file is missing or not JSON.
    """
    try:
        return json.loads(read_bytes(path).decode())
    except FileNotFoundError as error:
        raise StateError(f"{path}: missing. Run the stage that writes it again.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise StateError(
            f"{path}: not valid JSON ({one_line(error)}). Run the stage that writes it again."
        ) from error


def write_manifest(folder: Path, info: Mapping[str, Any] | None = None) -> None:
    """Declares a folder complete: sizes and sha256 of its files, `info` on their origin, digest of itself."""
    files = {
        path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST and not path.name.startswith(_TEMPORARY)
    }
    content = {"files": files, "info": dict(info or {})}
    write_json(folder / MANIFEST, {**content, "sha256": fingerprint(content)})


def read_manifest(folder: Path, advice: str = AGAIN) -> tuple[dict[str, str], dict[str, Any]]:
    """The sha256 of each file of a complete folder by its relative path, and the manifest's `info`.

    Raises:
        StateError: there is no manifest, or it is not as it was written.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise StateError(f"{folder}: not complete (no {MANIFEST}). {advice}")
    manifest = read_json(path)
    try:
        recorded = manifest.pop("sha256")
        expected = {name: entry["sha256"] for name, entry in manifest["files"].items()}
        info: dict[str, Any] = {**manifest["info"]}
    except (AttributeError, KeyError, TypeError) as error:
        raise StateError(f"{path}: not a manifest. {advice}") from error
    if (found := fingerprint(manifest)) != recorded:
        raise StateError(
            f"{path}: content differs from its own digest (found {found[:12]}…, expected "
            f"{str(recorded)[:12]}…). {advice}"
        )
    return expected, info


def require_intact(folder: Path, paths: Iterable[Path], advice: str = AGAIN) -> dict[str, str]:
    """The sha256 of some files of a folder by relative path, checked where the folder has a manifest.

    For folders of other people, of which only some files are read, and which may have no manifest.

    Raises:
        StateError: a file is not in the manifest, or not as it was written.
    """
    found = {path.relative_to(folder).as_posix(): digest(path) for path in paths}
    if (folder / MANIFEST).is_file():
        expected, _ = read_manifest(folder, advice)
        for name, sha256 in found.items():
            if expected.get(name) != sha256:
                problem = "content differs from its" if name in expected else "is not in the"
                raise StateError(f"{folder / name}: {problem} {MANIFEST}. {advice}")
    return found


def require_complete(folder: Path, advice: str = AGAIN) -> dict[str, Any]:
    """Checks a folder against its manifest, to the digest, and returns the manifest's `info`.

    Raises:
        StateError: no manifest, or a file is missing, altered or was added.
    """
    expected, info = read_manifest(folder, advice)
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    for name in sorted(found ^ expected.keys()):
        problem = "is missing" if name in expected else "is not in the manifest"
        raise StateError(f"{folder / name}: {problem}. {advice}")
    for name, sha256 in expected.items():
        if digest(folder / name) != sha256:
            raise StateError(f"{folder / name}: content differs from its manifest. {advice}")
    return info


def scratch_folder(purpose: str, key: str) -> Path:
    """Where a long stage keeps its resume state: outside DVC's outputs, keyed by what it depends on.

    `$DNAF_SCRATCH`, else `$XDG_CACHE_HOME/dnaf`, else `~/.cache/dnaf`. Created if it is not there.

    Raises:
        ResourceError: it cannot be created, or nothing says where it could be.
    """
    scratch, cache = os.environ.get("DNAF_SCRATCH"), os.environ.get("XDG_CACHE_HOME")
    try:
        folder = Path(scratch) if scratch else Path(cache or Path.home() / ".cache") / "dnaf"
    except RuntimeError as error:  # a container whose user has neither HOME nor an entry in passwd
        raise ResourceError(
            "DNAF_SCRATCH: no folder for the state of long work (found neither DNAF_SCRATCH, XDG_CACHE_HOME "
            "nor a home folder). Set DNAF_SCRATCH to a folder that can be written to."
        ) from error
    folder = folder / purpose / key[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"{folder}: could not be created ({error.strerror}), where long work keeps its state. Set "
            "DNAF_SCRATCH to a folder that can be written to."
        ) from error
    return folder


def temporary(path: Path, ending: str = "") -> Path:
    """The hidden name beside `path` under which it is written, or with another ending what belongs to it."""
    name = path.name
    if len(name) > _LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:_LONGEST]
    return path.with_name(f"{_TEMPORARY}{name}{ending}")


def remove_leftovers(path: Path) -> None:
    """Removes the temporary files of killed writers of a file or folder: beside it, in it, one folder down.

    Those of a file's digest (`seals.py`) are among them.

    Call it only where no other writer can be at work: see `locks.sole_writer`.
    """
    # `mkstemp` adds eight characters: what belongs to another file, whose name begins alike, is not matched.
    named = (path, path.with_name(f"{path.name}.sha256"))
    own = re.compile("|".join(re.escape(temporary(each, "-").name) + "[a-z0-9_]{8}" for each in named))
    for left in path.parent.glob(_TEMPORARY + "*"):
        if own.fullmatch(left.name):
            _remove(left)
    for depth in ("", "*/"):
        for left in path.glob(f"{depth}{_TEMPORARY}*"):
            if left.is_file():
                _remove(left)


def remove_folder(folder: Path) -> None:
    """Removes a folder of resume state that is no longer needed: all of it, or, killed, none of it.

    What a killed process did not finish to remove beside it goes too. Errors are ignored.
    """
    doomed = temporary(folder)
    with suppress(OSError):
        os.replace(folder, doomed)
    for path in (doomed, *folder.parent.glob(_TEMPORARY + "*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def free_space(folder: Path) -> int:
    """Bytes that are free where `folder` is, or will be."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    return shutil.disk_usage(existing).free


def require_space(folder: Path, num_bytes: int) -> None:
    """Checks the free disk space before long work starts.

    Raises:
        ResourceError: fewer than `num_bytes` are free.
    """
    free = free_space(folder)
    if free < num_bytes:
        found, expected = (_size(each, num_bytes) for each in (free, num_bytes))
        if found == expected:
            found, expected = (f"{each:,} bytes" for each in (free, num_bytes))
        raise ResourceError(
            f"{folder}: not enough disk space (found {found} free, expected {expected}). Free some space and "
            "run again."
        )


def _size(num_bytes: int, like: int) -> str:
    """A number of bytes, in the unit in which another one reads best."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if like >= factor:
            return f"{num_bytes / factor:,.1f} {unit}"
    return f"{num_bytes:,} bytes"


def resource_error(path: Path, error: OSError) -> ResourceError:
    """What to raise where the system refuses to write `path`."""
    return ResourceError(
        f"{path}: could not be written ({error.strerror or error}). Check free space and permissions."
    )


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
