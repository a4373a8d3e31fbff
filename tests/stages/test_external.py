"""The command of a method's card: all of its images are taken, or nothing is left of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from dnaf.core import files
from dnaf.core.errors import DataError
from stages import external
from tests.helpers.evaluation_project import EvaluationProject

FOLDER = Path("data/results/mine")
GENERATOR = """
import csv, os, signal, sys, time
from pathlib import Path
import cv2, numpy as np
kit, results, fault = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
print("generating", fault)
pairs = list(csv.DictReader((kit / "pairs.csv").open()))
for number, pair in enumerate(pairs):
    if fault == "half" and number == 3:
        break
    if fault == "exit" and number == 3:
        sys.exit(7)
    if fault == "killed" and number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    image = cv2.imread(str(kit / pair["source_image"]))
    pose = cv2.imread(str(kit / pair["openpose"]))
    drawn = cv2.addWeighted(image, 0.5, pose, 0.5, 20.0 * (number + 1))
    if fault == "copies":
        drawn = image
    cv2.imwrite(str(results / pair["result"]), drawn)
if fault == "interrupted":
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def project(
    evaluation_project: EvaluationProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> EvaluationProject:
    evaluation_project.add_keypoints()
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    Path("generator.py").write_text(GENERATOR)
    write_card(sys.executable, "generator.py", "<kit>", "<results>", "nothing")
    return evaluation_project


def write_card(*command: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    card = {"title": "Mine", "paper": None, "repository": None, "naming": None, "panels": None}
    YAML().dump(card | ({"command": list(command)} if command else {}), FOLDER / "card.yaml")


def left() -> list[str]:
    """All that is in the method's folder, but its lock, and in the scratch folder."""
    found = [path for place in (FOLDER, Path("scratch/external")) for path in place.glob("*")]
    return sorted(path.name for path in found if not path.name.endswith((".lock", ".owner")))


def test_the_images_of_a_command_become_the_methods(project: EvaluationProject) -> None:
    said = external.main("mine")
    assert said == (
        "data/results/mine: complete, 6 of 6 pairs, png, 64x48 (height x width) → data/results/mine/images; "
        "to score it, put mine into `methods` of params.yaml, then run `uv run dvc repro`"
    )
    assert left() == ["card.yaml", "images"]
    assert files.require_complete(FOLDER / "images")["pairs_sha256"] == project.test.sha256


def test_a_second_run_takes_the_place_of_the_first(project: EvaluationProject) -> None:
    external.main("mine")
    before = files.require_complete(FOLDER / "images")
    external.main("mine")
    assert files.require_complete(FOLDER / "images") == before


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("exit", r"command: failed \(found exit code 7, expected 0\)"),
        ("killed", r"command: failed \(found signal 9, expected 0\)"),
        ("half", r"command: made no complete result set: .* is missing \(3 such; found 3 of 6 pairs\)"),
        ("copies", r"command: made no complete result set: .* equals its source \(6 of 6"),
    ],
)
def test_a_command_that_fails_or_makes_half_leaves_what_was_there(
    project: EvaluationProject, fault: str, sentence: str
) -> None:
    write_card(sys.executable, "generator.py", "<kit>", "<results>", fault)
    if fault != "half":
        files.write_atomic(FOLDER / "images/of_an_earlier_run.png", b"")
    before = sorted(FOLDER.rglob("*.png"))
    with pytest.raises(DataError, match=rf"^data/results/mine/card\.yaml: {sentence}") as caught:
        external.main("mine")
    assert "scratch" not in str(caught.value)
    assert sorted(FOLDER.rglob("*.png")) == before
    assert left() == (["card.yaml", "images"] if before else ["card.yaml"])


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ((), "no command to run"),
        (("no-such-program", "<kit>", "<results>"), "no-such-program could not be started"),
        (("python", "<kit>"), "command: Value error, expected a word with <results>"),
        (("python", "--out=<results>"), "command: Value error, expected a word with <kit>"),
    ],
)
def test_a_card_without_a_command_that_can_be_run_is_refused(
    project: EvaluationProject, command: tuple[str, ...], sentence: str
) -> None:
    write_card(*command)
    with pytest.raises(DataError, match=rf"^data/results/mine/card\.yaml: .*{sentence}"):
        external.main("mine")
    assert left() == ["card.yaml"]


def test_a_name_without_a_card_makes_no_folder(project: EvaluationProject) -> None:
    with pytest.raises(DataError, match=r"^data/results/mien/card\.yaml: missing"):
        external.main("mien")
    assert not Path("data/results/mien").exists()


@pytest.mark.parametrize("other", ["generated.zip", "merged/cfld.json"])
def test_results_of_another_origin_are_left_alone(project: EvaluationProject, other: str) -> None:
    (FOLDER / other).parent.mkdir(exist_ok=True)
    (FOLDER / other).write_bytes(b"")
    with pytest.raises(DataError, match="results of another origin than the card's command"):
        external.main("mine")
    assert (FOLDER / other).exists()


def test_ctrl_c_leaves_nothing_behind(project: EvaluationProject) -> None:
    write_card(sys.executable, "generator.py", "<kit>", "<results>", "interrupted")
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.external", "mine"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    while "ready" not in process.stderr.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert left() == ["card.yaml"]


def test_what_a_command_prints_is_not_the_last_line(project: EvaluationProject) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "stages.external", "mine"], capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("data/results/mine: complete")
    assert "generating nothing" in ended.stderr
