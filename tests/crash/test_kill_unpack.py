"""Unpacking, killed at any moment and started again, ends with the bytes of an uninterrupted run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from dnaf.core import files, images
from dnaf.core.config import Params
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.formats import deepfashion

ROOT = Path(__file__).resolve().parents[2]
NUM_IMAGES = 12
STORES = ("images.zip", "prepared.zip")
# Three images a chunk, so that a run has four of them; kills itself in a system call that changes the disk.
CHILD = """
import errno, os, sys
from dnaf.data import prepare
from stages.unpack import main
from stages import _command
from tests.helpers.faults import Faults, kill
def fill_disk():
    raise OSError(errno.ENOSPC, "No space left on device")
prepare._CHUNK = 3
at, fail = int(sys.argv[1]), {"kill": kill, "full": fill_disk}[sys.argv[2]]
sys.argv = ["unpack", "mini"]
with Faults(at, fail).installed():
    _command.run(main)
"""


def write_project(root: Path) -> Path:
    raw = root / "data/raw/mini"
    raw.mkdir(parents=True)
    paths = [f"MEN/Denim/id_{index:08d}/01_1_front.jpg" for index in range(NUM_IMAGES)]
    names = [deepfashion.flat_name(path) for path in paths]
    (raw / "train.lst").write_text("".join(f"{name}\n" for name in names[:8]))
    (raw / "test.lst").write_text("".join(f"{name}\n" for name in names[8:]))
    rng = np.random.default_rng(0)
    members = {
        f"img_highres/{path}": images.encode_jpeg(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8))
        for path in paths
    }
    write_encrypted_zip(raw / "img_highres.zip", members, b"secret", rng)
    params = Params().model_dump()
    params["datasets"]["mini"] = {
        "format": "deepfashion",
        "height": 64,
        "width": 48,
        "max_test_pairs": 9,
    }
    with open(root / "params.yaml", "w") as file:
        YAML().dump(params, file)
    return root


def run(project: Path, fail_at: int = 0, how: str = "kill") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(fail_at), how],
        cwd=project,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DNAF_SCRATCH": str(project / "scratch"),
            "DNAF_ARCHIVE_PASSWORD": "secret",
        },
        capture_output=True,
        text=True,
    )


def digests(project: Path) -> dict[str, str]:
    return {name: files.digest(project / "data" / name) for name in STORES}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    project = write_project(tmp_path_factory.mktemp("uninterrupted"))
    finished = run(project)
    assert finished.returncode == 0, finished.stderr
    return digests(project)


def check_kill(project: Path, uninterrupted: dict[str, str], kill_at: int) -> bool:
    """Kills a run in its n-th system call and runs it again; returns whether it was killed at all."""
    first = run(project, kill_at)
    assert first.returncode in (0, -signal.SIGKILL), first.stderr
    if first.returncode:
        second = run(project)
        assert second.returncode == 0, second.stderr
    assert digests(project) == uninterrupted
    assert sorted(path.name for path in (project / "data").iterdir()) == [*STORES, "raw"]
    assert not list((project / "scratch/unpack").iterdir())
    return first.returncode != 0


@pytest.mark.parametrize("kill_at", [2, 30, 150, 300])
def test_killed_in_a_system_call_it_ends_with_the_same_bytes(
    tmp_path: Path, uninterrupted: dict[str, str], kill_at: int
) -> None:
    assert check_kill(write_project(tmp_path), uninterrupted, kill_at)


@pytest.mark.slow
def test_killed_in_every_system_call_it_ends_with_the_same_bytes(
    tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    kill_at = 1
    while check_kill(write_project(tmp_path / str(kill_at)), uninterrupted, kill_at):
        kill_at += 1
    assert kill_at > 300


@pytest.mark.parametrize("fail_at", [2, 30, 150, 300])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(
    tmp_path: Path, uninterrupted: dict[str, str], fail_at: int
) -> None:
    project = write_project(tmp_path)
    finished = run(project, fail_at, "full")
    assert finished.returncode == 2, finished.stderr
    assert "could not be written (No space left on device)" in finished.stderr
    assert "Traceback" not in finished.stderr
    written = {path.name for path in (project / "data").iterdir()} - {"raw"}
    assert {name: files.digest(project / "data" / name) for name in written}.items() <= uninterrupted.items()
    assert run(project).returncode == 0
    assert digests(project) == uninterrupted


def test_what_was_prepared_is_not_prepared_again(tmp_path: Path, uninterrupted: dict[str, str]) -> None:
    project = write_project(tmp_path)
    assert run(project, 150).returncode == -signal.SIGKILL
    chunks = sorted((project / "scratch").rglob("chunk-*.zip"))
    assert chunks
    before = [path.stat().st_ino for path in chunks]
    assert run(project, 60).returncode == -signal.SIGKILL
    assert [path.stat().st_ino for path in chunks] == before
    assert run(project).returncode == 0
    assert digests(project) == uninterrupted


def test_a_damaged_chunk_is_told_and_prepared_again(tmp_path: Path, uninterrupted: dict[str, str]) -> None:
    project = write_project(tmp_path)
    assert run(project, 150).returncode == -signal.SIGKILL
    chunk = min((project / "scratch").rglob("chunk-*.zip"))
    data = bytearray(chunk.read_bytes())
    data[200] ^= 1
    chunk.write_bytes(data)
    finished = run(project)
    assert finished.returncode == 0
    assert "damaged. This chunk is made again" in finished.stderr
    assert digests(project) == uninterrupted


def test_images_that_changed_since_are_prepared_anew(tmp_path: Path) -> None:
    project = write_project(tmp_path / "a")
    assert run(project, 150).returncode == -signal.SIGKILL
    rng = np.random.default_rng(9)
    raw = project / "data/raw/mini"
    paths = [f"MEN/Denim/id_{index:08d}/01_1_front.jpg" for index in range(NUM_IMAGES)]
    image = images.encode_jpeg(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8))
    write_encrypted_zip(
        raw / "img_highres.zip", {f"img_highres/{path}": image for path in paths}, b"secret", rng
    )
    assert run(project).returncode == 0
    fresh = write_project(tmp_path / "b")
    (fresh / "data/raw/mini/img_highres.zip").write_bytes((raw / "img_highres.zip").read_bytes())
    assert run(fresh).returncode == 0
    assert digests(project) == digests(fresh)
