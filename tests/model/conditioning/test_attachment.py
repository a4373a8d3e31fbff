"""Any number of pipelines on one UNet; the UNet is plain before the first and after the last."""

import copy
import gc

import pytest
import torch
from diffusers import UNet2DConditionModel

from dnaf.model.conditioning.noise_aware import NoiseAwareProcessor
from dnaf.pipeline import DNAFPipeline
from tests.helpers.training_project import random_inputs, tiny_pipeline

TIMESTEP = torch.tensor(600)


def image(pipeline: DNAFPipeline) -> torch.Tensor:
    inputs = random_inputs(1, 1)
    result: torch.Tensor = pipeline(
        style=inputs.image,
        style_pose_map=inputs.style_pose_map,
        pose_map=inputs.pose_map,
        num_inference_steps=2,
        latents=inputs.noise,
        style_noise=inputs.style_noise,
        output_type="pt",
    ).images
    return result


def another(pipeline: DNAFPipeline, seed: int | None = None) -> DNAFPipeline:
    """A second pipeline on the same UNet, with the same adapter or with one of other weights."""
    components = dict(pipeline.components)
    if seed is not None:
        components["adapter"] = tiny_pipeline(seed).adapter
    second = DNAFPipeline(**components)
    second.set_progress_bar_config(disable=True)
    return second


@torch.no_grad()
def plain(unet: UNet2DConditionModel) -> torch.Tensor:
    prompt = torch.zeros(1, 4, unet.config.cross_attention_dim)
    output: torch.Tensor = unet(random_inputs(1, 1).noise, TIMESTEP, prompt, return_dict=False)[0]
    return output


def is_plain(unet: UNet2DConditionModel) -> bool:
    ours = [each for each in unet.attn_processors.values() if isinstance(each, NoiseAwareProcessor)]
    return not ours and not any(module._forward_pre_hooks for module in unet.modules())


def test_pipelines_of_one_unet_give_the_bits_of_one() -> None:
    pipeline = tiny_pipeline()
    alone = image(pipeline)
    others = [another(pipeline) for _ in range(3)]
    assert all(torch.equal(image(each), alone) for each in (*others, pipeline))


def test_adapters_on_one_unet_do_not_see_each_other() -> None:
    first = tiny_pipeline()
    of_first = image(first)
    second = another(first, seed=1)
    of_second = image(second)
    assert not torch.equal(of_first, of_second)
    assert torch.equal(image(first), of_first)
    del first
    gc.collect()
    assert torch.equal(image(second), of_second)


def test_the_unet_is_plain_before_the_first_call_and_after_the_last_pipeline() -> None:
    pipeline = tiny_pipeline()
    unet, alone = pipeline.unet, image(tiny_pipeline())
    before, processors = plain(unet), dict(unet.attn_processors)
    assert is_plain(unet)
    second = another(pipeline)
    assert torch.equal(image(pipeline), alone)
    assert torch.equal(image(second), alone)
    assert not is_plain(unet)
    del pipeline
    gc.collect()
    assert torch.equal(image(second), alone)
    del second
    gc.collect()
    assert is_plain(unet)
    assert unet.attn_processors == processors
    assert torch.equal(plain(unet), before)


@pytest.mark.parametrize("whole", [False, True])
def test_a_copy_of_a_unet_in_use_has_pipelines_of_its_own(whole: bool) -> None:
    pipeline = tiny_pipeline()
    alone = image(pipeline)
    if whole:
        copied = DNAFPipeline(**copy.deepcopy(pipeline.components))
    else:
        copied = DNAFPipeline(**{**pipeline.components, "unet": copy.deepcopy(pipeline.unet)})
    assert copied.unet is not pipeline.unet
    copied.set_progress_bar_config(disable=True)
    assert torch.equal(image(copied), alone)
    unet = copied.unet
    del copied
    gc.collect()
    assert is_plain(unet)
    assert torch.equal(image(pipeline), alone)


def test_a_copied_denoiser_attaches_to_its_own_unet() -> None:
    pipeline = tiny_pipeline()
    image(pipeline)
    copied = copy.deepcopy(pipeline.denoiser)
    unet = copied.unet
    assert not is_plain(unet)
    del copied
    gc.collect()
    assert is_plain(unet)
    assert not is_plain(pipeline.unet)


def test_diffusers_default_processors_are_taken_for_what_they_are() -> None:
    pipeline = tiny_pipeline()
    pipeline.unet.set_default_attn_processor()
    assert torch.equal(image(pipeline), image(tiny_pipeline()))
