"""What holds for every container: the same content, the same refusals, whatever it is packed in."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import pyzipper

from dnaf.core.errors import DataError
from dnaf.data.archives import checks
from dnaf.data.archives import zip as zip_archive
from dnaf.data.archives.open import open_archive
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from tests.helpers.rar_writer import write_rar

MEMBERS = {
    "pose/MEN/Denim/id_00000001/01_1_front.txt": b"1 2\n" * 18,
    "pose/WOMEN/Dresses/id_00000002/01_1_front.txt": b"3 4\n" * 18,
    "pose/empty.txt": b"",
}
Writer = Callable[[Path, Mapping[str, bytes]], None]


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def write_aes(path: Path, members: Mapping[str, bytes], password: str = "right") -> None:
    with pyzipper.AESZipFile(
        path, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(password.encode())
        for name, data in members.items():
            archive.writestr(name, data)


def write_tar(path: Path, members: Mapping[str, bytes], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name.removesuffix("/"))
            info.size = len(data)
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
            archive.addfile(info, io.BytesIO(data))


def write_tar_gz(path: Path, members: Mapping[str, bytes]) -> None:
    write_tar(path, members, "w:gz")


def write_folder(path: Path, members: Mapping[str, bytes]) -> None:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


has_rar = pytest.mark.skipif(find_spec("unrar") is None, reason="the optional extra `rar` is not installed")
RAR = pytest.param(write_rar, marks=has_rar)
ARCHIVES = [write_zip, write_aes, write_tar, write_tar_gz, RAR]
EVERY = [*ARCHIVES, write_folder]


def read(path: Path, password: str | None = "right") -> dict[str, bytes]:
    with open_archive(path) as archive:
        return dict(archive.read(archive.names, password))


@pytest.mark.parametrize("write", EVERY)
def test_content_is_the_same_whatever_it_is_packed_in(tmp_path: Path, write: Writer) -> None:
    write(tmp_path / "data", MEMBERS)
    assert read(tmp_path / "data") == MEMBERS
    with open_archive(tmp_path / "data") as archive:
        assert sorted(archive.names) == sorted(MEMBERS)
        assert {name: archive.size(name) for name in archive.names} == {
            name: len(data) for name, data in MEMBERS.items()
        }
        wanted = archive.names[1]
        assert [name for name, _ in archive.read([wanted], "right")] == [wanted]


@pytest.mark.parametrize("write", [write_tar, RAR])
def test_folders_are_no_members(tmp_path: Path, write: Writer) -> None:
    write(tmp_path / "data", {"pose/": b"", **MEMBERS})
    assert read(tmp_path / "data") == MEMBERS


@pytest.mark.parametrize("write", ARCHIVES)
@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "a/../../evil.txt"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, write: Writer, name: str) -> None:
    write(tmp_path / "data", {name: b"x"})
    with pytest.raises(DataError, match="unsafe member name"):
        read(tmp_path / "data")


@pytest.mark.parametrize("write", ARCHIVES)
def test_names_that_meet_in_one_file_are_refused(tmp_path: Path, write: Writer) -> None:
    write(tmp_path / "data", {"a/b.txt": b"1", "A/b.txt": b"2"})
    with pytest.raises(DataError, match="two members meet in one file"):
        read(tmp_path / "data")


@pytest.mark.parametrize("write", EVERY)
@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_MEMBERS", 2), ("MAX_MEMBER_BYTES", 70), ("MAX_TOTAL_BYTES", 100)]
)
def test_limits_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Writer, limit: str, value: int
) -> None:
    monkeypatch.setattr(checks, limit, value)
    write(tmp_path / "data", MEMBERS)
    with pytest.raises(DataError, match=r"too (many|large)"):
        read(tmp_path / "data")


def test_a_damaged_header_in_a_tar_is_not_its_end(tmp_path: Path) -> None:
    write_tar(tmp_path / "data", MEMBERS)
    data = bytearray((tmp_path / "data").read_bytes())
    data[1024 + 5] ^= 1  # of the second name
    (tmp_path / "data").write_bytes(data)
    with pytest.raises(DataError, match=r"damaged or truncated tar archive .it does not end as a tar does"):
        read(tmp_path / "data")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("evil.txt")
    info.type, info.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "data", "w") as archive:
        archive.addfile(info)
    with pytest.raises(DataError, match=r"evil\.txt: a link or device"):
        read(tmp_path / "data")


@pytest.mark.parametrize(("limit", "value"), [("MAX_MEMBERS", 1), ("MAX_TOTAL_BYTES", 100)])
def test_a_tar_is_read_no_further_than_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    write_tar(tmp_path / "data", MEMBERS)
    data = (tmp_path / "data").read_bytes()
    (tmp_path / "data").write_bytes(data[: 2 * 1024 + 300])  # its last header is cut
    with pytest.raises(DataError, match="truncated"):
        read(tmp_path / "data")
    monkeypatch.setattr(checks, limit, value)
    with pytest.raises(DataError, match=r"data: too (many|large)"):
        read(tmp_path / "data")


@has_rar
def test_links_in_a_rar_are_refused(tmp_path: Path) -> None:
    write_rar(tmp_path / "data", {"evil.txt": b""}, link=True)
    with pytest.raises(DataError, match=r"evil\.txt: a link"):
        read(tmp_path / "data")


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "nowhere"])
def test_links_in_a_folder_are_refused(tmp_path: Path, target: str) -> None:
    write_folder(tmp_path / "data", MEMBERS)
    (tmp_path / "data/pose/link").symlink_to(target)
    with pytest.raises(DataError, match="link: a link or device"):
        read(tmp_path / "data")


def test_a_link_that_takes_a_files_place_after_the_check_is_not_followed(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", MEMBERS)
    with open_archive(tmp_path / "data") as archive:
        (tmp_path / "data" / archive.names[0]).unlink()
        os.symlink("/etc/passwd", tmp_path / "data" / archive.names[0])
        with pytest.raises(DataError, match="could not be read"):
            list(archive.read(archive.names))


@pytest.mark.parametrize("write", [write_tar, write_tar_gz, RAR])
def test_what_is_cut_short_is_refused_or_gives_whole_members_only(tmp_path: Path, write: Writer) -> None:
    members = {name: data * 50 for name, data in MEMBERS.items()}
    write(tmp_path / "data", members)
    data = (tmp_path / "data").read_bytes()
    refusals = []
    end = len(data.rstrip(b"\0"))  # a tar is filled up with zeros
    for position in range(end // 4, end, max(1, end // 50)):
        (tmp_path / "data").write_bytes(data[:position])
        found: dict[str, bytes] = {}
        try:
            found = read(tmp_path / "data")
        except DataError as error:
            refusals.append(str(error))
        # A RAR that is cut between two members cannot be told from one that ends there.
        assert found.items() <= members.items()
    assert len(refusals) > 25
    assert all(message.startswith(str(tmp_path / "data")) for message in refusals)


@pytest.mark.parametrize("write", [write_aes])
def test_wrong_and_missing_passwords_yield_nothing(tmp_path: Path, write: Writer) -> None:
    write(tmp_path / "data", MEMBERS)
    for password, problem in (("wrong", "wrong password"), (None, "password needed")):
        with open_archive(tmp_path / "data") as archive:
            assert archive.is_encrypted
            with pytest.raises(DataError, match=problem):
                next(archive.read(archive.names, password))


def test_a_damaged_aes_member_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    members = {f"{index}.jpg": rng.bytes(500 + index) for index in range(5)}
    write_aes(tmp_path / "a.zip", members)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    position = data.index(b"4.jpg") + 200
    data[position] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match=r"damaged content \(member 4\.jpg\)"):
        read(tmp_path / "a.zip")


def test_an_aes_member_whose_flag_says_that_it_is_not_encrypted_is_refused(tmp_path: Path) -> None:
    write_aes(tmp_path / "a.zip", MEMBERS)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] &= 0xFE
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="encrypted by its method but not by its flag"):
        read(tmp_path / "a.zip")


@pytest.mark.skipif(zip_archive._STREAMER is None, reason="7-Zip is not installed")
class TestStreaming:
    """Large encrypted archives are decrypted by 7-Zip, with the same result as without it."""

    MEMBERS: ClassVar = {
        f"img/{index:04d}.jpg": np.random.default_rng(index).bytes(50 + index % 7) for index in range(900)
    }

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        write_encrypted_zip(tmp_path / "a.zip", self.MEMBERS, b"right", np.random.default_rng(0))
        return tmp_path / "a.zip"

    def test_members_are_the_same_and_the_program_is_used(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert list(read(path).items()) == list(self.MEMBERS.items())
        monkeypatch.setattr(zip_archive.zipcrypto, "decrypt", _decrypt_no_more_than(3))
        assert read(path) == self.MEMBERS  # only the members that the password is tried on

    @pytest.mark.parametrize("start", [0, 150, 300])
    def test_a_part_of_the_members_is_given_in_order(self, path: Path, start: int) -> None:
        wanted = list(self.MEMBERS)[start : start + 600][::-1]
        with open_archive(path) as archive:
            assert [name for name, _ in archive.read(wanted, "right")] == sorted(wanted)

    def test_damage_is_told_as_without_it(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[data.index(b"img/0700.jpg") + 40] ^= 1
        path.write_bytes(data)
        with open_archive(path) as archive:
            contents = archive.read(archive.names, "right")
            assert [next(contents)[0] for _ in range(700)] == sorted(self.MEMBERS)[:700]
            with pytest.raises(DataError, match=r"damaged content \(member img/0700\.jpg\)"):
                list(contents)

    def test_a_program_that_fails_is_done_without(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zip_archive, "_STREAMER", shutil.which("false"))
        assert read(path) == self.MEMBERS

    def test_the_password_is_in_no_argument(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        started: list[list[str]] = []

        class Recorder(subprocess.Popen[bytes]):
            def __init__(self, command: list[str], **options: object) -> None:
                started.append(command)
                super().__init__(command, **options)  # type: ignore[call-overload]

        monkeypatch.setattr(zip_archive.subprocess, "Popen", Recorder)
        assert read(path) == self.MEMBERS
        assert len(started) == 1
        assert not any("right" in argument for argument in started[0])


def _decrypt_no_more_than(limit: int) -> Callable[[list[bytes], bytes], list[bytes]]:
    decrypt = zip_archive.zipcrypto.decrypt

    def limited(payloads: list[bytes], password: bytes) -> list[bytes]:
        assert len(payloads) <= limit
        return decrypt(payloads, password)

    return limited


def test_without_anything_to_read_rar_the_remedy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "unrar.cffi", None)
    write_rar(tmp_path / "pose.rar", MEMBERS)
    with pytest.raises(DataError, match="`uv sync --extra rar`"):
        read(tmp_path / "pose.rar")
