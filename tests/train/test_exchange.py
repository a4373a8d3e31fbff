"""The exchange test: errors of single calls with another outfit's features in place of the own ones."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from dnaf.data.loader import PairImages
from dnaf.model.schedulers import training_schedule
from dnaf.pipeline import DNAFPipeline
from dnaf.train import exchange
from tests.helpers.training_project import TrainingProject, tiny_pipeline


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairImages:
    return PairImages(TrainingProject(tmp_path_factory.mktemp("exchange")).sources("test"))


def measured(
    pipeline: DNAFPipeline, pairs: PairImages, exchanged: Sequence[str] = exchange.EXCHANGED
) -> exchange.Errors:
    """At t = 300."""
    return exchange.x0_errors(pipeline, pairs, pairs.pairs, {300: exchanged})[300]


def changes(pairs: PairImages, **components: bool) -> dict[str, float]:
    """By what is exchanged, the change at t = 300 of a model with some components switched off."""
    errors = measured(tiny_pipeline(**components), pairs)
    full = errors.pop(exchange.FULL).mean()
    return {name: float(values.mean() / full - 1) for name, values in errors.items()}


def test_an_exchange_changes_what_the_model_has_and_nothing_else(pairs: PairImages) -> None:
    found = changes(pairs)
    assert set(found) == {
        exchange.OTHER_KV, exchange.NO_KV, exchange.CLEAN_KV,
        exchange.OTHER_TOKENS, exchange.NO_TOKENS, exchange.OTHER_BOTH,
    }  # fmt: skip
    assert all(found.values())
    without_kv = changes(pairs, noise_aware=False)
    assert {name for name, change in without_kv.items() if not change} == {
        exchange.OTHER_KV, exchange.NO_KV, exchange.CLEAN_KV,
    }  # fmt: skip
    assert without_kv[exchange.OTHER_TOKENS] == without_kv[exchange.OTHER_BOTH]
    without_tokens = changes(pairs, appearance_blocks=False)
    assert without_tokens[exchange.OTHER_TOKENS] == without_tokens[exchange.NO_TOKENS] == 0
    assert without_tokens[exchange.OTHER_KV] != 0


def test_the_other_pair_is_of_another_outfit(pairs: PairImages) -> None:
    others = exchange._of_other_outfits(pairs.pairs)
    assert len(others) == len(pairs.pairs)
    assert (others["outfit"].to_numpy() != pairs.pairs["outfit"].to_numpy()).all()


@pytest.mark.parametrize("prediction_type", ["sample", "epsilon", "v_prediction"])
def test_the_clean_latent_is_found_from_every_true_prediction(prediction_type: str) -> None:
    scheduler = tiny_pipeline().scheduler
    scheduler.register_to_config(prediction_type=prediction_type)
    schedule = training_schedule(scheduler)
    clean, noise = torch.randn(2, 1, 12, 4, 3, generator=torch.Generator().manual_seed(0))
    level = torch.tensor([400])
    truth = {
        "sample": clean, "epsilon": noise, "v_prediction": schedule.get_velocity(clean, noise, level)
    }[prediction_type]  # fmt: skip
    noisy = schedule.add_noise(clean, noise, level)
    torch.testing.assert_close(exchange.to_clean(schedule, truth, noisy, 400), clean, atol=1e-5, rtol=0)


def test_what_is_not_asked_for_is_not_measured_and_changes_nothing(pairs: PairImages) -> None:
    pipeline = tiny_pipeline()
    every = measured(pipeline, pairs)
    for exchanged in ([], [exchange.OTHER_KV], [exchange.NO_KV, exchange.OTHER_TOKENS]):
        some = measured(pipeline, pairs, exchanged)
        assert list(some) == [exchange.FULL, *exchanged]
        for name, errors in some.items():
            np.testing.assert_array_equal(errors, every[name])


@pytest.mark.parametrize("training", [True, False])
def test_a_measurement_leaves_the_model_as_it_was(pairs: PairImages, training: bool) -> None:
    pipeline = tiny_pipeline()
    pipeline.denoiser.train(training)
    before = {name: value.clone() for name, value in pipeline.denoiser.state_dict().items()}
    measured(pipeline, pairs)
    assert pipeline.denoiser.training == training
    after = pipeline.denoiser.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_noise_level_gives_the_same_alone_and_among_others(pairs: PairImages) -> None:
    pipeline = tiny_pipeline()
    asked = {150: [exchange.OTHER_KV], 300: exchange.EXCHANGED, 800: []}
    together = exchange.x0_errors(pipeline, pairs, pairs.pairs, asked)
    assert list(together) == [150, 300, 800]
    for name, errors in measured(pipeline, pairs).items():
        np.testing.assert_array_equal(errors, together[300][name])
