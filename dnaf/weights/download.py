"""Downloads of one file: resumable, checked, and under their name only when complete.

Not through `files.atomic_file`, whose temporary file goes away with the process that wrote it.
"""

import os
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from dnaf.core import files
from dnaf.core.errors import DataError, ResourceError, one_line
from dnaf.core.progress import track

_CHUNK = 1_000_000
_TIMEOUT_S = 60
_AGAIN = "Run the command again: it goes on from there."


def download(url: str, path: Path, digest: str | None) -> str:
    """Downloads a file and returns its sha256.

    What a broken connection left in `<file>.part` is completed, if the server still has the same file.

    Args:
        digest: first hex digits of the sha256 it must have; None takes what comes in full length.

    Raises:
        DataError: another checksum; nothing is kept.
        ResourceError: no connection, no such file there, or the disk is full; what came is kept.
    """
    partial, record = (path.with_name(f"{path.name}{suffix}") for suffix in (".part", ".part.json"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _complete(url, path, partial, record)
    except OSError as error:
        raise ResourceError(
            f"{partial}: could not be written ({error.strerror}). Check free space and permissions. {_AGAIN}"
        ) from error
    found = files.digest(partial)
    if digest and not found.startswith(digest):
        partial.unlink()
        record.unlink()
        raise DataError(
            f"{url}: not the expected file (found sha256 {found[:16]}…, expected {digest}…). "
            f"Nothing was kept; run the command again, {_elsewhere(path)}."
        )
    os.replace(partial, path)
    record.unlink()
    return found


def _elsewhere(path: Path) -> str:
    return f"or get the file elsewhere and put it at {path}"


def _complete(url: str, path: Path, partial: Path, record: Path) -> None:
    """Brings a partial file to its full length."""
    have, size, version = _partial(partial, record)
    if size and have == size:
        return
    headers = {"User-Agent": "dnaf"}  # some hosts refuse urllib's own
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    with _open(Request(url, headers=headers), path) as response:
        if response.length is None:
            raise ResourceError(f"{url}: the server gives no length. Try again later, {_elsewhere(path)}.")
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0
        size = have + response.length
        files.require_space(partial.parent, response.length)
        with open(partial, "ab" if have else "wb") as file:
            files.write_json(record, {"size": size, "version": _version(response)})
            done = have // _CHUNK
            total = done + -(-response.length // _CHUNK)
            for chunk in track(_chunks(response, url), f"{path.name}, MB", total, done):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    have = partial.stat().st_size
    if have != size:
        raise ResourceError(f"{url}: the connection broke (found {have:,} of {size:,} bytes). {_AGAIN}")


def _partial(partial: Path, record: Path) -> tuple[int, int, str]:
    """How many bytes are there, of how many, and of which version; zeros if it cannot be gone on with."""
    if not (partial.is_file() and record.is_file()):
        return 0, 0, ""
    known = files.read_json(record)
    have, size, version = partial.stat().st_size, known["size"], known["version"]
    return (have, size, version) if have <= size and version else (0, 0, "")


def _version(response: HTTPResponse) -> str:
    """What the server calls this version of the file; empty if nothing that stands for its very bytes."""
    tag = response.headers.get("ETag", "")
    return response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _open(request: Request, path: Path) -> HTTPResponse:
    try:
        response: HTTPResponse = urlopen(request, timeout=_TIMEOUT_S)
    except HTTPError as error:
        raise ResourceError(
            f"{request.full_url}: the server does not send it (found status {error.code} {error.reason}, "
            f"expected 200 OK). Try again later, {_elsewhere(path)}."
        ) from error
    except (OSError, HTTPException) as error:
        raise ResourceError(
            f"{request.full_url}: no connection ({getattr(error, 'reason', error)}). "
            f"Run the command again when online, {_elsewhere(path)}."
        ) from error
    return response


def _chunks(response: HTTPResponse, url: str) -> Iterator[bytes]:
    try:
        while chunk := response.read(_CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise ResourceError(f"{url}: the connection broke ({one_line(error)}). {_AGAIN}") from error
