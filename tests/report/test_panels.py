from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import StateError
from dnaf.core.images import encode_png
from dnaf.data.store import ImageStore
from dnaf.report.panels import Panel, open_panels
from tests.helpers.evaluation_project import EvaluationProject, random_image
from tests.helpers.published_results import write_folder
from tests.helpers.scored_methods import CARDS

RESULTS = Path("data/results")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """A tiny project in an empty folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)
    return EvaluationProject(tmp_path)


def panels_of(project: EvaluationProject, present: list[str]) -> list[Panel]:
    return open_panels(present, CARDS, RESULTS, project.data, ImageStore(Path("data/pose_maps.zip")))


def test_panels_are_pose_source_target_and_methods_in_their_order(
    project: EvaluationProject,
) -> None:
    project.add_results()
    panels = panels_of(project, ["dnaf", "copy_source", "mean_image", "ground_truth"])
    assert [(panel.label, panel.method) for panel in panels] == [
        ("Pose", None),
        ("Source", "copy_source"),
        ("Target", "ground_truth"),
        ("DNAF", "dnaf"),
        ("Mean image", "mean_image"),
    ]
    source, target = pair = project.pairs[1]
    expected = [
        random_image(f"pose of {target}"),
        random_image(source),
        random_image(target),
        project.generated()[f"{source}_2_{target}.png"],
    ]
    for panel, image in zip(panels, expected, strict=False):
        assert np.array_equal(panel.image(pair), image)


def test_the_source_is_no_method_where_copies_are_not_scored(project: EvaluationProject) -> None:
    assert [panel.method for panel in panels_of(project, [])] == [None, None, None]


def test_images_in_another_size_are_resized_to_the_data_sets(project: EvaluationProject) -> None:
    twice = {name: image.repeat(2, axis=0).repeat(2, axis=1) for name, image in project.generated().items()}
    images = {name: encode_png(image) for name, image in twice.items()}
    write_folder(RESULTS / "pidm/images", images)
    panel = panels_of(project, ["pidm"])[-1]
    assert (panel.label, panel.image(project.pairs[0]).shape) == ("PIDM", (64, 48, 3))


def test_stale_results_are_refused(project: EvaluationProject) -> None:
    project.add_results(info={"pairs_sha256": "other", "model": "m"})
    with pytest.raises(StateError, match="generated for another list"):
        panels_of(project, ["dnaf"])
