"""Decoding and resizing every image of a data set, on all cores, resumable, all damaged images told at once.

What is prepared is kept in a scratch folder, chunk by chunk, until the caller has written its stores; a run
that was killed then only reads and decrypts again, which is cheap.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from dnaf.core import files, images
from dnaf.core.errors import DataError, ResourceError
from dnaf.core.shards import Shards
from dnaf.core.workers import worker_pool
from dnaf.data.chunks import FinishedChunks
from dnaf.data.formats.names import Name

File = tuple[Name, bytes]  # name and content
Prepared = tuple[Name, bytes, bytes]  # name, content, resized PNG
Check = Callable[[images.Pixels, str], None]

# Images that are kept together, and a worker gets at a time, and bytes of theirs; two chunks are in memory.
_CHUNK, _CHUNK_BYTES = 1024, 128_000_000
_BATCH, _BATCH_BYTES = 32, 16_000_000
_MAX_TOLD = 20  # damaged images that an error names, in as many characters
_MAX_TOLD_CHARACTERS = 1000


def prepare_share(
    contents: Iterator[File], size: images.Size, check: Check | None, scratch: Path, shards: Shards
) -> None:
    """Prepares this process's share of the chunks, and keeps them for the one that then prepares all.

    Every process reads all contents, which is cheap. What is wrong with an image is told by that one.

    Raises:
        ResourceError: as of `prepare_images`.
    """
    with suppress(DataError):
        for _ in prepare_images(contents, size, check, scratch, shards.has):
            pass


def prepare_images(
    contents: Iterator[File],
    size: images.Size,
    check: Check | None,
    scratch: Path,
    is_wanted: Callable[[int], bool] = lambda number: True,
) -> Iterator[Prepared]:
    """Decodes, checks, resizes and encodes images, in order.

    Args:
        contents: name and bytes of each image, the same ones in the same order in every run.
        size: (height, width) of the PNGs.
        check: refuses (DataError) decoded pixels; a function of a module, as workers import it.
        scratch: folder that belongs to this work alone; the caller removes it when all is done.
        is_wanted: of the number of a chunk; of others nothing is done.

    Raises:
        DataError: images cannot be decoded or are refused; all are tried, the first 20 are named.
        ResourceError: disk or memory do not suffice.
    """
    damaged: list[str] = []
    started: deque[_Chunk] = deque()
    finished = FinishedChunks(scratch)
    pool = worker_pool()
    try:
        num_png_bytes = size[0] * size[1] * 3
        images_only = _without_damaged(contents, damaged)
        for number, files_of_chunk in enumerate(_groups(images_only, _CHUNK, _CHUNK_BYTES, num_png_bytes)):
            if not is_wanted(number):
                continue
            # The next chunk is read and decrypted here while workers prepare this one.
            started.append(_Chunk(finished, number, files_of_chunk, pool, size, check))
            if len(started) > 1:
                yield from started.popleft().finish(damaged)
        while started:
            yield from started.popleft().finish(damaged)
    except BrokenProcessPool as error:
        raise ResourceError(
            "unpack: a worker process was killed, probably because memory ran out. Free some and run again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
    if damaged:
        raise _refusal(damaged)


def _without_damaged(contents: Iterator[File], damaged: list[str]) -> Iterator[File]:
    """The files that begin as images do; of others nothing is kept but what is wrong with them."""
    for name, data in contents:
        try:
            images.check_header(data, name)
        except DataError as error:
            damaged.append(str(error))
        else:
            yield name, data


def _groups(items: Iterable[File], most: int, most_bytes: int, beside: int = 0) -> Iterator[list[File]]:
    """Consecutive files in groups that are bounded by their number and their bytes.

    Args:
        beside: bytes that are needed for each file beside its own.
    """
    group: list[File] = []
    num_bytes = 0
    for name, data in items:
        if group and (len(group) == most or num_bytes + len(data) + beside > most_bytes):
            yield group
            group, num_bytes = [], 0
        group.append((name, data))
        num_bytes += len(data) + beside
    if group:
        yield group


def _refusal(damaged: list[str]) -> DataError:
    told = damaged[:_MAX_TOLD]
    while len(told) > 1 and sum(map(len, told)) > _MAX_TOLD_CHARACTERS:
        told.pop()
    more = f" | and {len(damaged) - len(told):,} more" if len(damaged) > len(told) else ""
    return DataError(f"{len(damaged):,} images cannot be used: {' | '.join(told)}{more}")


class _Chunk:
    """Images that are prepared together and kept as one chunk in the scratch folder."""

    def __init__(
        self,
        finished: FinishedChunks,
        number: int,
        chunk: list[File],
        pool: Executor,
        size: images.Size,
        check: Check | None,
    ) -> None:
        self._finished, self._number, self._files = finished, number, chunk
        self._originals = files.fingerprint([[name, sha256(data).hexdigest()] for name, data in chunk])
        self._earlier = finished.load(number, self._originals)
        self._futures: list[Future[list[bytes | str]]] = []
        if self._earlier is None:
            batches = _groups(chunk, _BATCH, _BATCH_BYTES)
            self._futures = [pool.submit(_prepare, batch, size, check) for batch in batches]

    def finish(self, damaged: list[str]) -> Iterator[Prepared]:
        """Waits for the chunk and keeps it; adds what is wrong with images to `damaged`.

        Once an image is damaged nothing is kept or given any more: the rest is only looked at.
        """
        if self._earlier is not None:
            pngs = list(self._earlier.values())
        else:
            results = [result for future in self._futures for result in future.result()]
            damaged += [result for result in results if isinstance(result, str)]
            pngs = [result for result in results if isinstance(result, bytes)]
            if not damaged:
                contents = {f"{index}.png": png for index, png in enumerate(pngs)}
                self._finished.save(self._number, contents, self._originals)
        if not damaged:
            yield from ((name, data, png) for (name, data), png in zip(self._files, pngs, strict=True))


def _prepare(batch: Sequence[File], size: images.Size, check: Check | None) -> list[bytes | str]:
    """PNG of each image, or what is wrong with it."""
    prepared: list[bytes | str] = []
    for name, data in batch:
        try:
            image = images.decode(data, name)
            if check is not None:
                check(image, name)
            prepared.append(images.encode_png(images.resize(image, size), compress=False))
        except DataError as error:
            prepared.append(str(error))
    return prepared
