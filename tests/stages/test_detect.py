"""From a method's images to columns of the tables, by the stages themselves."""

import json
from pathlib import Path

import pytest

from dnaf.core import config
from dnaf.core.errors import ConfigError, StateError
from dnaf.evaluate.metrics.detected import DETECTED, TORSO_COLOUR, TORSO_TEXTURE
from stages import detect, evaluate, leaderboard
from tests.helpers.evaluation_project import EvaluationProject
from tests.helpers.onnx_networks import write_sface, write_yunet

KEYS = {metric.column.key for metric in DETECTED}
TORSO = {TORSO_COLOUR.column.key, TORSO_TEXTURE.column.key}


@pytest.fixture
def project(evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    monkeypatch.setenv("DNAF_SCRATCH", str(evaluation_project.root / "scratch"))
    evaluation_project.add_keypoints()
    evaluation_project.add_results()
    return evaluation_project


def metrics_of(method: str) -> dict[str, object]:
    evaluate.main("demo", method, "cfld")
    found: dict[str, object] = json.loads(Path(f"data/scores/cfld/{method}.json").read_text())
    return found


def test_what_was_found_stands_in_the_metrics_with_its_interval(project: EvaluationProject) -> None:
    assert not KEYS & metrics_of("dnaf").keys()
    said = detect.main("dnaf", "demo")
    assert "looked for torsos → data/results/dnaf/detections.json" in said
    metrics = metrics_of("dnaf")
    assert KEYS & metrics.keys() == TORSO
    assert metrics["torso_colour_low"] <= metrics["torso_colour"] <= metrics["torso_colour_high"]  # type: ignore[operator]
    detect.main("ground_truth", "demo")
    truth = metrics_of("ground_truth")
    assert truth["torso_colour"] == truth["torso_texture"] == 0


def test_the_leaderboard_shows_it_of_the_methods_that_were_looked_at(project: EvaluationProject) -> None:
    detect.main("dnaf", "demo")
    for method in config.load_methods():
        metrics_of(method)
    leaderboard.main("demo")
    text = Path("metrics/leaderboard.md").read_text()
    assert "Torso's colour, ΔE" in text
    assert "PCKh by detection" not in text


def test_methods_that_other_networks_looked_at_are_not_comparable(
    project: EvaluationProject, tmp_path: Path
) -> None:
    sface = write_sface(tmp_path / "sface.onnx")
    for number, method in enumerate(("dnaf", "copy_source")):
        yunet = write_yunet(tmp_path / "yunet.onnx")
        yunet.write_bytes(yunet.read_bytes() + b"\x72\x00" * number)  # an empty text of no meaning more
        detect.main(method, "demo", face_detector=yunet, face_recogniser=sface)
    for method in config.load_methods():
        metrics_of(method)
    with pytest.raises(StateError, match=r"not comparable with dnaf \(detectors.faces: .*Run detect of both"):
        leaderboard.main("demo")


def test_new_images_are_not_scored_with_what_was_found_in_old_ones(project: EvaluationProject) -> None:
    detect.main("dnaf", "demo")
    info = {"pairs_sha256": project.test.sha256, "model": "another", "num_pairs": 6}
    project.add_results(info=info)
    with pytest.raises(StateError, match=r"of other images.*Run `uv run python -m stages.detect dnaf` again"):
        metrics_of("dnaf")


def test_one_of_two_files_for_faces_is_refused(project: EvaluationProject) -> None:
    with pytest.raises(ConfigError, match="--face-recogniser: is missing"):
        detect.main("dnaf", "demo", face_detector=Path("yunet.onnx"))
