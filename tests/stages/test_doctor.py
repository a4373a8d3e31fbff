"""The commands doctor and preview: what they say of complete, incomplete and wrong data."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from dnaf.core import images
from dnaf.core.config import Params
from dnaf.data.demo.encrypted_zip import write_encrypted_zip
from dnaf.data.formats import deepfashion
from tests.helpers import base_folders, custom_folder
from tests.helpers.messages import error_of
from tests.helpers.raw_folder import ROOT, figure, outfit_names, write_annotations

TRAIN, TEST = outfit_names(1, 2), outfit_names(50, 1)


def run(
    project: Path, stage: str, *arguments: str, password: str = "secret"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{stage}", *arguments],
        cwd=project,
        env={
            "PYTHONPATH": str(ROOT),
            "PATH": "",
            "COLUMNS": "200",
            "DNAF_ARCHIVE_PASSWORD": password,
            "DNAF_SCRATCH": str(project / "scratch"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    raw = tmp_path / "data/raw/mini"
    raw.mkdir(parents=True)
    params = Params().model_dump()
    params["dataset"] = "mini"
    params["model"]["base"] = params["train"]["init"] = None
    for name, format_name in (("mini", "deepfashion"), ("mine", "custom")):
        params["datasets"][name] = {"format": format_name, "height": 64, "width": 48, "max_test_pairs": 9}
    with open(tmp_path / "params.yaml", "w") as file:
        YAML().dump(params, file)
    image = images.encode_jpeg(np.full((64, 44, 3), 200, np.uint8))
    members = {f"img_highres/{deepfashion.image_path(name)}": image for name in TRAIN + TEST}
    write_encrypted_zip(raw / "img_highres.zip", members, b"secret", np.random.default_rng(0))
    for split, names in (("train", TRAIN), ("test", TEST)):
        (raw / f"{split}.lst").write_text("".join(f"{name}\n" for name in names))
        write_annotations(raw / f"fasion-resize-annotation-{split}.csv", names, [figure()] * len(names))
    return tmp_path


def test_complete_data_is_ready_and_counted(project: Path) -> None:
    paths = [f"img/{deepfashion.image_path(name)}" for name in TEST]
    lines = [",".join([path, *(other for other in paths if other != path)]) for path in paths]
    (project / "data/raw/mini/test_pairs.txt").write_text("\n".join(lines) + "\n")
    finished = run(project, "doctor")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "6 train, 3 test (in img_highres.zip)" in finished.stdout
    assert "fasion-resize-annotation-test.csv: 3 images, frame 256x176" in finished.stdout
    assert "opens img_highres.zip" in finished.stdout
    assert "test_pairs.txt: 6 pairs" in finished.stdout
    assert "mini is ready: `uv run dvc repro unpack split render`" in finished.stdout
    assert "GB free, 0.0 GB needed for images" in finished.stdout
    (absent,) = [line for line in finished.stdout.splitlines() if "not needed: " in line]
    assert absent.count("`_random`") == absent.count("published rule") == 1
    assert "weights inception_imagenet, weights inception_fid, " in absent
    assert "absent" not in finished.stdout
    assert not (project / "data/images.zip").exists()


def no_archive(raw: Path) -> None:
    (raw / "img_highres.zip").unlink()


def no_list(raw: Path) -> None:
    (raw / "test.lst").unlink()


def no_annotation(raw: Path) -> None:
    (raw / "fasion-resize-annotation-test.csv").unlink()


def broken_annotation(raw: Path) -> None:
    path = raw / "fasion-resize-annotation-test.csv"
    path.write_text(path.read_text().replace("[40,", "[NaN,", 1))


def broken_pair_list(raw: Path) -> None:
    (raw / "test_pairs.txt").write_text("img/a.jpg,img/b.jpg\n")


def unlisted(raw: Path) -> None:
    (raw / "test.lst").write_text("fashionMENDenimid0000000001_1front.jpg\n")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (no_archive, "expected img_highres.zip, or img_highres, or img, or Img, or WOMEN and MEN, or train"),
        (no_list, "list of images"),
        (no_annotation, "expected fasion-resize-annotation-test.csv, or pose, or pose.rar"),
        (broken_annotation, "fasion-resize-annotation-test.csv:2: not a list of numbers"),
        (broken_pair_list, "test_pairs.txt:1: 'img/b.jpg': not a DeepFashion In-shop name"),
        (unlisted, "1 of 7 listed images are missing"),
    ],
)
def test_what_is_missing_or_wrong_is_told_and_is_exit_code_1(
    project: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(project / "data/raw/mini")
    finished = run(project, "doctor")
    assert finished.returncode == 1, finished.stderr
    assert sentence in " ".join(finished.stdout.split())
    assert "mini is not ready: docs/data.md says which files" in finished.stdout


def test_a_wrong_password_is_told_and_not_repeated(project: Path) -> None:
    finished = run(project, "doctor", password="hunter2")
    assert finished.returncode == 1
    assert "wrong password" in finished.stdout
    assert "hunter2" not in finished.stdout + finished.stderr


def test_small_files_that_need_no_password_do_not_make_a_wrong_one_right(project: Path) -> None:
    path = project / "data/raw/mini/img_highres.zip"
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(3):
            archive.writestr(f"{number}.txt", "x" * 20)
    assert run(project, "doctor").returncode == 0
    finished = run(project, "doctor", password="hunter2")
    assert finished.returncode == 1
    assert "wrong password" in finished.stdout


def test_a_published_data_set_without_files_lists_all_that_is_needed(project: Path) -> None:
    readme = project / "data/raw/market1501/README.md"
    readme.parent.mkdir()
    readme.write_text("where to get it")
    finished = run(project, "doctor", "market1501")
    assert finished.returncode == 1
    assert "market1501 is not ready: data/raw/market1501/README.md says which files" in finished.stdout
    assert "GB free" in finished.stdout
    for name in ("Market-1501-v15.09.15.zip", "market-annotation-train.csv", "market-annotation-test.csv"):
        assert name in finished.stdout


def test_a_custom_data_set_goes_from_doctor_to_preview(project: Path) -> None:
    raw = project / "data/raw/mine"
    custom_folder.write_custom(raw)
    assert run(project, "doctor", "mine").returncode == 1
    custom_folder.write_table(raw, custom_folder.keypoints())
    finished = run(project, "doctor", "mine")
    assert finished.returncode == 0
    assert "mine is ready: set `dataset: mine` in params.yaml, then `uv run dvc repro " in finished.stdout
    for stage in ("unpack", "split", "render"):
        finished = run(project, stage, "mine")
        assert finished.returncode == 0, finished.stderr
    finished = run(project, "preview", "--count", "3")
    assert finished.returncode == 0, finished.stderr
    sheet = images.read(project / "data/preview.png")
    assert finished.stdout == "Skeletons over images, at most 3 of them → data/preview.png\n"
    assert sheet.shape == (256, 6 * 192, 3)
    assert (sheet[:, 3 * 192 :] == 255).all()
    assert (sheet[:, : 3 * 192].max(axis=2) == 255).any()  # joints are drawn in full colours


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("test_pairs.csv", b"from,to\nben/1.png,ben/3.png\n", "test_pairs.csv:2: 'ben/3.png': no such image"),
        ("test_pairs.csv", b"\xff\xfe", "test_pairs.csv: not a text file"),
        ("keypoints.json", b"{}", "keypoints are expected once (found keypoints.csv, keypoints.json"),
        ("images/ben/1.jpg", b"", "two images with one name"),
    ],
)
def test_what_is_wrong_with_a_custom_data_set_is_told(
    project: Path, name: str, content: bytes, sentence: str
) -> None:
    raw = project / "data/raw/mine"
    custom_folder.write_custom(raw)
    custom_folder.write_table(raw, custom_folder.keypoints())
    (raw / name).write_bytes(content)
    finished = run(project, "doctor", "mine")
    assert finished.returncode == 1, finished.stderr
    assert sentence in " ".join(finished.stdout.split())


def test_preview_before_the_split_is_one_sentence(project: Path) -> None:
    finished = run(project, "preview")
    assert finished.returncode == 2
    assert error_of(finished.stderr).startswith("error: data/pairs")


def set_model(project: Path, **values: object) -> None:
    path = project / "params.yaml"
    params = YAML().load(path.read_text())
    params["model"].update(values)
    with open(path, "w") as file:
        YAML().dump(params, file)


def test_a_base_model_that_is_missing_is_told_with_the_commands_to_get_it(project: Path) -> None:
    set_model(
        project,
        base="checkpoints/stable-diffusion-v1-5",
        style_encoder="swin_base_patch4_window7_224",
        style_encoder_weights="checkpoints/swin-base-patch4-window7-224",
    )
    finished = run(project, "doctor")
    assert finished.returncode == 1, finished.stderr
    told = " ".join(finished.stdout.replace("│", " ").split())
    for repository in (
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "microsoft/swin-base-patch4-window7-224",
    ):
        assert f"git clone https://huggingface.co/{repository} checkpoints/" in told
        assert f"hf download {repository} --local-dir checkpoints/" in told
    assert "mini is ready" in told
    assert "The model is not ready: docs/base-models.md" in told


def test_a_base_model_is_checked_without_being_loaded(project: Path) -> None:
    base_folders.write_sd(project / "base", "sd-2.1")
    set_model(project, base="base")
    finished = run(project, "doctor")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "predicts v_prediction" in finished.stdout
    (project / "base/unet/diffusion_pytorch_model.safetensors").write_text("version https://git-lfs.github.c")
    finished = run(project, "doctor")
    assert finished.returncode == 1
    assert "apointerofgit-lfs" in "".join(finished.stdout.replace("│", " ").split())


def test_names_in_brackets_are_shown_and_style_nothing(project: Path) -> None:
    path = project / "data/raw/mini/img_highres.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../[/red].png", b"x")
    finished = run(project, "doctor")
    assert finished.returncode == 1, finished.stderr
    assert "Traceback" not in finished.stderr
    assert "../[/red].png" in "".join(finished.stdout.split())
