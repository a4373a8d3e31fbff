"""Photographs without keypoints become a data set: by closed forms, after a kill, and by MediaPipe itself."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from ruamel.yaml import YAML

from dnaf.core import images
from dnaf.core.errors import ConfigError, DataError, StateError
from dnaf.core.images import Pixels
from dnaf.data import find_poses as module
from dnaf.data.detectors.detector import NobodyFoundError
from dnaf.data.find_poses import find_poses
from dnaf.data.keypoints.keypoints import Points, read_keypoints
from dnaf.data.pairs.tables import read_table
from stages import find_poses as stage
from stages import split, unpack
from tests.helpers.custom_folder import SIZES, keypoints, write_custom, write_table
from tests.helpers.raw_folder import FIGURE, ROOT

STORE, RAW = Path("data/images.zip"), Path("data/raw/mine")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A custom data set `mine` with images and pair lists, unpacked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["dataset"] = "mine"
    params["datasets"]["mine"] = {"format": "custom", "height": 64, "width": 48, "max_test_pairs": 100}
    yaml.dump(params, tmp_path / "params.yaml")
    write_custom(RAW)
    unpack.main("mine")
    return tmp_path


def of_figure(photograph: Pixels, name: str) -> Points:
    """The standing figure of the other tests, as high as the photograph; nobody in ben's second one."""
    if name == "ben/2.png":
        raise NobodyFoundError(name)
    return FIGURE * photograph.shape[0] / 256


def test_poses_are_found_in_each_photographs_own_pixels(project: Path) -> None:
    assert find_poses(STORE, RAW, of_figure, "figure") == (4, 3)
    names, found = read_keypoints(RAW / "keypoints.csv")
    expected = keypoints()
    assert sorted(names) == sorted(SIZES)
    for name, points in zip(names, found, strict=True):
        if name == "ben/2.png":
            assert np.isnan(points).all()
        else:
            assert points == pytest.approx(FIGURE * SIZES[name][0] / 256, nan_ok=True, abs=1e-3)
            assert points.shape == expected[name].shape


def test_of_photographs_without_a_person_split_speaks(project: Path) -> None:
    find_poses(STORE, RAW, of_figure, "figure")
    with pytest.raises(DataError, match=r"no pair of people in test_pairs.csv \(found no joint in 1 "):
        split.main("mine")


def test_a_killed_run_goes_on(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 1)
    first, *others = sorted(SIZES)
    seen: set[str] = set()

    def killed_at_the_second(photograph: Pixels, name: str) -> Points:
        if name != first:
            raise KeyboardInterrupt
        return of_figure(photograph, name)

    with pytest.raises(KeyboardInterrupt):
        find_poses(STORE, RAW, killed_at_the_second, "figure")
    assert not (RAW / "keypoints.csv").exists()

    def count(photograph: Pixels, name: str) -> Points:
        seen.add(name)
        return of_figure(photograph, name)

    assert find_poses(STORE, RAW, count, "figure") == (4, 3)
    assert seen == {*others}
    assert [path for path in (project / "scratch/find_poses").rglob("*") if path.is_file()] == []


def test_of_several_people_the_largest_counts_and_it_is_said(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def two(photograph: Pixels, name: str) -> Points:
        """Somebody small in the corner until they are covered, then somebody large below."""
        calls[name] = calls.get(name, 0) + 1
        if calls[name] > 2:
            raise NobodyFoundError(name)
        return FIGURE * (0.1 if calls[name] == 1 else 0.9)

    calls: dict[str, int] = {}
    assert find_poses(STORE, RAW, two, "figure") == (4, 4)
    found = read_keypoints(RAW / "keypoints.csv")[1]
    assert found == pytest.approx(np.stack([FIGURE * 0.9] * 4), nan_ok=True, abs=1e-3)
    said = capsys.readouterr().err
    assert "4 photographs show several people, of whom the largest counts: " in said
    assert said.endswith(", …\n")  # three are named


def test_keypoints_that_are_there_are_never_replaced(project: Path) -> None:
    write_table(RAW, keypoints())
    before = (RAW / "keypoints.csv").read_bytes()
    with pytest.raises(DataError, match=r"keypoints.csv: is there already. Remove it"):
        find_poses(STORE, RAW, of_figure, "figure")
    assert (RAW / "keypoints.csv").read_bytes() == before


def test_photographs_of_nobody_and_another_data_sets_are_one_sentence(project: Path) -> None:
    def nobody(photograph: Pixels, name: str) -> Points:
        raise NobodyFoundError(name)

    with pytest.raises(
        DataError, match=r"data/raw/mine: no person in any photograph \(looked at 4 by nobody\)"
    ):
        find_poses(STORE, RAW, nobody, "nobody")
    assert not (RAW / "keypoints.csv").exists()
    shutil.copytree(RAW, "data/raw/other")
    with pytest.raises(StateError, match=r"images of another data set \(found mine, expected other\)"):
        find_poses(STORE, Path("data/raw/other"), of_figure, "figure")
    with pytest.raises(ConfigError, match=r"datasets.demo.format: has keypoints of its own"):
        stage.main("demo")


def test_mediapipe_finds_a_photographed_person_by_the_stage(project: Path) -> None:
    pytest.importorskip(
        "mediapipe", reason="mediapipe 0.10.14 is not installed: this Python has no wheel of it"
    )
    for number, name in enumerate(SIZES):
        photograph = skimage.data.astronaut()[:, :400] if number < 3 else skimage.data.astronaut()
        encode = images.encode_png if name.endswith("png") else images.encode_jpeg
        (RAW / "images" / name).write_bytes(encode(np.ascontiguousarray(photograph)))
    unpack.main("mine")
    assert stage.main("mine").startswith("4 of 4 photographs have a pose → data/raw/mine/keypoints.csv; ")
    split.main("mine")
    assert len(read_table(Path("data/pairs/test.csv"), ["source", "target", "outfit"])) == 2
