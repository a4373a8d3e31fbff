from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnaf import config
from dnaf.data.pairs import pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.errors import ConfigError, DataError, NumericalError
from dnaf.evaluate.inception import Inception
from dnaf.evaluate.inputs import TestPairs
from dnaf.evaluate.lpips import Lpips
from dnaf.evaluate.psnr import l1, psnr
from dnaf.evaluate.results import open_results
from dnaf.evaluate.score import Score, _batches, score
from tests.evaluation_project import SIZE, EvaluationProject, picture

METRICS = ("fid_random", "lpips_random", "ssim_gaussian", "psnr", "l1")


def score_method(
    project: EvaluationProject, method: str = "dnaf", size: tuple[int, int] = SIZE, batch_size: int = 40
) -> Score:
    prepared = ImageStore(Path("data/prepared.zip"))
    results = open_results(method, Path("data/results") / method, Path("data/pairs"), project.pairs, prepared)
    params = config.load(config.Evaluate).model_copy(update={"batch_size": batch_size})
    test = TestPairs(project.pairs, project.outfits)
    return score(results, test, prepared, size, params, 0, torch.device("cpu"))


def test_every_pair_is_scored_once_whatever_the_batch_size(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    whole = score_method(evaluation_project)
    assert list(zip(whole.table["source"], whole.table["target"], strict=True)) == evaluation_project.pairs
    other = score_method(evaluation_project, batch_size=4)
    assert other.metrics["num_pairs"] == 6
    for name in METRICS:
        assert other.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-4), name


@given(st.lists(st.integers(), min_size=1, max_size=40), st.integers(1, 16))
def test_batches_hold_each_item_once_in_order(items: list[int], batch_size: int) -> None:
    batches = list(_batches(items, batch_size, "test"))
    assert [item for batch in batches for item in batch] == items
    assert max(map(len, batches)) <= batch_size


def test_metrics_are_means_with_intervals_and_carry_their_protocol(
    evaluation_project: EvaluationProject,
) -> None:
    images = evaluation_project.generated()
    evaluation_project.add_results(images=images)
    scored = score_method(evaluation_project)
    assert list(scored.table.columns) == ["source", "target", *METRICS[1:]]
    for row, pair in zip(scored.table.to_dict("records"), evaluation_project.pairs, strict=True):
        generated = images[f"{pair_id(*pair)}.png"]
        assert row["l1"] == l1(picture(pair[1]), generated)
        assert row["psnr"] == psnr(picture(pair[1]), generated)
    for name in METRICS[1:]:
        mean = scored.metrics[name]
        assert mean == pytest.approx(scored.table[name].mean())
        assert scored.metrics[f"{name}_low"] <= mean <= scored.metrics[f"{name}_high"]
    [protocol] = scored.metrics.pop("protocol")
    assert all(isinstance(value, int | float) for value in scored.metrics.values())
    assert (protocol["name"], protocol["image_size"]) == ("native", "64x48")
    assert protocol["real_set"]["count"] == 6
    assert protocol["weights"] == {"inception": "random, seed 0", "alexnet": "random, seed 0"}
    assert protocol["results"]["model"] == "m"
    assert protocol["fid_rank_deficient"]


def test_a_source_that_equals_its_target_does_not_make_psnr_infinite(
    evaluation_project: EvaluationProject,
) -> None:
    with write_store(Path("data/prepared.zip"), {}) as store:
        for stem in evaluation_project.stems:
            store.add_image(f"{stem}.png", picture(stem.rsplit("_", 1)[0]))
    metrics = score_method(evaluation_project, "copy_source").metrics
    assert (metrics["psnr"], metrics["ssim_gaussian"], metrics["lpips_random"]) == (100, pytest.approx(1), 0)


def test_fid_of_a_permutation_of_the_ground_truth_is_zero(evaluation_project: EvaluationProject) -> None:
    # Every source is a target of another pair here, so the two sets are equal, though no pair is.
    metrics = score_method(evaluation_project, "copy_source").metrics
    assert metrics["fid_random"] == pytest.approx(0, abs=1e-6)
    assert metrics["l1"] > 0.1


def test_images_of_one_colour_are_counted_and_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    names = list(images)
    for name in (names[2], names[5]):
        images[name] = np.full_like(images[name], 7)
    evaluation_project.add_results(images=images)
    stem = names[2].removesuffix(".png")
    with pytest.raises(
        DataError,
        match=rf"^data/results/dnaf/generated\.zip: {stem}: the .* has one colour \(2 of 6 such\)",
    ):
        score_method(evaluation_project)


def test_mean_image_may_have_one_colour(evaluation_project: EvaluationProject) -> None:
    first, second = (np.full((*SIZE, 3), level, np.uint8) for level in (0, 200))
    first[:32], second[:32] = 200, 0
    with write_store(Path("data/prepared.zip"), {}) as store:
        for number, stem in enumerate(evaluation_project.stems):
            store.add_image(f"{stem}.png", (first, second)[number % 2])
    metrics = score_method(evaluation_project, "mean_image").metrics
    assert metrics["l1"] == pytest.approx(100 / 255)


def test_wrong_source_increase_is_the_relative_rise_of_l1(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    wrong = {name: picture(name) for name in evaluation_project.generated()}
    evaluation_project.add_results(name="wrong_source.zip", images=wrong)
    metrics = score_method(evaluation_project).metrics
    expected = np.mean(
        [l1(picture(pair[1]), wrong[f"{pair_id(*pair)}.png"]) for pair in evaluation_project.pairs]
    )
    assert metrics["l1_wrong_source"] == pytest.approx(expected)
    assert metrics["wrong_source_increase"] == pytest.approx(expected / metrics["l1"] - 1)


def test_an_image_of_another_size_is_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    name = list(images)[4]
    images[name] = images[name][:60]
    evaluation_project.add_results(images=images)
    with pytest.raises(DataError, match=r"wrong size \(found 60x48, expected 64x48"):
        score_method(evaluation_project)


def test_ground_truth_given_as_a_result_is_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    source, target = evaluation_project.pairs[3]
    images[f"{pair_id(source, target)}.png"] = picture(target)
    evaluation_project.add_results(images=images)
    with pytest.raises(DataError, match=f"{pair_id(source, target)}: the generated image equals its ground"):
        score_method(evaluation_project)


def test_images_too_small_for_the_networks_are_refused(evaluation_project: EvaluationProject) -> None:
    with pytest.raises(ConfigError, match="images too small to score"):
        score_method(evaluation_project, "copy_source", size=(30, 30))


def test_a_metric_that_is_not_a_number_is_refused(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_project.add_results()
    # Weights that went bad: a file whose digest is right cannot hold them.
    monkeypatch.setattr(Lpips, "distances", lambda self, real, generated: np.full(len(real), np.nan))
    with pytest.raises(NumericalError, match="lpips_random is not finite"):
        score_method(evaluation_project)


def test_equal_images_pass_the_network_once(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Counter[bytes] = Counter()
    original = Inception.features

    def counting(self: Inception, images: np.ndarray) -> np.ndarray:
        seen.update(image.tobytes() for image in images)
        return original(self, images)

    monkeypatch.setattr(Inception, "features", counting)
    score_method(evaluation_project, "copy_source")
    assert len(seen) == 6
    assert set(seen.values()) == {1}
