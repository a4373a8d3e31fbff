from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnaf import files
from dnaf.data.store import ImageStore
from dnaf.errors import DataError, StateError
from dnaf.evaluate.inputs import is_absent, read_test_pairs
from dnaf.evaluate.results import Results, open_results
from tests.evaluation_project import EvaluationProject, picture

PAIRS = Path("data/pairs")


def folder(method: str) -> Path:
    return Path("data/results") / method


def open_method(project: EvaluationProject, method: str = "dnaf") -> Results:
    prepared = ImageStore(Path("data/prepared.zip"))
    return open_results(method, folder(method), PAIRS, project.pairs, prepared)


def test_test_pairs_are_read_in_order(evaluation_project: EvaluationProject) -> None:
    test = read_test_pairs(PAIRS)
    assert test.pairs == evaluation_project.pairs
    assert test.outfits == evaluation_project.outfits


@pytest.mark.parametrize(
    "content", ["source,target,outfit\n", "source,target\na,b\n", "source,target,outfit\na,b\n", ""]
)
def test_a_malformed_pair_list_is_refused(evaluation_project: EvaluationProject, content: str) -> None:
    evaluation_project.pairs_csv.write_text(content)
    files.write_manifest(PAIRS)
    with pytest.raises(StateError, match=r"test\.csv: not a list with the header source,target,outfit"):
        read_test_pairs(PAIRS)


def test_a_pairs_folder_altered_after_its_manifest_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.pairs_csv.write_text("source,target\na,b\n")
    with pytest.raises(StateError, match=r"test\.csv: content differs"):
        read_test_pairs(PAIRS)


def test_a_method_with_a_card_alone_is_absent(evaluation_project: EvaluationProject) -> None:
    assert is_absent("pidm", folder("pidm"))
    (folder("pidm") / ".gitignore").touch()
    assert is_absent("pidm", folder("pidm"))


def test_methods_that_need_no_files_are_never_absent(evaluation_project: EvaluationProject) -> None:
    assert not is_absent("copy_source", folder("copy_source"))
    assert not is_absent("mean_image", folder("mean_image"))


def test_a_method_without_a_folder_is_refused(evaluation_project: EvaluationProject) -> None:
    with pytest.raises(DataError, match="Is pidmm a method"):
        is_absent("pidmm", folder("pidmm"))


def test_dvc_file_without_its_data_is_not_absent_but_an_error(evaluation_project: EvaluationProject) -> None:
    (folder("pidm") / "generated.zip.dvc").touch()
    with pytest.raises(StateError, match=r"its data is not here\. Run `dvc pull"):
        is_absent("pidm", folder("pidm"))
    evaluation_project.add_results("pidm")
    assert not is_absent("pidm", folder("pidm"))


@pytest.mark.parametrize("name", ["pidm.zip", "images", ".dnaf-tmp-abc", "generated.zip.bak"])
def test_a_published_archive_is_refused_and_not_taken_for_absent(
    evaluation_project: EvaluationProject, name: str
) -> None:
    (folder("pidm") / name).touch()
    with pytest.raises(DataError, match="reading published result archives is not supported yet"):
        is_absent("pidm", folder("pidm"))


def test_files_of_a_method_that_needs_none_are_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results("copy_source")
    with pytest.raises(DataError, match="needs no files"):
        is_absent("copy_source", folder("copy_source"))


def test_wrong_source_alone_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results(name="wrong_source.zip")
    with pytest.raises(StateError, match=r"generated\.zip: missing beside wrong_source\.zip"):
        is_absent("dnaf", folder("dnaf"))


def test_generated_images_are_found_by_pair(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    evaluation_project.add_results(images=dict(reversed(images.items())))
    results = open_method(evaluation_project)
    for pair, image in zip(evaluation_project.pairs, images.values(), strict=True):
        assert np.array_equal(results.generated(pair), image)
    assert results.wrong_source is None


def test_copy_source_gives_the_source(evaluation_project: EvaluationProject) -> None:
    pair = evaluation_project.pairs[0]
    assert np.array_equal(open_method(evaluation_project, "copy_source").generated(pair), picture(pair[0]))


def test_mean_image_is_the_mean_of_the_training_images(evaluation_project: EvaluationProject) -> None:
    training = np.stack([picture(stem).astype(float) for stem in evaluation_project.stems[:4]])
    mean = open_method(evaluation_project, "mean_image").generated(evaluation_project.pairs[0])
    assert np.array_equal(mean, np.round(training.mean(axis=0)).astype(np.uint8))


@pytest.mark.parametrize("index", range(6))
def test_each_missing_image_is_found(evaluation_project: EvaluationProject, index: int) -> None:
    images = evaluation_project.generated()
    name = list(images)[index]
    del images[name]
    evaluation_project.add_results(images=images)
    with pytest.raises(StateError, match=rf"{name} is missing \(1 such; found 5 images, expected 6\)"):
        open_method(evaluation_project)


def test_an_image_of_no_pair_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results(images={**evaluation_project.generated(), "extra.png": picture("extra")})
    with pytest.raises(StateError, match=r"extra\.png is of no test pair \(1 such; found 7 images"):
        open_method(evaluation_project)


@pytest.mark.parametrize("info", [{"pairs_sha256": "0" * 64}, {"model": "m"}])
def test_images_for_another_list_of_pairs_are_refused(
    evaluation_project: EvaluationProject, info: dict[str, Any]
) -> None:
    evaluation_project.add_results(info=info)
    with pytest.raises(StateError, match="generated for another list of test pairs"):
        open_method(evaluation_project)


def test_wrong_source_of_another_model_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    info = {"pairs_sha256": files.digest(evaluation_project.pairs_csv), "model": "older"}
    evaluation_project.add_results(name="wrong_source.zip", info=info)
    with pytest.raises(StateError, match="generated by another model"):
        open_method(evaluation_project)


def test_a_truncated_store_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    path = folder("dnaf") / "generated.zip"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StateError, match="not a complete image store"):
        open_method(evaluation_project)
