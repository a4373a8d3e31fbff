"""From the user's archives or folders to two image stores: the files as they are, and resized ones.

Exactly the images of the data set are taken, each fully decoded once, so that every later stage can rely on
them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import compress
from pathlib import Path

from dnaf.core import commands, files, images, progress
from dnaf.core.errors import DataError
from dnaf.core.shards import Shards
from dnaf.core.workers import thread_map
from dnaf.data.archives.open import Archive, open_archive
from dnaf.data.chunks import FinishedChunks
from dnaf.data.formats import published_counts
from dnaf.data.formats.format import Format
from dnaf.data.formats.names import Name
from dnaf.data.prepare import Prepared, group_images, prepare_images
from dnaf.data.store import write_store

# How people pack images; a 7z archive is opened too, for the sentence that says what to do with it.
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".rar", ".7z")
_Source = tuple[Archive, dict[str, Name], str | None]  # its images by member, and its password
_VERSION = 3  # of what prepared images depend on beside their originals and size


def unpack(
    raw: Path,
    images_path: Path,
    prepared_path: Path,
    size: images.Size,
    data_format: Format,
    ask_password: Callable[[str], str | None],
    shards: Shards,
) -> dict[str, int]:
    """Writes both stores, atomically, in the order of the archives.

    Processes share the images by a scratch folder that all of them see; the first one writes the stores. A
    run that is killed and started again uses what was prepared before.

    Args:
        raw: the data set's folder.
        images_path: store of the original bytes, members `<name>`; its info lists the names of the
            `splits`, and name, split and reason of each image `left_out`.
        prepared_path: store of PNGs of `size`, members `<stem>.png`.
        data_format: says which files are the data set's.
        ask_password: called with an archive's name, only if it is encrypted.

    Returns:
        Number of images, and of files found that are not taken.

    Raises:
        DataError: a file is missing, damaged, hostile or not of the data set; or the password is wrong.
        ResourceError: disk or memory do not suffice.
    """
    containers = find_containers(raw, data_format)
    _require(raw, data_format, containers)
    with ExitStack() as stack:
        archives = {path.name: stack.enter_context(open_archive(path)) for path in containers}
        paths = [f"{container}/{name}" for container, archive in archives.items() for name in archive.names]
        splits, left_out = data_format.choose_images(raw, paths)
        for split, names in splits.items():
            published_counts.check_images(raw.name, split, names, raw)
        name_of = {path: name for names in splits.values() for name, path in names.items()}

        sources = []
        for container, archive in archives.items():
            members = {
                name: name_of[f"{container}/{name}"]
                for name in archive.names
                if f"{container}/{name}" in name_of
            }
            sources.append((archive, members, _password(archive, container, ask_password)))
        counts = {"num_images": len(name_of), "num_ignored": len(paths) - len(name_of)}
        about = {
            **counts,
            "source": raw.name,
            "splits": {split: list(names) for split, names in splits.items()},
            "left_out": left_out,
        }
        scratch = files.scratch_folder("unpack", files.fingerprint([_VERSION, raw.name, size]))
        with shards.locked(scratch):
            num_bytes = sum(num for _, num in _sizes(sources))
            for folder in (images_path.parent, scratch):
                files.require_space(folder, bytes_needed(num_bytes, len(name_of), size))
            chunks, prepared = group_images(_sizes(sources), size), Prepared(scratch)
            read = partial(_contents, sources)
            prepare_images(chunks, read, size, data_format.check_image, prepared, shards)
            if shards.index > 0:
                return counts

            def write(store: tuple[Path, FinishedChunks]) -> None:
                path, kept = store
                with write_store(path, about, len(name_of)) as writer:
                    for name, data in kept.members(len(chunks)):
                        writer.add(name, data)

            stores = (images_path, prepared.originals), (prepared_path, prepared.resized)
            for _ in progress.track(thread_map(write, stores), "Writing stores", len(stores)):
                pass
            files.remove_folder(scratch)
    return counts


def _password(archive: Archive, container: str, ask: Callable[[str], str | None]) -> str | None:
    """The password of an archive, tried; None if it needs none."""
    if not archive.is_encrypted:
        return None
    password = ask(container)
    archive.check_password(password)
    return password


def _sizes(sources: Sequence[_Source]) -> Iterator[tuple[Name, int]]:
    """Name and bytes of every image, in the order of the archives."""
    for archive, members, _ in sources:
        for member, name in members.items():
            yield name, archive.size(member)


def _contents(sources: Sequence[_Source], wanted: Iterable[bool]) -> Iterator[tuple[Name, bytes]]:
    """Name and content of every image that is wanted, in the order of the archives."""
    rest = iter(wanted)
    for archive, members, password in sources:
        chosen = list(compress(members, rest))
        for member, data in archive.read(chosen, password) if chosen else ():
            yield members[member], data


def bytes_needed(num_bytes: int, num_images: int, size: images.Size) -> int:
    """Disk space that unpacking needs while it runs.

    Args:
        num_bytes: of the originals.
    """
    prepared = num_images * (size[0] * size[1] * 3 + 1000)  # PNGs that are not compressed
    return int(1.2 * 2 * (num_bytes + prepared))  # in the scratch folder, and in the stores


def find_containers(raw: Path, data_format: Format) -> list[Path]:
    """The archives or folders that hold the images: the format's first alternative that is there.

    A zip may be packed anew as another archive, of which `open_archive` looks at the content only.
    """
    for alternative in data_format.containers:
        for suffix in _SUFFIXES if alternative[0].endswith(_SUFFIXES[0]) else ("",):
            containers = [raw / f"{name.removesuffix(_SUFFIXES[0])}{suffix}" for name in alternative]
            if all(path.exists() for path in containers):
                return containers
    return []


def _require(raw: Path, data_format: Format, containers: list[Path]) -> None:
    missing = [] if containers else [data_format.containers[0][0]]
    missing += [name for name in data_format.needed if not (raw / name).is_file()]
    if not missing:
        return
    guide = raw / "README.md" if (raw / "README.md").is_file() else "docs/data.md"
    remedy = (
        f"{guide} says which files belong there and where they come from; `{commands.dvc('pull')}` brings "
        "those that the project's remote has."
    )
    if "/.dvc/tmp/exps/" in str(raw.resolve()):
        paths = " ".join(str(raw / name) for name in missing)
        remedy = (
            "A temporary workspace has only files that DVC tracks: in your project, "
            f"run `{commands.dvc('add', paths)}`."
        )
    raise DataError(f"{raw}: files are missing (expected {', '.join(missing)}). {remedy}")
