from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch.utils.data import default_collate

from dnaf.core import config
from dnaf.data.loader import PairImages, Sources, TrainingPairs
from dnaf.pipeline import DNAFPipeline
from dnaf.train.precision import Precision
from dnaf.train.step import Batch, Learner
from tests.helpers.training_project import TrainingProject, tiny_pipeline, train_params

EIGHT: dict[str, Any] = {"batch_size": 8, "lr_warmup_steps": 0}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return TrainingProject(tmp_path_factory.mktemp("project")).sources("train")


def batch(sources: Sources, step: int) -> Batch:
    """The eight examples of a step."""
    pairs = TrainingPairs(PairImages(sources), seed=0, mirror=0.5)
    collated: Batch = default_collate([pairs[position] for position in range(8 * step, 8 * step + 8)])
    return collated


def learner(pipeline: DNAFPipeline | None = None, **changes: Any) -> Learner:
    """One of the smallest model, on the CPU."""
    params = train_params(**{**EIGHT, **changes})
    precision = Precision(params.mixed_precision, torch.device("cpu"))
    return Learner(pipeline or tiny_pipeline(), Accelerator(cpu=True), precision, params, seed=0)


def with_frozen_unet() -> DNAFPipeline:
    pipeline = tiny_pipeline()
    pipeline.unet.requires_grad_(False)
    return pipeline


def run(each: Learner, sources: Sources, steps: range) -> None:
    for step in steps:
        each.backward(step, batch(sources, step))
        each.update(step)


def assert_same(first: Learner, second: Learner) -> None:
    one, two = first.state(0, []), second.state(0, [])
    assert one.scaler == two.scaler
    for name, weight in one.weights.items():
        assert torch.equal(weight, two.weights[name]), name
        assert torch.equal(one.ema[name], two.ema[name]), name
    for index, state in one.optimizer["state"].items():
        for name, tensor in state.items():
            assert torch.equal(tensor, two.optimizer["state"][index][name]), name


@pytest.mark.parametrize("style_grad", [False, True])
def test_sources_that_an_example_does_not_have_change_nothing(sources: Sources, style_grad: bool) -> None:
    # Two views of each outfit: no pair has a further source.
    pairs = TrainingPairs(PairImages(sources), seed=0, mirror=0.5, max_sources=3)
    padded: Batch = default_collate([pairs[position] for position in range(8)])
    assert not padded["has_other"].any()
    one, three = (learner(max_sources=number, style_grad=style_grad) for number in (1, 3))
    (loss, norm), (padded_loss, padded_norm) = one.backward(0, batch(sources, 0)), three.backward(0, padded)
    assert padded_loss == pytest.approx(loss, rel=1e-6)
    assert padded_norm == pytest.approx(norm, rel=1e-3)  # oneDNN chooses convolutions by the number of rows


@pytest.mark.parametrize("style_grad", [False, True])
def test_a_further_source_is_trained_with(sources: Sources, style_grad: bool) -> None:
    pairs = TrainingPairs(PairImages(sources), seed=0, mirror=0.5, max_sources=2)
    padded: Batch = default_collate([pairs[position] for position in range(8)])
    known = {**padded, "has_other": torch.ones_like(padded["has_other"])}
    known["other_source"] = known["other_source"].flip(0)
    absent, there = (
        learner(max_sources=2, style_grad=style_grad).backward(0, each)[0] for each in (padded, known)
    )
    assert absent != there


@pytest.mark.parametrize("accumulate", [2, 4, 8])
def test_a_batch_gives_the_same_gradient_in_however_many_micro_batches(
    sources: Sources, accumulate: int
) -> None:
    # L1 has a kink: where a prediction meets the truth, the last bit of both decides over a gradient's sign.
    whole, accumulated = learner(loss="mse"), learner(loss="mse", accumulate=accumulate)
    expected = whole.backward(0, batch(sources, 0))
    assert accumulated.backward(0, batch(sources, 0)) == pytest.approx(expected, rel=1e-5)
    for name, weight in whole.weights.items():
        torch.testing.assert_close(accumulated.weights[name].grad, weight.grad, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("mode", ["no", "bf16", "fp16"])
def test_a_restored_learner_goes_on_with_the_same_bits(sources: Sources, mode: config.MixedPrecision) -> None:
    straight, before, after = (learner(mixed_precision=mode, accumulate=2) for _ in range(3))
    run(straight, sources, range(4))
    run(before, sources, range(2))
    after.restore(before.state(2, []))
    run(after, sources, range(2, 4))
    assert_same(after, straight)


def test_what_is_frozen_is_neither_trained_nor_averaged_nor_kept(sources: Sources) -> None:
    pipeline = with_frozen_unet()
    before = {name: tensor.clone() for name, tensor in pipeline.unet.state_dict().items()}
    each = learner(pipeline)
    run(each, sources, range(2))
    state = each.state(2, [])
    assert state.weights.keys() == state.ema.keys()
    assert {name.split(".")[0] for name in state.weights} == {"adapter", "style_encoder"}
    assert len(state.optimizer["state"]) == len(state.weights)
    assert all(torch.equal(tensor, before[name]) for name, tensor in pipeline.unet.state_dict().items())


def test_a_loss_scale_too_high_leaves_the_step_out_and_halves_itself(sources: Sources) -> None:
    params = train_params(**EIGHT, mixed_precision="fp16")
    precision = Precision("fp16", torch.device("cpu"))
    each = Learner(tiny_pipeline(), Accelerator(cpu=True), precision, params, seed=0)
    before = each.state(0, [])
    before.scaler["scale"] = 2.0**60
    before.weights = {name: weight.clone() for name, weight in before.weights.items()}
    each.restore(before)
    _, norm = each.backward(0, batch(sources, 0))
    assert not precision.has_failed(norm)
    each.update(0)
    after = each.state(1, [])
    assert after.scaler["scale"] == 2.0**59
    assert all(torch.equal(weight, before.weights[name]) for name, weight in after.weights.items())


def test_a_gradient_that_no_scale_makes_finite_has_failed() -> None:
    half, full = (Precision(mode, torch.device("cpu")) for mode in ("fp16", "no"))
    assert full.has_failed(float("nan"))
    assert not full.has_failed(1.0)
    half.scaler.load_state_dict({**half.scaler.state_dict(), "scale": 1.0})
    assert half.has_failed(float("inf"))
    assert not half.has_failed(1.0)


def test_a_checkpoint_of_other_weights_is_refused() -> None:
    with pytest.raises(KeyError):
        learner().restore(learner(with_frozen_unet()).state(0, []))
