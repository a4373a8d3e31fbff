"""What of a data set's files is there, whether it is what it should be, and what is missing."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from dnaf.core import files, images
from dnaf.core.errors import DnafError, ResourceError
from dnaf.data.archives.open import Archive, open_archive
from dnaf.data.formats import published_counts
from dnaf.data.formats.names import Parts
from dnaf.data.formats.registry import Format, Naming
from dnaf.data.keypoints.annotations import read_annotations
from dnaf.data.keypoints.keypoint_files import find_keypoint_files
from dnaf.data.pairs import pairs
from dnaf.data.pairs.by_lists import read_list
from dnaf.data.pairs.split import PARTS
from dnaf.data.unpack import bytes_needed, find_containers
from dnaf.doctor.finding import Finding


def inspect_dataset(
    raw: Path, form: Format, size: images.Size, out: Path, ask_password: Callable[[str], str | None]
) -> list[Finding]:
    """Looks at everything that the stages unpack and split will read, without unpacking anything.

    Args:
        raw: the data set's folder.
        size: (height, width) that images will be prepared in.
        out: the folder that will be written to, for the disk space.
        ask_password: called with an archive's name, if it is encrypted.
    """
    return list(_inspect(raw, form, size, out, ask_password))


def _inspect(
    raw: Path, form: Format, size: images.Size, out: Path, ask_password: Callable[[str], str | None]
) -> Iterator[Finding]:
    parts, num_bytes = yield from _images(raw, form, ask_password)
    yield _disk(out, bytes_needed(num_bytes, sum(map(len, parts.values())), size) if parts else None)
    if form.naming is None:
        yield from _given_by_lists(raw, [name for part in parts.values() for name in part])
        return
    for part in PARTS:
        yield from _keypoints(raw, part, form.naming)
        yield from _pair_lists(raw, part, form.naming)


def _images(
    raw: Path, form: Format, ask_password: Callable[[str], str | None]
) -> Generator[Finding, None, tuple[Parts, int]]:
    """Returns the images that are taken, none if something is wrong with them, and the bytes of all files."""
    for name in form.needed:
        path = raw / name
        if path.is_file():
            yield Finding(name, "ok", f"sha256 {files.digest(path)[:12]}…")
        else:
            yield Finding(name, "missing", "list of images")
    containers = find_containers(raw, form)
    if not containers:
        alternatives = ", or ".join(" and ".join(names) for names in form.containers)
        yield Finding("images", "missing", f"expected {alternatives}")
        return {}, 0
    try:
        names, num_bytes = [], 0
        for path in containers:
            with open_archive(path) as archive:
                names += [f"{path.name}/{name}" for name in archive.names]
                num_bytes += archive.num_bytes(archive.names)
                if archive.is_encrypted:
                    yield _password(path, archive, ask_password(path.name))
        parts = form.choose_images(raw, names)
        for part, chosen in parts.items():
            published_counts.check_images(raw.name, part, chosen, raw)
    except DnafError as error:
        yield Finding("images", "wrong", str(error))
        return {}, 0
    counts = ", ".join(f"{len(chosen):,} {part}" for part, chosen in parts.items())
    yield Finding("images", "ok", f"{counts} (in {', '.join(path.name for path in containers)})")
    return parts, num_bytes


def _disk(out: Path, needed: int | None) -> Finding:
    """Free space against what images need, where that is known."""
    free = f"{files.free_space(out) / 1e9:,.1f} GB free"
    if needed is None:
        return Finding("disk space", "ok", free)
    try:
        files.require_space(out, needed)
    except ResourceError as error:
        return Finding("disk space", "wrong", str(error))
    return Finding("disk space", "ok", f"{free}, {needed / 1e9:,.1f} GB needed for images")


def _password(path: Path, archive: Archive, password: str | None) -> Finding:
    try:
        list(archive.read([], password))
    except DnafError as error:
        return Finding("password", "wrong", str(error))
    return Finding("password", "ok", f"opens {path.name}")


def _keypoints(raw: Path, part: str, naming: Naming) -> Iterator[Finding]:
    what, found = f"{part} keypoints", False
    for pattern in naming.annotations:
        path = raw / pattern.format(part)
        if path.exists():
            found = True
            try:
                annotations = read_annotations(path, naming.name_of, naming.frame, naming.padding)
                detail = f"{path.name}: {len(annotations.names):,} images, frame {annotations.frame}"
                yield Finding(what, "ok", detail)
            except DnafError as error:
                yield Finding(what, "wrong", str(error))
    for name in naming.poses:
        if (raw / name).exists():
            found = True
            try:
                with open_archive(raw / name) as archive:
                    yield Finding(what, "ok", f"{name}: {len(archive.names):,} files")
            except DnafError as error:
                yield Finding(what, "wrong", str(error))
    if not found:
        expected = [naming.annotations[0].format(part), *naming.poses[:2]]
        yield Finding(what, "missing", f"expected {', or '.join(expected)}")


def _pair_lists(raw: Path, part: str, naming: Naming) -> Iterator[Finding]:
    what = f"{part} pair list"
    names = [pattern.format(part) for pattern in naming.pair_lists]
    paths = [raw / name for name in names if (raw / name).is_file()]
    for path in paths:
        try:
            listed = pairs.read_pair_list(path, naming.name_of)
            published_counts.check_pairs(raw.name, part, listed, path)
            yield Finding(what, "ok", f"{path.name}: {len(listed):,} pairs")
        except DnafError as error:
            yield Finding(what, "wrong", str(error))
    if not paths:
        yield Finding(names[0], "absent", "pairs are selected by the published rule")


def _given_by_lists(raw: Path, names: list[str]) -> Iterator[Finding]:
    for part in PARTS:
        path = raw / f"{part}_pairs.csv"
        if not path.is_file():
            yield Finding(path.name, "missing", "a table with the columns from,to")
            continue
        try:
            yield Finding(path.name, "ok", f"{len(read_list(path, names)):,} pairs")
        except DnafError as error:
            yield Finding(path.name, "wrong", str(error))
    try:
        yield Finding("keypoints", "ok", find_keypoint_files(raw).name)
    except DnafError as error:
        yield Finding("keypoints", "wrong", str(error))
