"""What is seen in generated images: closed forms, one count a pair, and a file of its images alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import DataError, StateError
from dnaf.core.images import Pixels
from dnaf.data.chunks import FinishedChunks
from dnaf.data.detectors.detector import NobodyFoundError
from dnaf.data.detectors.faces import Faces
from dnaf.data.keypoints.keypoints import Points
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.store import write_store
from dnaf.evaluate import detect as module
from dnaf.evaluate.detect import Detectors, detect
from dnaf.evaluate.submissions.detections import Detections, key_of, read_detections, write_detections
from dnaf.evaluate.submissions.open import open_folder
from tests.helpers.evaluation_project import SIZE, EvaluationProject, random_image
from tests.helpers.onnx_networks import face_vector, write_sface, write_yunet

PAIRS = Path("data/pairs")
YELLOW, PINK = (255, 255, 60), (255, 60, 255)


@pytest.fixture
def project(evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    monkeypatch.setenv("DNAF_SCRATCH", str(evaluation_project.root / "scratch"))
    evaluation_project.add_keypoints()
    return evaluation_project


def found_in(
    project: EvaluationProject, method: str = "dnaf", detectors: Detectors | None = None
) -> Detections:
    results = open_folder(Path("data/results") / method, project.data)[1]
    return detect(results, project.data, PAIRS, detectors or Detectors(None, None, {}))


def test_without_detectors_torsos_alone_are_compared(project: EvaluationProject) -> None:
    project.add_results()
    counts = found_in(project).counts
    assert set(counts) == {"torso_colour_sum", "torso_texture_sum", "torso_valid"}
    assert counts["torso_valid"].tolist() == [1] * 6
    assert (counts["torso_colour_sum"] > 0).all()
    truth = found_in(project, "ground_truth").counts
    assert truth["torso_colour_sum"].tolist() == truth["torso_texture_sum"].tolist() == [0] * 6


def test_joints_are_counted_where_the_image_has_them_in_whatever_size_it_is(
    project: EvaluationProject,
) -> None:
    project.add_results()
    frame = np.array(SIZE[::-1])

    def shifted(image: Pixels, name: str) -> Points:
        """Finds the figure 3 pixels of 64 too low, without its nose; nobody in the first pair."""
        if name == pair_id(*project.pairs[0]):
            raise NobodyFoundError(name)
        scale = np.array(image.shape[1::-1]) / frame
        found = (project.keypoints + np.array([0, 3])) * scale
        found[0] = np.nan
        return found

    counts = found_in(project, detectors=Detectors(shifted, None, {"pose": "shifted"})).counts
    assert counts["joints_found"].tolist() == [0, 17, 17, 17, 17, 17]
    assert counts["joints_valid"].tolist() == [18] * 6
    assert counts["joints_correct"][0] == 0
    assert counts["joint_error_sum"][1:] == pytest.approx(17 * 100 * 3 / 64)


def test_faces_are_compared_where_the_real_images_have_one(
    project: EvaluationProject, tmp_path: Path
) -> None:
    faces = Faces(write_yunet(tmp_path / "yunet.onnx"), write_sface(tmp_path / "sface.onnx"))

    def with_face(colour: tuple[int, int, int] | None) -> Pixels:
        image = np.full((*SIZE, 3), 90, np.uint8)
        if colour is not None:
            image[:32, :32] = colour
        return image

    colours = dict(zip(project.stems, (YELLOW, PINK, YELLOW, None, YELLOW, YELLOW), strict=True))
    with write_store(project.root / "data/prepared.zip", {}) as store:
        for stem in project.stems:
            store.add_image(f"{stem}.png", with_face(colours[stem]))
    project.add_results(
        members={
            f"{pair_id(*pair)}.png": with_face(None if number == 4 else PINK)
            for number, pair in enumerate(project.pairs)
        }
    )
    counts = found_in(project, detectors=Detectors(None, faces, {"faces": "tiny"})).counts
    unlike = float(face_vector(YELLOW) @ face_vector(PINK))
    # Pairs: yellow to pink and back; yellow to no face and back; yellow to yellow, once without a face made.
    assert counts["face_target_valid"].tolist() == [1, 1, 0, 1, 1, 1]
    assert counts["face_target_sum"] == pytest.approx([1, unlike, 0, unlike, 0, unlike], abs=0.02)
    assert counts["face_source_valid"].tolist() == [1, 1, 0, 0, 1, 1]
    assert counts["face_source_sum"] == pytest.approx([unlike, 1, 0, 0, 0, unlike], abs=0.02)


def test_a_killed_run_goes_on_and_counts_the_same(
    project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add_results()
    expected = found_in(project).counts
    monkeypatch.setattr(module, "_CHUNK", 2)
    save, saved = FinishedChunks.save, []

    def die_at_the_second(*arguments: object, **names: object) -> None:
        if saved:
            raise KeyboardInterrupt
        saved.append(1)
        save(*arguments, **names)  # type: ignore[arg-type]

    monkeypatch.setattr(FinishedChunks, "save", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        found_in(project)
    monkeypatch.setattr(FinishedChunks, "save", save)
    assert list((project.root / "scratch").rglob("chunk-*.zip")) != []
    counts = found_in(project).counts
    assert {name: values.tolist() for name, values in counts.items()} == {
        name: values.tolist() for name, values in expected.items()
    }
    assert [path for path in (project.root / "scratch").rglob("*") if path.is_file()] == []


def test_the_file_is_read_back_and_belongs_to_these_images_alone(project: EvaluationProject) -> None:
    project.add_results()
    folder = Path("data/results/dnaf")
    results = open_folder(folder, project.data)[1]
    found = found_in(project)
    path = write_detections(folder, found, key_of(results, project.data))
    read = read_detections(folder, key_of(results, project.data))
    assert {name: values.tolist() for name, values in read.counts.items()} == {
        name: values.tolist() for name, values in found.counts.items()
    }
    project.add_results(
        members={name: random_image(name) for name in project.generated()}, info={"pairs_sha256": "1"}
    )
    with pytest.raises(
        StateError, match=r"detections.json: of other images.*stages.detect dnaf` again, or remove"
    ):
        read_detections(folder, "another")
    path.write_text(path.read_text().replace("counts", "Counts"))
    with pytest.raises(StateError, match="content differs"):
        read_detections(folder, key_of(results, project.data))
    assert "detectors" in json.loads(path.read_text())


def test_a_method_without_images_is_one_sentence(project: EvaluationProject) -> None:
    with pytest.raises(DataError, match="data/results/pidm: no images"):
        found_in(project, "pidm")
