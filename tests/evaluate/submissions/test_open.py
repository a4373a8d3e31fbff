import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnaf.core import files, images
from dnaf.core.errors import DataError, StateError
from dnaf.core.images import Pixels
from dnaf.core.seals import write_sealed
from dnaf.data.pairs.pairs import Pair, pair_id
from dnaf.evaluate.submissions.find import find_results, read_test_pairs
from dnaf.evaluate.submissions.method_card import Card, read_card
from dnaf.evaluate.submissions.open import Results, open_results
from tests.helpers.evaluation_project import EvaluationProject, near, random_image
from tests.helpers.published_results import strip, write_zip

PAIRS = Path("data/pairs")
RESULTS = Path("data/results")


def folder(method: str) -> Path:
    return RESULTS / method


def card(method: str) -> Card:
    return read_card(folder(method) / "card.yaml")


def find(method: str) -> list[Path] | None:
    return find_results(method, RESULTS, card(method))


def open_method(project: EvaluationProject, method: str = "dnaf") -> Results:
    return open_results(method, find(method) or [], card(method), project.data)


def test_test_pairs_are_read_in_order(evaluation_project: EvaluationProject) -> None:
    test = read_test_pairs(PAIRS)
    assert test.pairs == evaluation_project.pairs
    assert test.outfits == evaluation_project.outfits


@pytest.mark.parametrize(
    "content", ["source,target,outfit\n", "source,target\na,b\n", "source,target,outfit\na,b\n", ""]
)
def test_a_malformed_pair_list_is_refused(evaluation_project: EvaluationProject, content: str) -> None:
    write_sealed(evaluation_project.pairs_csv, content)
    files.write_manifest(PAIRS)
    with pytest.raises(StateError, match=r"test\.csv: not a list with the header source,target,outfit"):
        read_test_pairs(PAIRS)


def test_a_pairs_folder_altered_after_its_manifest_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.pairs_csv.write_text("source,target\na,b\n")
    with pytest.raises(StateError, match=r"test\.csv: content differs"):
        read_test_pairs(PAIRS)


@pytest.mark.parametrize("name", ["keypoints.csv", "results.zip", "images"])
def test_a_pipe_or_a_link_among_a_methods_files_is_named(
    evaluation_project: EvaluationProject, name: str
) -> None:
    for make in (os.mkfifo, lambda path: path.symlink_to("/")):
        path = folder("pidm") / name
        make(path)
        with pytest.raises(
            DataError, match=rf"data/results/pidm/{name}: (a link|neither a file nor a folder)"
        ):
            find("pidm")
        path.unlink()


def test_a_method_with_a_card_alone_is_absent(evaluation_project: EvaluationProject) -> None:
    assert find("pidm") is None
    (folder("pidm") / ".gitignore").touch()
    assert find("pidm") is None


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "__MACOSX/._x.png", "images/.DS_Store", "images"])
def test_a_method_with_nothing_but_what_systems_left_behind_is_absent(
    evaluation_project: EvaluationProject, name: str
) -> None:
    path = folder("pidm") / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x") if "." in name else path.mkdir()
    assert find("pidm") is None


def test_methods_that_need_no_files_are_never_absent(evaluation_project: EvaluationProject) -> None:
    assert find("copy_source") == []
    assert find("mean_image") == []
    assert find("ground_truth") == []


def test_a_method_without_a_folder_is_refused(evaluation_project: EvaluationProject) -> None:
    with pytest.raises(DataError, match="Is pidmm a method"):
        find_results("pidmm", RESULTS, card("pidm"))


def test_dvc_file_without_its_data_is_not_absent_but_an_error(evaluation_project: EvaluationProject) -> None:
    (folder("pidm") / "results.zip.dvc").touch()
    with pytest.raises(StateError, match=r"its data is not here\. Run `uv run dvc pull"):
        find("pidm")
    (folder("pidm") / "results.zip").touch()
    assert find("pidm") == [folder("pidm") / "results.zip"]


@pytest.mark.parametrize("name", ["pidm.rar", "pidm.tar.gz", "pidm.7z"])
def test_an_archive_that_cannot_be_read_in_place_is_refused_and_not_taken_for_absent(
    evaluation_project: EvaluationProject, name: str
) -> None:
    (folder("pidm") / name).touch()
    with pytest.raises(DataError, match="Unpack it there and remove it"):
        find("pidm")


def test_files_of_a_method_that_needs_none_are_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results("copy_source")
    with pytest.raises(DataError, match="needs no files"):
        find("copy_source")


def test_wrong_source_alone_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results(name="wrong_source.zip")
    with pytest.raises(StateError, match=r"generated\.zip: missing, but wrong_source\.zip is there"):
        find("dnaf")


def test_published_files_beside_generated_ones_are_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    (folder("dnaf") / "other.zip").touch()
    with pytest.raises(DataError, match=r"other\.zip: is next to generated\.zip"):
        find("dnaf")


def strips(
    project: EvaluationProject, panels: Mapping[int, Callable[[Pair], Pixels]], count: int = 10
) -> dict[str, bytes]:
    """Strips of ten panels as PIDM published them, or of as many as others did."""
    return {
        f"{pair_id(*pair)}.png": images.encode_png(
            strip([panels[i](pair) if i in panels else random_image(f"{i} {pair}") for i in range(count)])
        )
        for pair in project.pairs
    }


def noisy(text: str) -> Callable[[Pair], Pixels]:
    return lambda pair: near(random_image(pair[1]), f"{text} {pair}")


def test_one_strip_archive_feeds_several_methods(evaluation_project: EvaluationProject) -> None:
    target = lambda pair: random_image(pair[1])  # noqa: E731
    files_ = strips(evaluation_project, {2: target, 3: noisy("adgan"), 9: noisy("pidm")})
    write_zip(RESULTS / "shared/PIDM_vs_Others.zip", files_)
    for method in ("adgan", "pidm"):
        assert find(method) == [RESULTS / "shared/PIDM_vs_Others.zip"]
        results = open_method(evaluation_project, method)
        for pair in evaluation_project.pairs:
            assert np.array_equal(results.generated(pair), noisy(method)(pair))
    assert find("pocold") is None


def test_one_archive_of_pcdms_feeds_eight_methods(evaluation_project: EvaluationProject) -> None:
    panels = ("adgan", "pise", "gfla", "dptn", "casd", "nted", "pidm", "pcdms")
    shown = {2: lambda pair: random_image(pair[1])} | {
        3 + n: noisy(method) for n, method in enumerate(panels)
    }
    write_zip(RESULTS / "shared/PCDMs_vs_SOTA.zip", strips(evaluation_project, shown, 11))
    for method in panels:
        results = open_method(evaluation_project, method)
        for pair in evaluation_project.pairs:
            assert np.array_equal(results.generated(pair), noisy(method)(pair))


def test_the_first_of_pcdms_four_samples_is_taken_whatever_the_score_in_front(
    evaluation_project: EvaluationProject,
) -> None:
    shown = {2: lambda pair: random_image(pair[1])} | {
        panel: noisy(f"sample {panel}") for panel in range(3, 7)
    }
    found = strips(evaluation_project, shown, 7)
    scored = {f"0.{number}1234_{name}": data for number, (name, data) in enumerate(found.items())}
    write_zip(RESULTS / "shared/PCDMs_stage3.zip", scored)
    results = open_method(evaluation_project, "pcdms")
    for pair in evaluation_project.pairs:
        assert np.array_equal(results.generated(pair), noisy("sample 3")(pair))


def test_numbered_strips_of_dior_are_the_pairs_in_their_order(evaluation_project: EvaluationProject) -> None:
    made = {}
    for number, pair in enumerate(evaluation_project.pairs, start=1):
        panels = [random_image(pair[0]), random_image(pair[1]), noisy("dior")(pair)]
        made[f"pose/generated_{number}.png"] = images.encode_png(strip(panels))
    write_zip(folder("dior") / "DiOr_256x176.zip", made)
    results = open_method(evaluation_project, "dior")
    for pair in evaluation_project.pairs:
        assert np.array_equal(results.generated(pair), noisy("dior")(pair))
    write_zip(folder("dior") / "DiOr_256x176.zip", {f"x{name}": data for name, data in made.items()} | made)
    with pytest.raises(DataError, match=r"another image of the same pair is there too \(6 such"):
        open_method(evaluation_project, "dior")


def test_numbered_files_in_another_order_are_noticed_by_the_ground_truth(
    evaluation_project: EvaluationProject,
) -> None:
    made = {}
    for number, pair in enumerate(reversed(evaluation_project.pairs), start=1):
        panels = [
            random_image(pair[0]),
            random_image(pair[1]),
            np.zeros_like(random_image(pair[1])),
        ]  # far from every target
        made[f"generated_{number}.png"] = images.encode_png(strip(panels))
    write_zip(folder("dior") / "results.zip", made)
    with pytest.raises(DataError, match=r"dior: numbered in another order than the test pairs"):
        open_method(evaluation_project, "dior")


def test_a_methods_own_files_come_before_shared_strips(evaluation_project: EvaluationProject) -> None:
    write_zip(RESULTS / "shared/PIDM_vs_Others.zip", {})
    write_zip(folder("pidm") / "own.zip", {})
    assert find("pidm") == [folder("pidm") / "own.zip"]


def test_wrong_panels_are_noticed_by_the_ground_truth(evaluation_project: EvaluationProject) -> None:
    files_ = strips(evaluation_project, {3: lambda pair: random_image(pair[1]), 9: noisy("pidm")})
    write_zip(RESULTS / "shared/PIDM_vs_Others.zip", files_)
    with pytest.raises(DataError, match=r"shared: wrong panels \(found the ground truth .* Correct `panels`"):
        open_method(evaluation_project, "pidm")


def test_published_results_tell_what_they_are(evaluation_project: EvaluationProject) -> None:
    members = {
        name.replace(".png", "_vis.jpg"): images.encode_jpeg(image)
        for name, image in evaluation_project.generated().items()
    }
    write_zip(folder("gfla") / "results.zip", members | {"metrics.csv": b""})
    info = open_method(evaluation_project, "gfla").info
    digest = files.digest(folder("gfla") / "results.zip")
    assert info == {
        "file_type": "jpg",
        "files": {"results.zip": digest},
        "num_other_files": 1,
        "num_left_by_systems": 0,
        "naming": "<source>_2_<target>_vis.jpg",
        "image_size": "64x48",
    }


def test_generated_images_are_found_by_pair(evaluation_project: EvaluationProject) -> None:
    generated = evaluation_project.generated()
    evaluation_project.add_results(members=dict(reversed(generated.items())))
    results = open_method(evaluation_project)
    for pair, image in zip(evaluation_project.pairs, generated.values(), strict=True):
        assert np.array_equal(results.generated(pair), image)
    assert results.wrong_source is None


def test_copy_source_gives_the_source(evaluation_project: EvaluationProject) -> None:
    pair = evaluation_project.pairs[0]
    assert np.array_equal(
        open_method(evaluation_project, "copy_source").generated(pair), random_image(pair[0])
    )


def test_ground_truth_gives_the_target(evaluation_project: EvaluationProject) -> None:
    pair = evaluation_project.pairs[0]
    results = open_method(evaluation_project, "ground_truth")
    assert np.array_equal(results.generated(pair), random_image(pair[1]))
    assert not results.by_a_model


def test_mean_image_is_the_mean_of_the_training_images(evaluation_project: EvaluationProject) -> None:
    training = np.stack([random_image(stem).astype(float) for stem in evaluation_project.stems[:4]])
    mean = open_method(evaluation_project, "mean_image").generated(evaluation_project.pairs[0])
    assert np.array_equal(mean, np.round(training.mean(axis=0)).astype(np.uint8))


@pytest.mark.parametrize("index", range(6))
def test_each_missing_image_is_found(evaluation_project: EvaluationProject, index: int) -> None:
    generated = evaluation_project.generated()
    name = list(generated)[index]
    del generated[name]
    evaluation_project.add_results(members=generated)
    with pytest.raises(StateError, match=rf"{name} is missing \(1 such; found 5 images, expected 6\)"):
        open_method(evaluation_project)


def test_an_image_of_no_pair_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results(
        members={**evaluation_project.generated(), "extra.png": random_image("extra")}
    )
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
