"""Decoding and resizing every image of a data set, on all cores and in several processes, resumable.

What is prepared is kept in a scratch folder, chunk by chunk, until the caller has written its stores; a run
that was killed then only reads and decrypts again, which is cheap. All damaged images are told at once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

from dnaf.core import files, images
from dnaf.core.errors import DataError, ResourceError
from dnaf.core.progress import track
from dnaf.core.shards import Shards
from dnaf.core.workers import worker_pool
from dnaf.data.chunks import FinishedChunks
from dnaf.data.formats.names import Name, stem

Item = TypeVar("Item")
File = tuple[Name, bytes]  # name and content
Check = Callable[[images.Pixels, str], None]

# Images that are kept together, and a worker gets at a time, and bytes of theirs; two chunks are in memory.
_CHUNK, _CHUNK_BYTES = 1024, 128_000_000
_BATCH, _BATCH_BYTES = 32, 16_000_000
_MAX_TOLD = 20  # damaged images that an error names, in as many characters
_MAX_TOLD_CHARACTERS = 1000


class Prepared:
    """The images of a data set as they are, and resized, in chunks in a scratch folder.

    Args:
        scratch: folder that belongs to this work alone; the caller removes it when all is done.
    """

    def __init__(self, scratch: Path) -> None:
        self.originals, self.resized = (
            FinishedChunks(scratch / "originals"),
            FinishedChunks(scratch / "resized"),
        )

    def has(self, number: int, made_from: str) -> bool:
        """Whether an earlier run has kept this chunk, every byte as it was."""
        return all(kept.load(number, made_from) is not None for kept in (self.originals, self.resized))

    def keep(self, number: int, originals: Sequence[File], pngs: Sequence[bytes], made_from: str) -> None:
        """Keeps a chunk: members `<name>`, and `<stem>.png`."""
        resized = {f"{stem(name)}.png": png for (name, _), png in zip(originals, pngs, strict=True)}
        self.originals.save(number, dict(originals), made_from)
        self.resized.save(number, resized, made_from)


def group_images(sizes: Iterable[tuple[Name, int]], size: images.Size) -> list[list[Name]]:
    """Names of consecutive images that are prepared and kept together: few enough for memory.

    Args:
        sizes: of each image, name and bytes.
        size: (height, width) that they are resized to.
    """
    num_png_bytes = size[0] * size[1] * 3
    groups = _groups(sizes, lambda image: image[1] + num_png_bytes, _CHUNK, _CHUNK_BYTES)
    return [[name for name, _ in group] for group in groups]


def prepare_images(
    chunks: Sequence[Sequence[Name]],
    read: Callable[[Iterable[bool]], Iterator[File]],
    size: images.Size,
    check: Check | None,
    prepared: Prepared,
    shards: Shards,
) -> None:
    """Decodes, checks, resizes, encodes and keeps all images; ends when every process has done its share.

    Args:
        chunks: names of images, as `group_images` gives them; the same ones in every run.
        read: gives name and bytes of each image that it is asked for, in the order of the chunks; it is told
            of every image whether it is.
        size: (height, width) of the PNGs.
        check: refuses (DataError) decoded pixels; a function of a module, as workers import it.

    Raises:
        DataError: images cannot be decoded or are refused; all are tried, the first 20 are named. Of several
            processes the first one raises it.
        ResourceError: disk or memory do not suffice.
    """
    own = {number: chunk for number, chunk in enumerate(chunks) if shards.has(number)}
    is_own = (repeat(shards.has(number), len(chunk)) for number, chunk in enumerate(chunks))
    contents = read(chain.from_iterable(is_own))
    damaged: list[tuple[int, str]] = []  # each with the number of its chunk

    def work() -> Iterator[Name]:
        started: deque[_Chunk] = deque()
        pool = worker_pool()
        try:
            for number, names in own.items():
                # The next chunk is read and decrypted here while workers prepare this one.
                originals = list(_undamaged(contents, number, names, damaged))
                started.append(_Chunk(prepared, number, originals, pool, size, check))
                if len(started) > 1:
                    yield from started.popleft().finish(damaged)
            while started:
                yield from started.popleft().finish(damaged)
        except BrokenProcessPool as error:
            raise ResourceError(
                "unpack: a worker process was killed, probably because memory ran out. Free some and run "
                "again."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)

    shown = track(work(), "Unpacking images", sum(map(len, own.values()))) if shards.index == 0 else work()
    for _ in shown:
        pass
    problems = [problem for _, problem in sorted(shards.gather(damaged), key=lambda each: each[0])]
    if problems and shards.index == 0:
        raise _refusal(problems)


def _undamaged(
    contents: Iterator[File], number: int, names: Sequence[Name], damaged: list[tuple[int, str]]
) -> Iterator[File]:
    """The files of a chunk that begin as images do; of others nothing is kept but what is wrong with them."""
    for expected in names:
        name, data = next(contents)
        assert name == expected, (name, expected)
        try:
            images.check_header(data, name)
        except DataError as error:
            damaged.append((number, str(error)))
        else:
            yield name, data


def _groups(
    items: Iterable[Item], num_bytes: Callable[[Item], int], most: int, most_bytes: int
) -> Iterator[list[Item]]:
    """Consecutive items in groups that are bounded by their number and their bytes."""
    group: list[Item] = []
    total = 0
    for item in items:
        if group and (len(group) == most or total + num_bytes(item) > most_bytes):
            yield group
            group, total = [], 0
        group.append(item)
        total += num_bytes(item)
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
        prepared: Prepared,
        number: int,
        originals: list[File],
        pool: Executor,
        size: images.Size,
        check: Check | None,
    ) -> None:
        self._prepared, self._number, self._originals = prepared, number, originals
        self._made_from = files.fingerprint([[name, sha256(data).hexdigest()] for name, data in originals])
        self._futures: list[Future[list[bytes | str]]] = []
        self._is_kept = prepared.has(number, self._made_from)
        if not self._is_kept:
            batches = _groups(originals, lambda file: len(file[1]), _BATCH, _BATCH_BYTES)
            self._futures = [pool.submit(_prepare, batch, size, check) for batch in batches]

    def finish(self, damaged: list[tuple[int, str]]) -> Iterator[Name]:
        """Waits for the chunk and keeps it; adds what is wrong with images to `damaged`.

        Once an image is damaged nothing is kept any more: the rest is only looked at.
        """
        if not self._is_kept:
            results = [result for future in self._futures for result in future.result()]
            damaged += [(self._number, result) for result in results if isinstance(result, str)]
            if not damaged:
                pngs = [result for result in results if isinstance(result, bytes)]
                self._prepared.keep(self._number, self._originals, pngs, self._made_from)
        for name, _ in self._originals:
            yield name


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
