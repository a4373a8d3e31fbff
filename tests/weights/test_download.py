"""Downloads from a server on loopback; nothing here needs the network."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnaf.core.errors import DataError, ResourceError
from dnaf.weights.download import download
from tests.helpers.file_server import FileServer, serving

CONTENT = bytes(range(256)) * 10_000 + b"an uneven end"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        server.files["/net.pth"] = CONTENT
        yield server


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def break_off(server: FileServer, path: Path, after: int) -> None:
    """Leaves the first bytes of a download behind."""
    server.breaks_after = after
    with pytest.raises(
        ResourceError, match=r"connection broke .*Run the command again: it goes on from there"
    ):
        download(f"{server.address}/net.pth", path, SHA256)
    server.breaks_after = None
    assert names(path.parent) == ["net.pth.part", "net.pth.part.json"]
    server.num_bytes_sent = 0


@pytest.mark.parametrize("digest", [SHA256[:8], SHA256, None])
def test_a_download_is_whole_and_gives_its_digest(
    tmp_path: Path, server: FileServer, digest: str | None
) -> None:
    path = tmp_path / "checkpoints/net.pth"
    assert download(f"{server.address}/net.pth", path, digest) == SHA256
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["net.pth"]
    assert server.requests == [("/net.pth", None)]


def test_an_interrupted_download_goes_on_and_fetches_only_the_rest(
    tmp_path: Path, server: FileServer
) -> None:
    path = tmp_path / "net.pth"
    break_off(server, path, 1_500_000)
    assert download(f"{server.address}/net.pth", path, SHA256[:8]) == SHA256
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["net.pth"]
    assert server.requests == [("/net.pth", None), ("/net.pth", 1_500_000)]
    assert server.num_bytes_sent == len(CONTENT) - 1_500_000


@given(st.lists(st.integers(1, len(CONTENT) // 4), max_size=3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_often_and_wherever_it_breaks_each_byte_is_fetched_once(
    tmp_path: Path, server: FileServer, pieces: list[int]
) -> None:
    path = tmp_path / "net.pth"
    path.unlink(missing_ok=True)
    server.num_bytes_sent = 0
    for server.breaks_after in pieces:
        with pytest.raises(ResourceError, match="connection broke"):
            download(f"{server.address}/net.pth", path, SHA256)
    server.breaks_after = None
    download(f"{server.address}/net.pth", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.num_bytes_sent == len(CONTENT)


def test_a_complete_partial_file_of_a_killed_run_is_not_fetched_again(
    tmp_path: Path, server: FileServer
) -> None:
    path = tmp_path / "net.pth"
    break_off(server, path, 1000)
    (tmp_path / "net.pth.part").write_bytes(CONTENT)
    assert download(f"{server.address}/net.pth", path, SHA256) == SHA256
    assert server.num_bytes_sent == 0


def test_a_server_that_ignores_ranges_starts_over(tmp_path: Path, server: FileServer) -> None:
    path = tmp_path / "net.pth"
    break_off(server, path, 1_500_000)
    server.supports_range = False
    assert download(f"{server.address}/net.pth", path, SHA256[:8]) == SHA256
    assert path.read_bytes() == CONTENT
    assert server.num_bytes_sent == len(CONTENT)


def test_a_file_that_changed_meanwhile_starts_over_even_without_a_known_digest(
    tmp_path: Path, server: FileServer
) -> None:
    path = tmp_path / "net.pth"
    break_off(server, path, 1_500_000)
    other = CONTENT[::-1]
    server.files["/net.pth"] = other
    assert download(f"{server.address}/net.pth", path, None) == hashlib.sha256(other).hexdigest()
    assert path.read_bytes() == other


def test_without_a_version_from_the_server_it_starts_over(tmp_path: Path, server: FileServer) -> None:
    path = tmp_path / "net.pth"
    server.sends_tag = False
    break_off(server, path, 1_500_000)
    download(f"{server.address}/net.pth", path, None)
    assert path.read_bytes() == CONTENT
    assert server.requests[-1] == ("/net.pth", None)


def test_a_partial_file_of_unknown_origin_is_not_gone_on_with(tmp_path: Path, server: FileServer) -> None:
    path = tmp_path / "net.pth"
    (tmp_path / "net.pth.part").write_bytes(b"of another tool")
    assert download(f"{server.address}/net.pth", path, SHA256) == SHA256
    assert names(tmp_path) == ["net.pth"]


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, server: FileServer) -> None:
    with pytest.raises(
        DataError, match=rf"not the expected file \(found sha256 {SHA256[:16]}…, expected 00…"
    ):
        download(f"{server.address}/net.pth", tmp_path / "net.pth", "00")
    assert names(tmp_path) == []


def test_a_file_the_server_does_not_have_leaves_nothing(tmp_path: Path, server: FileServer) -> None:
    with pytest.raises(
        ResourceError, match=r"other\.pth: .*found status 404 Not Found.*put it at .*net\.pth"
    ):
        download(f"{server.address}/other.pth", tmp_path / "net.pth", SHA256)
    assert names(tmp_path) == []


def test_no_connection_is_said_and_keeps_what_came(tmp_path: Path, server: FileServer) -> None:
    path = tmp_path / "net.pth"
    break_off(server, path, 1000)
    with serving() as closed:
        address = closed.address
    with pytest.raises(ResourceError, match=r"net\.pth: no connection .*Connection refused"):
        download(f"{address}/net.pth", path, SHA256)
    assert (tmp_path / "net.pth.part").read_bytes() == CONTENT[:1000]


def test_a_server_that_tells_no_length_is_refused(tmp_path: Path, server: FileServer) -> None:
    server.sends_length = False
    with pytest.raises(ResourceError, match="gives no length"):
        download(f"{server.address}/net.pth", tmp_path / "net.pth", SHA256)
    assert names(tmp_path) == []


def test_a_file_larger_than_the_disk_is_refused_before_its_first_byte(
    tmp_path: Path, server: FileServer
) -> None:
    server.announced_length = 10**18
    with pytest.raises(ResourceError, match=r"not enough disk space .*expected 1,000,000,000.0 GB"):
        download(f"{server.address}/net.pth", tmp_path / "net.pth", SHA256)
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_is_said_and_nothing_gets_the_final_name(
    tmp_path: Path, server: FileServer
) -> None:
    (tmp_path / "net.pth.part").symlink_to("/dev/full")
    with pytest.raises(
        ResourceError, match=r"net\.pth\.part: could not be written \(No space left on device\)"
    ):
        download(f"{server.address}/net.pth", tmp_path / "net.pth", SHA256)
    assert not (tmp_path / "net.pth").exists()
