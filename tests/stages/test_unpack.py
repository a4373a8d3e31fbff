"""The stage unpack: what it writes from archive and folder, and what it says of bad input."""

import os
import pty
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyzipper
from ruamel.yaml import YAML

from dnaf.core import images, locks
from dnaf.core.config import Params
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.formats import deepfashion, market1501
from dnaf.data.formats.names import stem
from dnaf.data.store import ImageStore
from tests.helpers.custom_folder import SIZES, write_custom
from tests.helpers.market_folder import JUNK
from tests.helpers.messages import error_of

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 48)
PATHS = [f"WOMEN/Dresses/id_0000000{item}/01_{view}.jpg" for item in (1, 2) for view in ("1_front", "3_back")]
NAMES = [deepfashion.flat_name(path) for path in PATHS]
JPEGS = {
    path: images.encode_jpeg(np.random.default_rng(index).integers(0, 256, (110, 75, 3), dtype=np.uint8))
    for index, path in enumerate(PATHS)
}


def _write_archive(raw: Path, members: dict[str, bytes], password: str = "secret") -> None:
    write_encrypted_zip(raw / "img_highres.zip", members, password.encode(), np.random.default_rng(0))


def _members(folder: str = "img_highres") -> dict[str, bytes]:
    return {f"{folder}/{path}": data for path, data in JPEGS.items()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    raw = tmp_path / "data/raw/mini"
    raw.mkdir(parents=True)
    (raw / "train.lst").write_text("".join(f"{name}\n" for name in NAMES[:2]))
    (raw / "test.lst").write_text("".join(f"{name}\n" for name in NAMES[2:]))
    parameters = Params().model_dump()
    for name, format_name in (("mini", "deepfashion"), ("market", "market1501"), ("mine", "custom")):
        parameters["datasets"][name] = {
            "format": format_name,
            "height": SIZE[0],
            "width": SIZE[1],
            "max_test_pairs": 100,
        }
    with open(tmp_path / "params.yaml", "w") as file:
        YAML().dump(parameters, file)
    _write_archive(raw, _members())
    return tmp_path


def run_unpack(
    project: Path, password: str | None = "secret", dataset: str = "mini"
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "",
        "NO_COLOR": "1",
        "DNAF_SCRATCH": str(project / "scratch"),
    }
    if password is not None:
        environment["DNAF_ARCHIVE_PASSWORD"] = password
    return subprocess.run(
        [sys.executable, "-m", "stages.unpack", dataset],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def _check_stores(project: Path) -> None:
    native, prepared = (ImageStore(project / f"data/{name}.zip") for name in ("images", "prepared"))
    assert {name: native.read(name) for name in native.names} == dict(zip(NAMES, JPEGS.values(), strict=True))
    assert prepared.names == [f"{stem(name)}.png" for name in native.names]
    for name in native.names:
        expected = images.resize(images.decode(native.read(name), name), SIZE)
        assert np.array_equal(prepared.image(f"{stem(name)}.png"), expected)


@pytest.mark.parametrize("folder", ["img_highres", "img", "In-shop Clothes Retrieval Benchmark/Img/img"])
def test_originals_and_resized_images_are_written(project: Path, folder: str) -> None:
    extra = {
        f"{folder}/MEN/Denim/id_00000009/01_1_front.jpg": b"not listed, not looked at",
        "notes.txt": b"x",
    }
    _write_archive(project / "data/raw/mini", {**_members(folder), **extra})
    finished = run_unpack(project)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == (
        f"4 images → data/images.zip, resized to {SIZE[0]}x{SIZE[1]} → data/prepared.zip; "
        "2 other files there were not taken\n"
    )
    assert ImageStore(project / "data/images.zip").info["num_ignored"] == 2
    _check_stores(project)


@pytest.mark.parametrize("folder", ["img", "img_highres", "Img/img_highres", "."])
def test_an_unpacked_folder_does_as_well(project: Path, folder: str) -> None:
    raw = project / "data/raw/mini"
    (raw / "img_highres.zip").unlink()
    (raw / "MEN").mkdir()  # empty here; beside WOMEN it says that the folder is the root
    for name, data in _members(folder).items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(data)
    finished = run_unpack(project, password=None)
    assert finished.returncode == 0, finished.stderr
    _check_stores(project)


def test_renamed_files_in_two_folders_do_as_well(project: Path) -> None:
    raw = project / "data/raw/mini"
    (raw / "img_highres.zip").unlink()
    for folder in ("train_highres", "test_highres"):
        (raw / folder).mkdir()
    for index, (name, data) in enumerate(zip(NAMES, JPEGS.values(), strict=True)):
        (raw / ("test_highres" if index > 1 else "train_highres") / name).write_bytes(data)
    finished = run_unpack(project, password=None)
    assert finished.returncode == 0, finished.stderr
    _check_stores(project)


def test_an_aes_archive_does_as_well(project: Path) -> None:
    path = project / "data/raw/mini/img_highres.zip"
    with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"secret")
        for name, data in _members().items():
            archive.writestr(name, data)
    finished = run_unpack(project)
    assert finished.returncode == 0, finished.stderr
    _check_stores(project)


@pytest.mark.parametrize("renamed", [False, True])
def test_market_images_are_taken_without_junk(project: Path, renamed: bool) -> None:
    splits = {"train": ["0002_c1s1_000451_03.jpg"], "test": ["0001_c1s1_001051_00.jpg"]}
    raw = project / "data/raw/market"
    for split, names in splits.items():
        folder = raw / (split if renamed else f"Market-1501-v15.09.15/bounding_box_{split}")
        folder.mkdir(parents=True)
        for name in [*names, *JUNK, "Thumbs.db"]:
            (folder / name).write_bytes(next(iter(JPEGS.values())))
    finished = run_unpack(project, dataset="market")
    assert finished.returncode == 0, finished.stderr
    store = ImageStore(project / "data/images.zip")
    assert sorted(store.names) == splits["test"] + splits["train"]
    assert store.info["splits"] == splits
    left_out = {tuple(row) for row in store.info["left_out"]}
    assert left_out == {(name, split, market1501.JUNK) for split in splits for name in JUNK}
    assert finished.stdout.startswith("2 images → ")
    assert "; 4 other files" in finished.stdout  # without Thumbs.db and the like


def test_images_of_a_custom_data_set_are_known_by_their_path(project: Path) -> None:
    write_custom(project / "data/raw/mine")
    finished = run_unpack(project, dataset="mine")
    assert finished.returncode == 0, finished.stderr
    assert set(ImageStore(project / "data/images.zip").names) == set(SIZES)
    assert "ben/1.png" in ImageStore(project / "data/prepared.zip").names


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "xztar"])
def test_images_may_be_packed_in_any_archive(project: Path, form: str) -> None:
    raw = project / "data/raw/mine"
    write_custom(raw)
    shutil.make_archive(str(raw / "images"), form, raw, "images")
    shutil.rmtree(raw / "images")
    finished = run_unpack(project, dataset="mine")
    assert finished.returncode == 0, finished.stderr
    assert set(ImageStore(project / "data/images.zip").names) == set(SIZES)


def test_a_7z_archive_of_images_is_told_and_not_called_missing(project: Path) -> None:
    raw = project / "data/raw/mine"
    write_custom(raw)
    shutil.rmtree(raw / "images")
    (raw / "images.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    _check_refusal(project, run_unpack(project, dataset="mine"), "images.7z: not a readable zip archive")


def test_two_custom_images_of_one_name_are_refused(project: Path) -> None:
    write_custom(project / "data/raw/mine")
    (project / "data/raw/mine/images/anna/FRONT.png").write_bytes(b"x")
    finished = run_unpack(project, dataset="mine")
    assert finished.returncode == 2
    assert "two images with one name" in finished.stderr


def test_the_published_name_wants_the_published_lists(project: Path) -> None:
    (project / "data/raw/mini").rename(project / "data/raw/deepfashion")
    finished = run_unpack(project, dataset="deepfashion")
    _check_refusal(
        project, finished, "not the images of the train split of deepfashion (found 2, expected 48"
    )


def test_all_damaged_images_are_told_at_once(project: Path) -> None:
    members = _members()
    for path in PATHS[1:3]:
        members[f"img_highres/{path}"] = JPEGS[path][:1000]
    _write_archive(project / "data/raw/mini", members)
    finished = run_unpack(project)
    _check_refusal(project, finished, f"2 images cannot be used: {NAMES[1]}: not a readable")
    assert f"| {NAMES[2]}: not a readable" in finished.stderr


def test_the_same_archive_gives_the_same_bytes(project: Path) -> None:
    run_unpack(project)
    first = {path.name: path.read_bytes() for path in (project / "data").glob("*.zip")}
    run_unpack(project)
    assert {path.name: path.read_bytes() for path in (project / "data").glob("*.zip")} == first
    assert sorted(first) == ["images.zip", "prepared.zip"]


def truncate_archive(raw: Path) -> None:
    path = raw / "img_highres.zip"
    path.write_bytes(path.read_bytes()[:-500])


def replace_by_download_page(raw: Path) -> None:
    (raw / "img_highres.zip").write_text("<!DOCTYPE html><html>Too many users have viewed this file")


def damage_image(raw: Path) -> None:
    members = _members()
    members[f"img_highres/{PATHS[2]}"] = JPEGS[PATHS[2]][:1000]
    _write_archive(raw, members)


def damage_member(raw: Path) -> None:
    path = raw / "img_highres.zip"
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)


def remove_image(raw: Path) -> None:
    members = _members()
    del members[f"img_highres/{PATHS[1]}"]
    _write_archive(raw, members)


def replace_by_padded_images(raw: Path) -> None:
    padded = images.encode_jpeg(np.zeros((256, 256, 3), np.uint8))
    _write_archive(raw, dict.fromkeys(_members(), padded))


def add_hostile_member(raw: Path) -> None:
    _write_archive(raw, {**_members(), "img_highres/../../evil.jpg": b"x"})


def repeat_image(raw: Path) -> None:
    _write_archive(raw, {**_members(), **_members("img")})


def list_image_in_both(raw: Path) -> None:
    (raw / "test.lst").write_text("".join(f"{name}\n" for name in NAMES[1:]))


def remove_archive_and_list(raw: Path) -> None:
    (raw / "img_highres.zip").unlink()
    (raw / "test.lst").unlink()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (truncate_archive, "img_highres.zip: not a readable zip archive (found a truncated zip"),
        (replace_by_download_page, "img_highres.zip: not a readable zip archive (found an HTML page"),
        (damage_image, f"1 images cannot be used: {NAMES[2]}: not a readable JPEG or PNG image"),
        (damage_member, f"img_highres.zip: damaged content (member img_highres/{PATHS[0]})"),
        (remove_image, f"mini: 1 of 4 listed images are missing (first: {PATHS[1]})"),
        (replace_by_padded_images, f"4 images cannot be used: {NAMES[0]}: an image of the small archive"),
        (add_hostile_member, "img_highres.zip: unsafe member name 'img_highres/../../evil.jpg'"),
        (repeat_image, "data/raw/mini: one image twice"),
        (list_image_in_both, "test.lst: images of train.lst are listed here too (found 1, first"),
        (
            remove_archive_and_list,
            "files are missing (expected img_highres.zip, test.lst). docs/data.md says which files belong "
            "there and where they come from; `uv run dvc pull` brings those that the project's remote has.",
        ),
    ],
)
def test_bad_input_stops_the_stage_with_one_sentence(
    project: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(project / "data/raw/mini")
    _check_refusal(project, run_unpack(project), sentence)


def _check_refusal(project: Path, finished: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert finished.returncode == 2
    assert sentence in error_of(finished.stderr)
    assert [path.name for path in (project / "data").iterdir()] == ["raw"]


@pytest.mark.parametrize(
    ("password", "problem"), [("wrong-password", "wrong password"), (None, "password needed")]
)
def test_wrong_and_missing_password_write_nothing(project: Path, password: str | None, problem: str) -> None:
    finished = run_unpack(project, password)
    _check_refusal(project, finished, f"img_highres.zip: {problem} (member img_highres/WOMEN/Dresses/")
    assert "Set DNAF_ARCHIVE_PASSWORD; nothing was written." in finished.stderr
    assert "wrong-password" not in finished.stdout + finished.stderr
    assert not (project / "scratch").exists()


def test_the_password_is_asked_for_at_a_terminal_and_written_nowhere(project: Path) -> None:
    password = "correct horse battery staple"
    _write_archive(project / "data/raw/mini", _members(), password)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project)
        path = {"PYTHONPATH": str(ROOT), "PATH": "", "DNAF_SCRATCH": str(project / "scratch")}
        os.execve(sys.executable, [sys.executable, "-m", "stages.unpack", "mini"], path)
    shown = _shown_until(terminal, b"(DNAF_ARCHIVE_PASSWORD): ")
    os.write(terminal, password.encode() + b"\n")
    shown += _shown_until(terminal, None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert b"Password of img_highres.zip" in shown
    assert password.encode() not in shown
    _check_stores(project)
    written = [path for path in project.rglob("*") if path.is_file()]
    assert not any(password.encode() in path.read_bytes() for path in written)


def _shown_until(terminal: int, end: bytes | None) -> bytes:
    """What a program shows, up to `end` or to its end."""
    shown = b""
    while end is None or end not in shown:
        try:
            shown += os.read(terminal, 1000)
        except OSError:  # how Linux says that nobody writes there any more
            break
    return shown


def test_a_second_run_is_refused_and_leaves_the_first_ones_files(project: Path) -> None:
    unfinished = project / "data/.dnaf-tmp-images.zip-4f8s_x1q"
    unfinished.write_text("half a store")
    with locks.locked(project / "data/images.zip"):
        finished = run_unpack(project)
    assert finished.returncode == 2
    assert f"another run is writing here (PID {os.getpid()} on" in finished.stderr
    assert unfinished.exists()
    assert run_unpack(project).returncode == 0
    assert not unfinished.exists()


def _scratch_folders(project: Path) -> list[Path]:
    """Where the stage works: found by letting it fail at a damaged image."""
    damage_image(project / "data/raw/mini")
    run_unpack(project)
    _write_archive(project / "data/raw/mini", _members())
    return list((project / "scratch/unpack").iterdir())


def test_a_failed_run_leaves_the_stores_of_the_last_one(project: Path) -> None:
    run_unpack(project)
    before = {path.name: path.read_bytes() for path in (project / "data").glob("*.zip")}
    damage_image(project / "data/raw/mini")
    assert run_unpack(project).returncode == 2
    assert {path.name: path.read_bytes() for path in (project / "data").glob("*.zip")} == before


def test_in_a_temporary_workspace_of_dvc_the_remedy_is_dvc_add(project: Path) -> None:
    workspace = project / ".dvc/tmp/exps/tmp1"
    (workspace / "data/raw/mini").mkdir(parents=True)
    (workspace / "params.yaml").write_text((project / "params.yaml").read_text())
    finished = run_unpack(workspace)
    expected = [f"data/raw/mini/{name}" for name in ("img_highres.zip", "train.lst", "test.lst")]
    assert finished.returncode == 2
    assert f"`uv run dvc add {' '.join(expected)}`" in finished.stderr


def test_archives_of_the_demo_need_no_environment(project: Path) -> None:
    (project / "data/raw/mini").rename(project / "data/raw/demo")
    _write_archive(project / "data/raw/demo", _members(), password="demo")
    finished = subprocess.run(
        [sys.executable, "-m", "stages.unpack", "demo"],
        cwd=project,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "DNAF_SCRATCH": str(project / "scratch")},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    with zipfile.ZipFile(project / "data/images.zip") as archive:
        assert len(archive.namelist()) == 5
