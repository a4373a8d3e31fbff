"""What of a data set's files is there, whether it is what it should be, and what is missing."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from dnaf.core import files, images
from dnaf.core.errors import DnafError, ResourceError
from dnaf.data.archives.open import Archive, open_archive
from dnaf.data.formats import published_counts
from dnaf.data.formats.format import Format, Naming
from dnaf.data.formats.names import Name, Splits
from dnaf.data.keypoints.annotations import read_annotations
from dnaf.data.keypoints.keypoint_files import find_keypoint_files
from dnaf.data.pairs import pairs
from dnaf.data.pairs.by_lists import read_list
from dnaf.data.pairs.split import SPLITS
from dnaf.data.unpack import bytes_needed, find_containers
from dnaf.doctor.finding import Finding


def inspect_dataset(
    raw: Path, data_format: Format, size: images.Size, out: Path, ask_password: Callable[[str], str | None]
) -> list[Finding]:
    """Looks at everything that the stages unpack and split will read, without unpacking anything.

    Args:
        raw: the data set's folder.
        size: (height, width) that images will be prepared in.
        out: the folder that will be written to, for the disk space.
        ask_password: called with an archive's name, if it is encrypted.
    """
    return list(_inspect(raw, data_format, size, out, ask_password))


def _inspect(
    raw: Path, data_format: Format, size: images.Size, out: Path, ask_password: Callable[[str], str | None]
) -> Iterator[Finding]:
    splits, num_bytes = yield from _images(raw, data_format, ask_password)
    yield _disk(out, bytes_needed(num_bytes, sum(map(len, splits.values())), size) if splits else None)
    if data_format.naming is None:
        yield from _given_by_lists(raw, [name for split in splits.values() for name in split])
        return
    for split in SPLITS:
        yield from _keypoints(raw, split, data_format.naming, ask_password)
        yield from _pair_lists(raw, split, data_format.naming)


def _images(
    raw: Path, data_format: Format, ask_password: Callable[[str], str | None]
) -> Generator[Finding, None, tuple[Splits, int]]:
    """Returns the images that are taken, none if something is wrong with them, and the bytes of all files."""
    for name in data_format.needed:
        path = raw / name
        if path.is_file():
            yield Finding(name, "ok", f"sha256 {files.digest(path)[:12]}…")
        else:
            yield Finding(name, "missing", "list of images")
    containers = find_containers(raw, data_format)
    if not containers:
        alternatives = ", or ".join(" and ".join(names) for names in data_format.containers)
        yield Finding("images", "missing", f"expected {alternatives}")
        return {}, 0
    try:
        names, num_bytes = [], 0
        for path in containers:
            with open_archive(path) as archive:
                names += [f"{path.name}/{name}" for name in archive.names]
                num_bytes += sum(map(archive.size, archive.names))
                if archive.is_encrypted:
                    yield _password(path, archive, ask_password(path.name))
        splits = data_format.choose_images(raw, names).splits
        for split, chosen in splits.items():
            published_counts.check_images(raw.name, split, chosen, raw)
    except DnafError as error:
        yield Finding("images", "wrong", str(error))
        return {}, 0
    counts = ", ".join(f"{len(chosen):,} {split}" for split, chosen in splits.items())
    yield Finding("images", "ok", f"{counts} (in {', '.join(path.name for path in containers)})")
    return splits, num_bytes


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
        archive.check_password(password)
    except DnafError as error:
        return Finding("password", "wrong", str(error))
    return Finding("password", "ok", f"opens {path.name}")


def _keypoints(
    raw: Path, split: str, naming: Naming, ask_password: Callable[[str], str | None]
) -> Iterator[Finding]:
    what, found = f"{split} keypoints", False
    for pattern in naming.annotations:
        path = raw / pattern.format(split)
        if path.exists():
            found = True
            try:
                annotations = read_annotations(path, naming.name_of, naming.frame, naming.padding)
                detail = f"{path.name}: {len(annotations.names):,} images, frame {annotations.frame}"
                yield Finding(what, "ok", detail)
            except DnafError as error:
                yield Finding(what, "wrong", str(error))
    for name in naming.pose_files:
        if (raw / name).exists():
            found = True
            try:
                with open_archive(raw / name) as archive:
                    if archive.is_encrypted:
                        yield _password(raw / name, archive, ask_password(name))
                    yield Finding(what, "ok", f"{name}: {len(archive.names):,} files")
            except DnafError as error:
                yield Finding(what, "wrong", str(error))
    if not found:
        expected = [naming.annotations[0].format(split), *naming.pose_files[:2]]
        yield Finding(what, "missing", f"expected {', or '.join(expected)}")


def _pair_lists(raw: Path, split: str, naming: Naming) -> Iterator[Finding]:
    what = f"{split} pair list"
    names = [pattern.format(split) for pattern in naming.pair_lists]
    paths = [raw / name for name in names if (raw / name).is_file()]
    for path in paths:
        try:
            listed = pairs.read_pair_list(path, naming.name_of)
            published_counts.check_pairs(raw.name, split, listed, path)
            yield Finding(what, "ok", f"{path.name}: {len(listed):,} pairs")
        except DnafError as error:
            yield Finding(what, "wrong", str(error))
    if not paths:
        yield Finding(names[0], "absent", "pairs are selected by the published rule")


def _given_by_lists(raw: Path, names: list[Name]) -> Iterator[Finding]:
    for split in SPLITS:
        path = raw / f"{split}_pairs.csv"
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
