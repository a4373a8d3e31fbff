"""Decoding and resizing every image of a data set, on all cores, resumable, all damaged images told at once.

What is prepared is kept in a scratch folder, chunk by chunk, until the caller has written its stores; a run
that was killed then only reads and decrypts again, which is cheap.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from itertools import islice
from pathlib import Path

from dnaf.core import files, images
from dnaf.core.errors import DataError, ResourceError
from dnaf.core.workers import chunked, worker_pool
from dnaf.data.chunks import FinishedChunks
from dnaf.data.formats.names import Name

File = tuple[Name, bytes]  # name and content
Prepared = tuple[Name, bytes, bytes]  # name, content, resized PNG
Check = Callable[[images.Pixels, str], None]

_CHUNK = 1024  # images that are kept together; at most two chunks are in memory
_BATCH = 32  # images a worker gets at a time
_MAX_TOLD = 20  # damaged images that an error names


def prepare_images(
    contents: Iterator[File], size: images.Size, check: Check | None, scratch: Path
) -> Iterator[Prepared]:
    """Decodes, checks, resizes and encodes images, in order.

    Args:
        contents: name and bytes of each image, the same ones in the same order in every run.
        size: (height, width) of the PNGs.
        check: refuses (DataError) decoded pixels; a function of a module, as workers import it.
        scratch: folder that belongs to this work alone; the caller removes it when all is done.

    Raises:
        DataError: images cannot be decoded or are refused; all are tried, the first 20 are named.
        ResourceError: disk or memory do not suffice.
    """
    damaged: list[str] = []
    started: deque[_Chunk] = deque()
    finished = FinishedChunks(scratch)
    pool = worker_pool()
    try:
        for number, files_of_chunk in enumerate(_chunks(contents)):
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
        shown = " | ".join(damaged[:_MAX_TOLD])
        more = f" | and {len(damaged) - _MAX_TOLD:,} more" if len(damaged) > _MAX_TOLD else ""
        raise DataError(f"{len(damaged):,} images cannot be used: {shown}{more}")


def _chunks(contents: Iterator[File]) -> Iterator[list[File]]:
    while chunk := list(islice(contents, _CHUNK)):
        yield chunk


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
            self._futures = [pool.submit(_prepare, chunk, size, check) for chunk in chunked(chunk, _CHUNK)]

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
