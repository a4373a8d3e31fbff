"""Files are the old ones or the new ones, whatever call fails; manifests find every change; one writer."""

import errno
import os
import re
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dnaf.core import files
from dnaf.core.errors import ResourceError, StateError
from tests.helpers.faults import Faults

OLD, NEW = b"old" * 1000, b"new" * 5000


class _FailingOs:
    """The module `os` as `dnaf.core.files` sees it, whose n-th changing call fails."""

    _CHANGING = ("fsync", "replace", "chmod", "open")

    def __init__(self, fail_at: int, code: int) -> None:
        self.calls = 0
        self._fail_at, self._code = fail_at, code

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name == "fdopen":
            return lambda *arguments: _FailingFile(real(*arguments), self)
        return self.wrap(real) if name in self._CHANGING else real

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            if self.calls == self._fail_at:
                raise OSError(self._code, os.strerror(self._code))
            return call(*arguments, **keywords)

        return counted


class _FailingFile:
    def __init__(self, file: Any, faults: _FailingOs) -> None:
        self._file, self._faults = file, faults

    def __enter__(self) -> Any:
        file = self._file.__enter__()
        wrap = self._faults.wrap
        return SimpleNamespace(write=wrap(file.write), flush=wrap(file.flush), fileno=file.fileno)

    def __exit__(self, *error: Any) -> Any:
        return self._file.__exit__(*error)


def _entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("before", [None, OLD], ids=["new file", "replaced file"])
def test_a_failure_at_any_call_leaves_the_old_state_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, before: bytes | None
) -> None:
    path = tmp_path / "file"
    failures = 0
    for fail_at in range(1, 100):
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)
        monkeypatch.setattr(files, "os", _FailingOs(fail_at, code))
        try:
            files.write_atomic(path, NEW)
        except ResourceError as error:
            message = str(error)
        else:
            break
        finally:
            monkeypatch.undo()
        failures += 1
        assert message.startswith(f"{path}: could not be written")
        assert (path.read_bytes() if path.exists() else None) in (before, NEW)
        assert _entries(tmp_path) in ([], ["file"])
    assert path.read_bytes() == NEW
    assert failures >= 6  # write, flush, fsync, chmod, replace, open and fsync of the folder


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ResourceError, match="could not be written"):
            files.write_atomic(path, bytes(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == OLD
    assert _entries(tmp_path) == ["file"]


def test_an_interrupted_block_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), files.atomic_file(tmp_path / "file") as file:
        file.writelines(interrupted())
    assert _entries(tmp_path) == []


def test_missing_folders_are_made_and_the_umask_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    umask = os.umask(0o027)
    try:
        files.write_atomic(path, "text")
    finally:
        os.umask(umask)
    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_unwritable_place_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ResourceError, match="could not be written"):
        files.write_atomic(tmp_path / "file/below", b"x")


def test_json_is_written_readably_and_refuses_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"a": [1, 0.5, None]})
    assert path.read_text().endswith("}\n")
    assert files.read_json(path) == {"a": [1, 0.5, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(path, float("nan"))
    assert files.read_json(path) == {"a": [1, 0.5, None]}


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_unreadable_json_is_a_named_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StateError, match=f"^{path}: "):
        files.read_json(path)


def test_fingerprint_ignores_the_order_of_keys_and_nothing_else() -> None:
    assert files.fingerprint({"a": 1, "b": [1, 2]}) == files.fingerprint({"b": [1, 2], "a": 1})
    assert files.fingerprint({"b": [2, 1], "a": 1}) != files.fingerprint({"b": [1, 2], "a": 1})


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    files.write_atomic(folder / "a.txt", "a" * 100)
    files.write_atomic(folder / "below/b.txt", "b" * 100)
    files.write_manifest(folder, {"count": 2})
    return folder


def test_a_complete_folder_gives_what_its_manifest_says(complete: Path) -> None:
    assert files.require_complete(complete) == {"count": 2}


def _delete(folder: Path) -> None:
    (folder / "below/b.txt").unlink()


def _truncate(folder: Path) -> None:
    (folder / "below/b.txt").write_bytes(b"b" * 99)


def _flip(folder: Path) -> None:
    (folder / "below/b.txt").write_bytes(b"c" + b"b" * 99)


def _add(folder: Path) -> None:
    (folder / "below/b.txt.bak").write_bytes(b"")


def _forget_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_delete, "b.txt: is missing"),
        (_truncate, "b.txt: content differs"),
        (_flip, "b.txt: content differs"),
        (_add, "b.txt.bak: is not in the manifest"),
        (_forget_manifest, "not complete"),
    ],
)
def test_every_change_of_a_folder_is_found(
    complete: Path, change: Callable[[Path], None], named: str
) -> None:
    change(complete)
    with pytest.raises(StateError, match=named):
        files.require_complete(complete)


def test_a_new_folder_appears_whole_or_not_at_all(complete: Path) -> None:
    with pytest.raises(RuntimeError), files.atomic_folder(complete) as folder:  # noqa: PT012
        (folder / "new.txt").write_text("half")
        raise RuntimeError
    assert files.require_complete(complete) == {"count": 2}
    with files.atomic_folder(complete) as folder:
        (folder / "new.txt").write_text("whole")
        files.write_manifest(folder)
    assert files.require_complete(complete) == {}
    assert _entries(complete) == ["manifest.json", "new.txt"]
    assert _entries(complete.parent) == ["folder"]


def test_scratch_folder_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path))
    folder = files.scratch_folder("train", "k" * 64)
    assert folder.parent == tmp_path / "train"
    assert folder.is_dir()


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file.zip"
    (folder / "step").mkdir(parents=True)
    own = (
        "folder/.dnaf-tmp-a.csv-12345678",
        "folder/step/.dnaf-tmp-b-1234567_",
        ".dnaf-tmp-file.zip-abcdefgh",
        ".dnaf-tmp-file.zip.sha256-abcdefgh",
    )
    others = (
        ".dnaf-tmp-file-abcdefgh",
        ".dnaf-tmp-file.zip.old-abcdefgh",
        ".dnaf-tmp-file.zip.lock",
        "folder/step/kept",
    )
    for name in (*own, *others):
        (tmp_path / name).write_bytes(b"")
    files.remove_leftovers(folder)
    files.remove_leftovers(file)
    assert {name for name in (*own, *others) if (tmp_path / name).exists()} == set(others)


@pytest.mark.parametrize("name", ["a.zip", "b" * 255, "ü" * 127])
def test_a_writer_s_temporary_file_is_known_by_the_name_of_what_it_writes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with files.atomic_file(path) as file:
        (left,) = tmp_path.iterdir()
        file.write(NEW)
    assert path.read_bytes() == NEW
    left.write_bytes(b"half")
    files.remove_leftovers(path)
    assert _entries(tmp_path) == [name]


def test_a_folder_that_cannot_be_replaced_stays_whole(
    complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def failing(source: Path, target: Path) -> None:
        if target == complete and not failed:
            failed.append(target)
            raise OSError(errno.ENOSPC, "full")
        replace(source, target)

    failed: list[Path] = []
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(ResourceError), files.atomic_folder(complete) as folder:
        files.write_manifest(folder, {"count": 3})
    assert failed
    assert files.require_complete(complete) == {"count": 2}
    assert _entries(complete.parent) == ["folder"]


def test_too_little_space_is_told_before_work_starts(tmp_path: Path) -> None:
    files.require_space(tmp_path / "not/yet/there", 1)
    with pytest.raises(ResourceError, match="not enough disk space"):
        files.require_space(tmp_path, 10**18)


def test_sizes_that_are_close_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, needed, told in (
        (100_000, 400_000, "found 100.0 KB free, expected 400.0 KB"),
        (399_990, 400_000, "found 399,990 bytes free, expected 400,000 bytes"),
        (7, 8, "found 7 bytes free, expected 8 bytes"),
        (2_000_000, 3_400_000_000, "found 0.0 GB free, expected 3.4 GB"),
    ):
        monkeypatch.setattr(files, "free_space", lambda folder, free=free: free)
        with pytest.raises(ResourceError, match=re.escape(told)):
            files.require_space(tmp_path, needed)


def test_without_a_home_the_variable_to_set_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container whose user id is in no passwd; and where the home folder is not the user's."""
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "DNAF_SCRATCH"):
        monkeypatch.delenv(name, raising=False)

    def unknown(*arguments: object) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    with pytest.raises(ResourceError, match=r"^DNAF_SCRATCH: no folder .* Set DNAF_SCRATCH to a folder"):
        files.scratch_folder("train", "key")
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(ResourceError, match=r"could not be created .*Set DNAF_SCRATCH to a folder"):
        files.scratch_folder("train", "key")


@pytest.mark.parametrize("content", ["[]", "{}", '{"files": {}}', '{"files": {"a": 1}, "info": {}}', "{"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / files.MANIFEST).write_text(content)
    with pytest.raises(StateError, match=files.MANIFEST):
        files.require_complete(tmp_path)


def test_a_bit_of_the_manifest_itself_is_not_read_silently(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    files.write_manifest(tmp_path, {"size": [64, 48], "name": "demo", "lr": 0.004})
    path = tmp_path / files.MANIFEST
    whole = path.read_bytes()
    info = files.require_complete(tmp_path)
    num_refused = 0
    for index in range(len(whole)):
        data = bytearray(whole)
        data[index] ^= 1 << index % 8
        path.write_bytes(data)
        try:
            assert files.require_complete(tmp_path) == info  # a space between two values
        except StateError:
            num_refused += 1
    assert num_refused > 0.7 * len(whole)


def test_some_files_of_a_folder_are_checked_where_it_has_a_manifest(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    paths = [tmp_path / "a.txt"]
    digests = files.require_intact(tmp_path, paths)
    assert list(digests) == ["a.txt"]
    files.write_manifest(tmp_path)
    assert files.require_intact(tmp_path, paths) == digests
    (tmp_path / "b.txt").write_text("not read")
    (tmp_path / "c.txt").write_text("new")
    assert files.require_intact(tmp_path, paths) == digests
    with pytest.raises(StateError, match=r"c\.txt: is not in the manifest\.json\. Fetch it\."):
        files.require_intact(tmp_path, [tmp_path / "c.txt"], "Fetch it.")
    (tmp_path / "a.txt").write_text("A.txt")
    with pytest.raises(StateError, match=r"a\.txt: content differs from its manifest\.json"):
        files.require_intact(tmp_path, paths)


class Killed(BaseException):
    """Stands for a kill, which nothing catches."""


def test_resume_state_is_removed_whole_or_not_at_all(tmp_path: Path) -> None:
    def die() -> None:
        raise Killed

    for at in (1, 2):
        folder = tmp_path / f"run-{at}"
        (folder / "samples").mkdir(parents=True)
        for name in (".lock", "samples/1.png", "state.json"):
            (folder / name).write_bytes(b"1")
        before = files_below(folder)
        with pytest.raises(Killed), Faults(at, die).installed():
            files.remove_folder(folder)
        assert files_below(folder) == (before if at == 1 else set())
    files.remove_folder(tmp_path / "run-1")
    files.remove_folder(tmp_path / "never there")
    assert list(tmp_path.iterdir()) == []


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["pipe", "folder", "nothing"])
def test_only_a_regular_file_is_opened_and_nobody_waits_for_a_pipe(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.txt"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(OSError) as error:  # noqa: PT011 (what it says is below)
        files.read_bytes(path)
    assert error.value.strerror
    assert error.value.filename == str(path)
