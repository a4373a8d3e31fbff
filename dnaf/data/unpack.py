"""From the user's archive or folder to two image stores: the files as they are, and resized ones.

Exactly the images of `train.lst` and `test.lst` are taken, each fully decoded once, so that every later stage
can rely on them.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from dnaf import images, progress
from dnaf.data import deepfashion
from dnaf.data.archive import open_archive
from dnaf.data.store import write_store
from dnaf.errors import DataError, ResourceError
from dnaf.files import remove_leftovers, require_space

ARCHIVE = "img_highres.zip"
FOLDERS = ("img_highres", "img")
LISTS = ("train.lst", "test.lst")

_PADDED = (256, 256)  # the small archive's images, padded at the sides: another data set, in effect
_CHUNK = 32  # images a worker gets at a time
_MAX_CHUNKS_AHEAD = 32  # bounds the memory held by results that wait for their turn

File = tuple[str, bytes]  # flat name and content
Prepared = tuple[str, bytes, bytes]  # flat name, content, resized PNG


def unpack(
    raw: Path,
    images_path: Path,
    prepared_path: Path,
    size: images.Size,
    ask_password: Callable[[], str | None],
) -> dict[str, int]:
    """Writes both stores, atomically, in the order of the archive.

    Args:
        raw: folder with the lists and the archive, or its unpacked folder `img_highres` or `img`.
        images_path: store of the original bytes, members `<flat name>`.
        prepared_path: store of PNGs of `size`, members `<stem>.png`.
        ask_password: called only if the archive is encrypted.

    Returns:
        Number of images, and of images in the archive that no list names.

    Raises:
        DataError: a file is missing, damaged, hostile or not of the data set; or the password is wrong.
        ResourceError: disk or memory do not suffice.
    """
    remove_leftovers(images_path.parent)
    _require_raw(raw)
    wanted = _read_lists(raw)
    with _open_source(raw, wanted, ask_password) as (found, num_bytes, contents):
        info = {"num_images": len(wanted), "num_ignored": len(found) - len(wanted)}
        prepared_bytes = len(wanted) * (size[0] * size[1] * 2 + 500)  # PNGs of photographs: 2 bytes a pixel
        require_space(images_path.parent, int(1.2 * (num_bytes + prepared_bytes)))
        about = {**info, "source": raw.name}
        with write_store(images_path, about) as native, write_store(prepared_path, about) as prepared:
            results = _prepare_all(contents, size)
            for name, data, png in progress.track(results, "unpack images", total=len(wanted)):
                native.add(name, data)
                prepared.add(f"{deepfashion.stem(name)}.png", png)
    return info


def _require_raw(raw: Path) -> None:
    missing = [name for name in LISTS if not (raw / name).is_file()]
    if not (raw / ARCHIVE).is_file() and _folder(raw) is None:
        missing.insert(0, ARCHIVE)
    if not missing:
        return
    remedy = f"See {raw}/README.md for where to get them."
    if "/.dvc/tmp/exps/" in str(raw.resolve()):
        paths = " ".join(str(raw / name) for name in missing)
        remedy = f"A temporary workspace has only files that DVC tracks: in your project, dvc add {paths}"
    raise DataError(f"{raw}: files are missing (expected {', '.join(missing)}). {remedy}")


def _read_lists(raw: Path) -> set[str]:
    train, test = (deepfashion.read_list(raw / name) for name in LISTS)
    shared = set(train) & set(test)
    if shared:
        raise DataError(
            f"{raw / LISTS[1]}: images of {LISTS[0]} are listed here too (found {len(shared):,}, first "
            f"{min(shared)}). Use lists of the same split."
        )
    return {*train, *test}


def _folder(raw: Path) -> Path | None:
    return next((raw / name for name in FOLDERS if (raw / name).is_dir()), None)


@contextmanager
def _open_source(
    raw: Path, wanted: set[str], ask_password: Callable[[], str | None]
) -> Iterator[tuple[dict[str, str], int, Iterator[File]]]:
    """Gives the images that archive or folder hold, the size of the wanted ones, and their contents."""
    path = raw / ARCHIVE
    if path.is_file():
        with open_archive(path) as archive:
            found = _find_images(path, [name for name in archive.names if name.split("/")[0] in FOLDERS])
            members = {member: name for name, member in found.items() if name in wanted}
            _require_all(path, wanted, found)
            password = ask_password() if archive.is_encrypted else None
            contents = ((members[member], data) for member, data in archive.read(members, password))
            yield found, archive.num_bytes(members), contents
        return
    folder = _folder(raw)
    assert folder is not None
    paths = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    found = _find_images(folder, paths)
    _require_all(folder, wanted, found)
    files = [(name, Path(found[name])) for name in sorted(wanted)]
    yield found, sum(path.stat().st_size for _, path in files), ((name, _read(path)) for name, path in files)


def _find_images(path: Path, members: list[str]) -> dict[str, str]:
    """Member by flat name, of those members that are named like images of the data set."""
    found: dict[str, str] = {}
    for member in members:
        try:
            name = deepfashion.flat_name(member)
        except DataError:
            continue  # thumbnails and notes that some copies hold; what is needed is checked by name
        if name in found:
            raise DataError(
                f"{path}: one image twice (found {found[name]} and {member}). Remove one of them."
            )
        found[name] = member
    return found


def _require_all(path: Path, wanted: set[str], found: dict[str, str]) -> None:
    missing = sorted(wanted - found.keys())
    if missing:
        raise DataError(
            f"{path}: {len(missing):,} of {len(wanted):,} listed images are missing (first: "
            f"{deepfashion.image_path(missing[0])}). Use the complete archive, and its own lists."
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: could not be read ({error.strerror}). Check its permissions.") from error


def _prepare_all(contents: Iterator[File], size: images.Size) -> Iterator[Prepared]:
    """Decodes, resizes and encodes on all cores, in order."""
    workers = ProcessPoolExecutor(os.cpu_count())
    pending: deque[Future[list[Prepared]]] = deque()
    try:
        while chunk := list(islice(contents, _CHUNK)):
            pending.append(workers.submit(_prepare, chunk, size))
            if len(pending) > _MAX_CHUNKS_AHEAD:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise ResourceError(
            "unpack: a worker process was killed, probably for want of memory. Free some and run again."
        ) from error
    finally:
        workers.shutdown(cancel_futures=True)


def _prepare(chunk: list[File], size: images.Size) -> list[Prepared]:
    prepared = []
    for name, data in chunk:
        path = deepfashion.image_path(name)
        image = images.decode(data, path)
        if image.shape[:2] == _PADDED:
            raise DataError(
                f"{path}: an image of the small archive (found 256x256 pixels, padded at the sides; expected "
                f"the originals). Use {ARCHIVE}."
            )
        prepared.append((name, data, images.encode_png(images.resize(image, size))))
    return prepared
