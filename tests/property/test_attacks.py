"""Archives, lists and keypoint files that are damaged at random; see test_model_attacks.py too.

Each is read as it was, or refused with one sentence that names it. Where a format has no checksum, damage may
leave another valid content, and that is counted.
"""

import importlib.util
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyzipper

from dnaf.data.archives.open import open_archive
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.formats import deepfashion
from dnaf.data.formats.lists import read_list
from dnaf.data.keypoints.keypoint_files import read_keypoint_files
from dnaf.data.keypoints.pose_files import read_pose_txt
from dnaf.data.pairs import pairs
from tests.data.keypoints.test_keypoint_files import write_coco
from tests.helpers.attacks import COUNTS, NAMED, Attacked, attack
from tests.helpers.custom_folder import SIZES, WRITERS, keypoints
from tests.helpers.rar_writer import write_rar
from tests.helpers.raw_folder import FIGURE, HEADER, annotation_line, outfit_names, read_table

MEMBERS = {f"img/WOMEN/Dresses/id_0000000{n}/01_1_front.jpg": bytes(range(40)) * n for n in range(1, 5)}
NAMES = outfit_names(1, 2)
PATHS = [f"img/{deepfashion.image_path(name)}" for name in NAMES]
ARCHIVE = "images.zip"  # what an archive is, its content says


def write_zip_by(method: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with zipfile.ZipFile(folder / ARCHIVE, "w", method) as archive:
            for name, data in MEMBERS.items():
                archive.writestr(name, data)

    return write


def write_aes(folder: Path) -> None:
    with pyzipper.AESZipFile(folder / ARCHIVE, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"demo")
        for name, data in MEMBERS.items():
            archive.writestr(name, data)


def write_encrypted(folder: Path) -> None:
    write_encrypted_zip(folder / ARCHIVE, MEMBERS, b"demo", np.random.default_rng(0))


def write_tar_by(mode: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with tarfile.open(folder / ARCHIVE, mode) as archive:  # type: ignore[call-overload]
            for name, data in MEMBERS.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    return write


def read_archive(folder: Path) -> dict[str, bytes]:
    with open_archive(folder / ARCHIVE) as archive:
        return {name: bytes(data) for name, data in archive.read(archive.names, "demo")}


def check_empty(found: object) -> None:
    """There may be an empty folder in the archive's place, in which all listed images are missing then."""
    assert found == {}


def archive(write: Callable[[Path], object], has_checksums: bool = True) -> Attacked:
    return Attacked(write, read_archive, check_empty if has_checksums else lambda found: None)


@COUNTS
def test_archives(tmp_path: Path, count: int) -> None:
    kinds = {
        "zip": archive(write_zip_by(zipfile.ZIP_STORED)),
        "compressed zip": archive(write_zip_by(zipfile.ZIP_DEFLATED)),
        "encrypted zip": archive(write_encrypted),
        "AES zip": archive(write_aes),
        "tar": archive(write_tar_by("w"), has_checksums=False),
        "tar.gz": archive(write_tar_by("w:gz")),
    }
    if importlib.util.find_spec("unrar"):
        kinds["rar"] = archive(lambda folder: write_rar(folder / ARCHIVE, MEMBERS))
    outcomes = attack(kinds, count, 7, tmp_path)
    assert outcomes[NAMED] > count / 3


def file(
    name: str, content: bytes, read: Callable[[Path], object], check: Callable[[object], None]
) -> Attacked:
    return Attacked(lambda f: (f / name).write_bytes(content), lambda f: read(f / name), check)


def check_list(names: object) -> None:
    assert isinstance(names, list)
    assert len(set(names)) == len(names)
    assert all(deepfashion.flat_name(f"img/{deepfashion.image_path(name)}") == name for name in names)


def check_pairs(listed: object) -> None:
    assert isinstance(listed, list)
    assert len(set(listed)) == len(listed)
    assert all(source != target for source, target in listed)


def check_points(found: object) -> None:
    if found is None:
        return
    points = np.frombuffer(found[1] if isinstance(found, tuple) else bytes(found), float)  # type: ignore[call-overload]
    points = points.reshape(-1, 18, 2)
    assert (np.isnan(points[..., 0]) == np.isnan(points[..., 1])).all()
    assert not np.isinf(points).any()


@COUNTS
def test_lists(tmp_path: Path, count: int) -> None:
    def listed(path: Path) -> list[str]:
        return list(read_list(path, deepfashion.name_of))

    def paired(path: Path) -> list[tuple[str, str]]:
        return list(pairs.read_pair_list(path, deepfashion.name_of))

    def annotated(path: Path) -> tuple[tuple[str, ...], bytes]:
        found = read_table(path)
        assert found.keypoints.shape == (len(found.names), 18, 2)
        return tuple(found.names), found.keypoints.tobytes()

    def posed(path: Path) -> bytes | None:
        with open_archive(path.parent) as folder:
            for name, data in folder.read(folder.names):
                return read_pose_txt(data, path.parent / name, 40).tobytes()
        return None  # there is none, which split counts

    lines = [HEADER, *(annotation_line(name, FIGURE) for name in NAMES)]
    flat = f",from,to\n0,{NAMES[0]},{NAMES[1]}\n1,{NAMES[1]},{NAMES[0]}\n"
    kinds = {
        "list": file("train.lst", "\n".join(NAMES).encode(), listed, check_list),
        "pairs": file("a.txt", f"{','.join(PATHS[:3])}\n{','.join(PATHS[3:])}".encode(), paired, check_pairs),
        "table of pairs": file("pairs.csv", flat.encode(), paired, check_pairs),
        "annotations": file("a.csv", "\n".join(lines).encode(), annotated, check_points),
        "pose file": file(
            "pose.txt",
            "\n".join(f"{x:.18e} {y:.18e}" for x, y in FIGURE).encode(),
            posed,
            check_points,
        ),
    }
    outcomes = attack(kinds, count, 8, tmp_path)
    assert outcomes[NAMED] > count / 4


@COUNTS
def test_keypoint_files(tmp_path: Path, count: int) -> None:
    def read(folder: Path) -> tuple[tuple[str, ...], bytes]:
        found = read_keypoint_files(folder, SIZES)
        assert found.keypoints.shape == (len(found.names), 18, 2)
        return tuple(found.names), found.keypoints.tobytes()

    written: dict[str, Callable[[Path], object]] = {
        name: lambda folder, write=write: write(folder, keypoints()) for name, write in WRITERS.items()
    }
    kinds = {
        name: Attacked(write, read, check_points) for name, write in {**written, "coco": write_coco}.items()
    }
    outcomes = attack(kinds, count, 9, tmp_path)
    assert outcomes[NAMED] > count / 4
