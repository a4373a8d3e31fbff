from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dnaf.core import config, files
from dnaf.core.errors import ConfigError, DataError, NumericalError, StateError
from dnaf.core.images import encode_png
from dnaf.core.shards import Shards
from dnaf.data.formats.names import Stem
from dnaf.data.formats.registry import FORMATS
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.store import write_store
from dnaf.evaluate.method import Setting, score_method
from dnaf.evaluate.metrics.metric import Column, PairMetric
from dnaf.evaluate.metrics.psnr import l1, psnr
from dnaf.evaluate.networks.inception import Inception
from dnaf.evaluate.networks.lpips import Lpips
from dnaf.evaluate.protocols.registry import PROTOCOLS
from dnaf.evaluate.reference import real_stems
from dnaf.evaluate.score import Score
from dnaf.evaluate.submissions.find import find_results
from dnaf.evaluate.submissions.method_card import read_card
from tests.helpers.evaluation_project import EFFICIENTNET, SIZE, EvaluationProject, near, random_image
from tests.helpers.published_results import write_folder
from tests.helpers.raw_folder import write_annotations

FEATURE_METRICS = ("fid_random", "kid_random", "fd_efficientnet")
PAIR_METRICS = ("ssim_gaussian", "psnr", "l1", "mae", "lpips_random")
WEIGHTS = dict.fromkeys(config.Weights.model_fields)
RESULTS = Path("data/results")


def setting(size: tuple[int, int] = SIZE, batch_size: int = 40, format_name: str = "deepfashion") -> Setting:
    params = config.load(config.Evaluate).model_copy(update={"batch_size": batch_size})
    return Setting(Path("data"), PROTOCOLS["cfld"], size, format_name, WEIGHTS, params, 0)


def score_of(project: EvaluationProject, method: str = "dnaf", how: Setting | None = None) -> Score:
    card = read_card(RESULTS / method / "card.yaml")
    found = find_results(method, RESULTS, card)
    assert found is not None
    cpu = Shards(0, 1, torch.device("cpu"))
    scored = score_method(method, found, card, project.test, how or setting(), cpu)
    assert scored is not None
    return scored


def test_every_pair_is_scored_once_whatever_the_batch_size(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    whole = score_of(evaluation_project)
    assert list(zip(whole.table["source"], whole.table["target"], strict=True)) == evaluation_project.pairs
    other = score_of(evaluation_project, how=setting(batch_size=4))
    assert other.metrics["num_pairs"] == 6
    for name in (*FEATURE_METRICS, *PAIR_METRICS):
        assert other.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-4), name


def test_metrics_are_means_with_intervals_and_carry_their_protocol(
    evaluation_project: EvaluationProject,
) -> None:
    images = evaluation_project.generated()
    evaluation_project.add_results(members=images)
    scored = score_of(evaluation_project)
    assert list(scored.table.columns) == ["source", "target", *PAIR_METRICS]
    for row, pair in zip(scored.table.to_dict("records"), evaluation_project.pairs, strict=True):
        generated = images[f"{pair_id(*pair)}.png"]
        assert row["l1"] == l1(random_image(pair[1]), generated)
        assert row["psnr"] == psnr(random_image(pair[1]), generated)
    for name in PAIR_METRICS:
        mean = scored.metrics[name]
        assert mean == pytest.approx(scored.table[name].mean())
        assert scored.metrics[f"{name}_low"] <= mean <= scored.metrics[f"{name}_high"]
    protocol = scored.metrics.pop("protocol")
    assert all(isinstance(value, int | float) for value in scored.metrics.values())
    assert (protocol["name"], protocol["image_size"]) == ("cfld", "64x48")
    assert (protocol["real_set"]["count"], protocol["real_set"]["of"]) == (4, 4)
    assert protocol["weights"] == {
        "inception": "random, seed 0",
        "efficientnet_lite0": files.digest(Path(EFFICIENTNET) / "diffusion_pytorch_model.safetensors"),
        "lpips_random": "random, seed 0",
    }
    assert protocol["results"]["model"] == "m"
    assert protocol["fid_rank_deficient"]


def test_a_source_that_equals_its_target_does_not_make_psnr_infinite(
    evaluation_project: EvaluationProject,
) -> None:
    with write_store(Path("data/prepared.zip"), {}) as store:
        for stem in evaluation_project.stems:
            store.add_image(f"{stem}.png", random_image(stem.rsplit("_", 1)[0]))
    metrics = score_of(evaluation_project, "copy_source").metrics
    assert (metrics["psnr"], metrics["ssim_gaussian"], metrics["lpips_random"]) == (100, pytest.approx(1), 0)


def test_fid_of_the_reference_images_themselves_is_zero(evaluation_project: EvaluationProject) -> None:
    # The sources of these pairs are the training images, so the two sets are equal, though no pair is.
    evaluation_project.keep_pairs(4)
    metrics = score_of(evaluation_project, "copy_source").metrics
    assert metrics["fid_random"] == pytest.approx(0, abs=1e-6)
    assert metrics["fd_efficientnet"] == pytest.approx(0, abs=1e-3)
    assert metrics["l1"] > 0.1


def test_images_of_one_colour_are_counted_and_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    names = list(images)
    for level, name in enumerate((names[2], names[5])):
        images[name] = np.full_like(images[name], level)
    evaluation_project.add_results(members=images)
    stem = names[2].removesuffix(".png")
    with pytest.raises(
        DataError,
        match=rf"^data/results/dnaf/generated\.zip: {stem}: the .* has one colour \(2 of 6 such, by a",
    ):
        score_of(evaluation_project)


@pytest.mark.parametrize("method", ["ground_truth", "reconstruction"])
def test_the_truth_reaches_the_end_of_every_scale_and_is_not_refused(
    evaluation_project: EvaluationProject, method: str
) -> None:
    if method == "reconstruction":  # by a lossless autoencoder
        targets = {f"{pair_id(*pair)}.png": random_image(pair[1]) for pair in evaluation_project.pairs}
        evaluation_project.add_results(method, targets)
    metrics = score_of(evaluation_project, method).metrics
    assert (metrics["psnr"], metrics["ssim_gaussian"], metrics["l1"]) == (100, pytest.approx(1), 0)
    assert metrics["fid_random"] > 0  # against other photographs


def test_mean_image_may_have_one_colour(evaluation_project: EvaluationProject) -> None:
    first, second = (np.full((*SIZE, 3), level, np.uint8) for level in (0, 200))
    first[:32], second[:32] = 200, 0
    with write_store(Path("data/prepared.zip"), {}) as store:
        for number, stem in enumerate(evaluation_project.stems):
            store.add_image(f"{stem}.png", (first, second)[number % 2])
    metrics = score_of(evaluation_project, "mean_image").metrics
    assert metrics["l1"] == pytest.approx(100 / 255)


def test_wrong_source_increase_is_the_relative_rise_of_l1(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    wrong = {name: random_image(name) for name in evaluation_project.generated()}
    evaluation_project.add_results(name="wrong_source.zip", members=wrong)
    metrics = score_of(evaluation_project).metrics
    expected = np.mean(
        [l1(random_image(pair[1]), wrong[f"{pair_id(*pair)}.png"]) for pair in evaluation_project.pairs]
    )
    assert metrics["l1_wrong_source"] == pytest.approx(expected)
    assert metrics["wrong_source_increase"] == pytest.approx(expected / metrics["l1"] - 1)


def test_an_image_of_another_size_is_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    name = list(images)[4]
    images[name] = images[name][:60]
    evaluation_project.add_results(members=images)
    with pytest.raises(DataError, match=r"wrong size \(found 60x48, expected 64x48"):
        score_of(evaluation_project)


def test_an_image_that_stands_for_two_pairs_is_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    names = list(images)
    images[names[3]] = images[names[1]]
    evaluation_project.add_results(members=images)
    with pytest.raises(
        DataError,
        match=rf"{names[3][:-4]}: the .* equals another pair's \(1 of 6 such, by a PSNR over 45 dB\)",
    ):
        score_of(evaluation_project)


def test_ground_truth_given_as_a_result_is_refused(evaluation_project: EvaluationProject) -> None:
    images = evaluation_project.generated()
    source, target = evaluation_project.pairs[3]
    images[f"{pair_id(source, target)}.png"] = random_image(target)
    evaluation_project.add_results(members=images)
    with pytest.raises(DataError, match=f"{pair_id(source, target)}: the generated image equals its ground"):
        score_of(evaluation_project)


def test_images_too_small_for_the_networks_are_refused(evaluation_project: EvaluationProject) -> None:
    with pytest.raises(ConfigError, match="images too small to score"):
        score_of(evaluation_project, "copy_source", how=setting(size=(30, 30)))


def test_a_metric_that_is_not_a_number_is_refused(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_project.add_results()
    # Weights that went bad: a file whose digest is right cannot hold them.
    monkeypatch.setattr(
        Lpips, "distances", lambda self, real, generated, **_: np.full(len(generated), np.nan)
    )
    with pytest.raises(NumericalError, match="lpips_random is not finite"):
        score_of(evaluation_project)


def test_equal_images_pass_the_network_once(
    evaluation_project: EvaluationProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Features are kept for later runs: where another test scored these images, no network would see them.
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    seen: Counter[bytes] = Counter()
    original = Inception.features

    def counting(self: Inception, images: np.ndarray) -> np.ndarray:
        seen.update(image.tobytes() for image in images)
        return original(self, images)

    monkeypatch.setattr(Inception, "features", counting)
    score_of(evaluation_project, "copy_source")
    assert len(seen) == 6
    assert set(seen.values()) == {1}


def test_published_images_of_another_size_are_scored_as_the_protocol_resizes_them(
    evaluation_project: EvaluationProject,
) -> None:
    large = {
        name: encode_png(image.repeat(2, axis=0).repeat(2, axis=1))
        for name, image in evaluation_project.generated().items()
    }
    write_folder(RESULTS / "pidm/images", large)
    evaluation_project.add_results()
    published = score_of(evaluation_project, "pidm").metrics
    own = score_of(evaluation_project).metrics
    assert published["l1"] == pytest.approx(own["l1"], abs=0.02)
    assert published["protocol"]["results"]["file_type"] == "png"


def test_a_reference_set_of_other_weights_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    evaluation_project.rewrite_reference({"networks": {"inception": "0" * 64}})
    with pytest.raises(
        StateError, match=r"features of other weights of inception \(found 0+, expected random"
    ):
        score_of(evaluation_project)


def test_a_reference_set_of_another_protocol_is_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_results()
    evaluation_project.rewrite_reference({"protocol": "gfla"})
    with pytest.raises(
        StateError, match=r"another protocol \(found gfla, expected cfld\). Run reference again"
    ):
        score_of(evaluation_project)


@pytest.mark.parametrize(("moved", "expected"), [(0, 1.0), (1, 1.0), (30, 2 / 3)])
def test_pckh_counts_the_joints_of_the_generated_images_where_they_are_known(
    evaluation_project: EvaluationProject, moved: int, expected: float
) -> None:
    evaluation_project.add_keypoints()
    evaluation_project.add_results()
    found = np.round(evaluation_project.keypoints)
    found[2:8] += moved  # the arms, a third of the joints
    names = [f"{pair_id(*pair)}_vis.png" for pair in evaluation_project.pairs]
    write_annotations(RESULTS / "dnaf/keypoints.csv", names, [found] * len(names))
    scored = score_of(evaluation_project)
    assert scored.metrics["pckh"] == pytest.approx(expected)
    assert scored.metrics["pckh_low"] <= expected <= scored.metrics["pckh_high"]
    assert list(scored.table["pckh_valid"]) == [18] * 6


def test_keypoints_of_some_generated_images_alone_are_refused(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_keypoints()
    evaluation_project.add_results()
    names = [f"{pair_id(*pair)}_vis.png" for pair in evaluation_project.pairs[1:]]
    points = [np.round(evaluation_project.keypoints)] * len(names)
    write_annotations(RESULTS / "dnaf/keypoints.csv", names, points)
    with pytest.raises(DataError, match=r"keypoints.csv: .* is missing \(1 such; found 5 of 6 pairs\)"):
        score_of(evaluation_project)


def test_market_gets_metrics_without_the_background(evaluation_project: EvaluationProject) -> None:
    evaluation_project.add_keypoints()
    images = {
        name: near(random_image(target), name)
        for name, (_, target) in zip(evaluation_project.generated(), evaluation_project.pairs, strict=True)
    }
    for image in images.values():
        image[:, :10] = 0  # far from every joint
    evaluation_project.add_results(members=images)
    how = replace(setting(format_name="market1501"), protocol=PROTOCOLS["cfld"])
    metrics = score_of(evaluation_project, how=how).metrics
    assert metrics["ssim_masked"] > metrics["ssim_gaussian"]
    assert metrics["lpips_masked_random"] < metrics["lpips_random"]
    assert "95 % bootstrap over persons" in str(metrics["protocol"])


def test_a_metric_of_the_user_that_gives_a_number_without_a_column_is_refused(
    evaluation_project: EvaluationProject,
) -> None:
    evaluation_project.add_results()
    metric = PairMetric((Column("mine", "Mine", ".2f", None, "a number"),), lambda pair: {"yours": 1.0})
    with pytest.raises(ConfigError, match=r"own\.metrics: .*found yours, expected mine"):
        score_of(evaluation_project, how=replace(setting(), metrics=[metric]))


def test_a_script_may_drop_the_last_batch_of_masked_images_alone(
    evaluation_project: EvaluationProject,
) -> None:
    """As DPTN's, which computes LPIPS pair by pair, and masked LPIPS in batches of 64."""
    evaluation_project.add_keypoints()
    evaluation_project.add_results()
    small = replace(PROTOCOLS["cfld"], lpips_masked_batch=4)
    scored = score_of(evaluation_project, how=replace(setting(format_name="market1501"), protocol=small))
    table, metrics = scored.table, scored.metrics
    assert metrics["lpips_random"] == pytest.approx(table["lpips_random"].mean())
    assert metrics["lpips_masked_random"] == pytest.approx(table["lpips_masked_random"][:4].mean())
    assert table["lpips_masked_random"][:4].mean() != table["lpips_masked_random"].mean()
    assert metrics["protocol"]["dropped"] == {"lpips_masked": 2}


def test_fid_is_against_the_training_images_or_the_ground_truths_as_the_script_has_it() -> None:
    """FPDM's script keeps each ground truth of the generated images once (`np.isin`)."""
    train, targets = [Stem("a"), Stem("b"), Stem("c")], [Stem("t"), Stem("u"), Stem("t")]
    assert real_stems(PROTOCOLS["cfld"], train, targets) == ["a", "b", "c"]
    assert real_stems(PROTOCOLS["fpdm"], train, targets) == ["t", "u"]
    assert {name for name, p in PROTOCOLS.items() if p.fid_real == "ground truths"} == {"fpdm", "leffa"}


def test_every_format_says_what_its_pairs_share() -> None:
    units = {name: data_format.unit for name, data_format in FORMATS.items()}
    assert units == {"deepfashion": "outfit", "market1501": "person", "custom": "person"}
