"""Validation: outfits held out of training, the weights they choose, and what stays of them after a kill."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from dnaf.core import files
from dnaf.core.errors import ConfigError
from dnaf.data.loader import PairImages
from dnaf.train.loop import Outputs, train
from dnaf.train.validation import Validation, hold_out
from tests.helpers.training_project import TrainingProject, model_params, tiny_pipeline, train_params

SEED = 0


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingProject:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    return TrainingProject(tmp_path)


@pytest.fixture
def pairs(project: TrainingProject) -> PairImages:
    return PairImages(project.sources("train"))


def run(project: TrainingProject, **changes: int | float) -> tuple[pd.DataFrame, dict[str, torch.Tensor]]:
    """The validation's curve and the published adapter."""
    root = project.root
    curves = root / "loss.csv", root / "validation.csv"
    outputs = Outputs(root / "data/model", *curves, root / "samples", root / "runs")
    params = train_params(**{"steps": 6, "sample_every": 2, **changes})
    train(project.sources("train"), root / "data/latents.zip", outputs, model_params(), params, SEED)
    return pd.read_csv(curves[1]), load_file(root / "data/model/adapter/diffusion_pytorch_model.safetensors")


def test_held_out_outfits_are_not_trained_on(pairs: PairImages) -> None:
    training, held_out = hold_out(pairs, 1, SEED)
    assert held_out.pairs["outfit"].nunique() == 1
    assert not set(held_out.pairs["outfit"]) & set(training.pairs["outfit"])
    together = pd.concat([training.pairs, held_out.pairs]).sort_index()
    pd.testing.assert_frame_equal(together, pairs.pairs)


def test_the_seed_alone_chooses_which_are_held_out(pairs: PairImages) -> None:
    chosen = {seed: hold_out(pairs, 1, seed)[1].pairs["outfit"].iloc[0] for seed in range(12)}
    assert len(set(chosen.values())) == 3
    assert chosen == {seed: hold_out(pairs, 1, seed)[1].pairs["outfit"].iloc[0] for seed in range(12)}


def test_without_validation_all_pairs_are_trained_on(pairs: PairImages) -> None:
    training, held_out = hold_out(pairs, 0, SEED)
    pd.testing.assert_frame_equal(training.pairs, pairs.pairs)
    assert held_out.pairs.empty


@pytest.mark.parametrize("num_outfits", [3, 4, 100])
def test_to_hold_out_everything_is_an_error(pairs: PairImages, num_outfits: int) -> None:
    with pytest.raises(
        ConfigError, match=rf"nothing to train on \(found {num_outfits}, expected less than the 3"
    ):
        hold_out(pairs, num_outfits, SEED)


def test_the_weights_of_the_least_error_are_kept(pairs: PairImages) -> None:
    validation, pipeline = Validation(hold_out(pairs, 2, SEED)[1]), tiny_pipeline()
    weights = dict(pipeline.adapter.named_parameters())
    for step in range(1, 5):
        with torch.no_grad():
            for index, weight in enumerate(weights.values()):
                weight.add_(
                    torch.randn(weight.shape, generator=torch.Generator().manual_seed(index + 99 * step)) / 50
                )
        before = validation.best
        validation.add(step, pipeline, weights)
        if validation.best_step == step:
            assert all(torch.equal(validation.best[name], weight) for name, weight in weights.items())
        else:
            assert validation.best is before
    errors = [row["x0_error"] for row in validation.rows]
    assert validation.best_step == 1 + errors.index(min(errors))
    assert all(error > 0 for error in errors)
    assert all(row["other_features"] != 0 for row in validation.rows)


def test_a_model_without_noise_aware_features_has_no_use_of_others(pairs: PairImages) -> None:
    validation = Validation(pairs)
    validation.add(1, tiny_pipeline(noise_aware=False), {})
    assert validation.rows[0]["other_features"] == 0


def test_a_run_publishes_the_weights_that_its_curve_calls_best(project: TrainingProject) -> None:
    wild = {"lr": 1.0, "lr_warmup_steps": 4, "ema_decay": 0.0, "steps": 4, "batch_size": 4, "sample_every": 1}
    curve, published = run(project, **wild)
    assert curve["step"].tolist() == [1, 2, 3, 4]
    best = int(curve["step"][curve["x0_error"].idxmin()])
    about = files.require_complete(project.root / "data/model")
    assert (about["steps"], about["chosen_step"], about["validation_outfits"]) == (4, best, 2)
    assert best != 4, "of so wild a training the last step should not be the best"
    _, last = run(project, **wild, validation_outfits=0)
    assert any(not torch.equal(published[name], last[name]) for name in last)


def test_a_run_without_validation_publishes_its_last_weights_and_a_curve_without_rows(
    project: TrainingProject,
) -> None:
    curve, _ = run(project, validation_outfits=0)
    assert list(curve) == ["step", "x0_error", "other_features"]
    assert curve.empty
    assert "chosen_step" not in files.require_complete(project.root / "data/model")
