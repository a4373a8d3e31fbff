import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from torch._dynamo.testing import CompileCounterWithBackend

from dnaf.core.errors import BaseModelError
from dnaf.model.conditioning.adapter import DNAFAdapter, style_levels
from dnaf.model.conditioning.noise_aware import NoiseAwareProcessor
from dnaf.model.denoiser import DNAFDenoiser, Encoded
from tests.helpers.training_project import Inputs, one_loss, random_inputs, tiny_pipeline

TIMESTEP = torch.tensor(600)
COMPONENTS = ("pose_adapter", "appearance_blocks", "noise_aware", "style_pose")


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """Two orders of the same sums then agree to 1e-6 on every processor; only group norms stay in float32."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def denoiser() -> DNAFDenoiser:
    return tiny_pipeline().denoiser.eval()


@pytest.fixture
def inputs() -> Inputs:
    return random_inputs(num_styles=2, num_targets=3)


STYLE_INDEX = torch.tensor([1, 0, 1])


def encode(denoiser: DNAFDenoiser, inputs: Inputs) -> Encoded:
    return denoiser.encode(inputs.style, inputs.style_pose_map, inputs.pose_map)


def plain_unet(denoiser: DNAFDenoiser) -> UNet2DConditionModel:
    """The same weights in an untouched UNet of diffusers."""
    unet = UNet2DConditionModel.from_config(denoiser.unet.config)
    unet.load_state_dict(denoiser.unet.state_dict())
    unet.set_attn_processor(AttnProcessor2_0())
    return unet


def plain_output(
    denoiser: DNAFDenoiser, latent: torch.Tensor, residuals: list[torch.Tensor] | None = None
) -> torch.Tensor:
    prompt = denoiser.adapter.prompt_embedding.expand(len(latent), -1, -1)
    return plain_unet(denoiser)(
        latent, TIMESTEP, prompt, down_intrablock_additional_residuals=residuals, return_dict=False
    )[0]


def pretrained_start(noise_aware: bool) -> DNAFDenoiser:
    """A denoiser as it starts on a pretrained UNet: everything that is added gives zeros."""
    pipeline = tiny_pipeline()
    style_encoder = pipeline.style_encoder
    adapter = DNAFAdapter.from_unet(
        pipeline.unet,
        pipeline.adapter.prompt_embedding,
        list(style_encoder.channels),
        style_encoder.maps_of(style_levels(pipeline.unet, 2)),
        downscale=2,
        noise_aware=noise_aware,
    )
    unet = UNet2DConditionModel.from_config(pipeline.unet.config)
    return DNAFDenoiser(unet, adapter, copy.deepcopy(style_encoder)).eval()


@torch.no_grad()
def test_what_is_added_starts_as_the_plain_unet_bit_for_bit(inputs: Inputs) -> None:
    denoiser = pretrained_start(noise_aware=False)
    ours = denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX)
    plain = plain_unet(denoiser)
    plain.set_attn_processor(dict(denoiser.unet.attn_processors))  # the same arithmetic on both sides
    prompt = denoiser.adapter.prompt_embedding.expand(3, -1, -1)
    assert torch.equal(ours, plain(inputs.noise, TIMESTEP, prompt, return_dict=False)[0])
    torch.testing.assert_close(ours, plain_output(denoiser, inputs.noise), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_sharing_changes_the_output_from_the_start(inputs: Inputs) -> None:
    denoiser = pretrained_start(noise_aware=True)
    ours = denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX)
    assert (ours - plain_output(denoiser, inputs.noise)).abs().max() > 1e-4


@torch.no_grad()
def test_a_style_that_equals_the_target_changes_nothing(inputs: Inputs) -> None:
    denoiser = pretrained_start(noise_aware=True)
    same = inputs.noise[:2]
    targets = same[STYLE_INDEX]
    ours = denoiser.denoise(targets, same, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX)
    torch.testing.assert_close(ours, plain_output(denoiser, targets), atol=1e-6, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("style_grad", [False, True])
def test_a_target_without_style_is_the_plain_unet_with_its_pose(
    denoiser: DNAFDenoiser, inputs: Inputs, style_grad: bool
) -> None:
    encoded, keep = encode(denoiser, inputs), torch.zeros(3, dtype=torch.bool)
    ours = denoiser.denoise(
        inputs.noise, inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX, keep, style_grad
    )
    plain = plain_output(denoiser, inputs.noise, list(encoded.residuals))
    torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("style_grad", [False, True])
@pytest.mark.parametrize("off", [None, "noise_aware", "appearance_blocks", "pose_adapter"])
def test_unconditional_rows_are_the_plain_unet_and_change_no_other_row(
    inputs: Inputs, off: str | None, style_grad: bool
) -> None:
    denoiser = tiny_pipeline(**({off: False} if off else {})).denoiser.eval()
    encoded = encode(denoiser, inputs)
    both = denoiser.denoise(
        inputs.noise.repeat(2, 1, 1, 1),
        inputs.style_noise,
        TIMESTEP,
        encoded.repeat_targets(2),
        STYLE_INDEX,
        style_grad=style_grad,
        num_unconditional=3,
    )
    alone = denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX)
    torch.testing.assert_close(both[3:], alone, atol=1e-6, rtol=1e-5)
    plain = plain_output(denoiser, inputs.noise, list(encoded.residuals) or None)
    torch.testing.assert_close(both[:3], plain, atol=1e-6, rtol=1e-5)  # of another attention kernel


@torch.no_grad()
def test_unconditional_rows_are_the_unet_bit_for_bit(inputs: Inputs) -> None:
    """Styles and targets left out, the same arithmetic runs on both sides."""
    denoiser = pretrained_start(noise_aware=True)
    encoded = encode(denoiser, inputs)
    encoded = replace(encoded, style_residuals=[residual[:0] for residual in encoded.style_residuals])
    ours = denoiser.denoise(
        inputs.noise,
        inputs.style_noise[:0],
        TIMESTEP,
        encoded,
        torch.empty(0, dtype=torch.long),
        num_unconditional=3,
    )
    plain = plain_unet(denoiser)
    plain.set_attn_processor(dict(denoiser.unet.attn_processors))
    prompt = denoiser.adapter.prompt_embedding.expand(3, -1, -1)
    assert torch.equal(ours, plain(inputs.noise, TIMESTEP, prompt, return_dict=False)[0])


@torch.no_grad()
@pytest.mark.parametrize("keep", [None, [True, False, True]])
@pytest.mark.parametrize("form", [{}, {"style_pose": False}, {"style_tokens": False}, {"clean_style": True}])
def test_the_joint_pass_equals_the_recorded_one(
    inputs: Inputs, keep: list[bool] | None, form: dict[str, bool]
) -> None:
    denoiser = tiny_pipeline(**form).denoiser.eval()
    mask, encoded = None if keep is None else torch.tensor(keep), encode(denoiser, inputs)
    joint, recorded = (
        denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX, mask, style_grad)
        for style_grad in (True, False)
    )
    torch.testing.assert_close(joint, recorded, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_style_features_do_not_depend_on_the_target_or_its_pose(
    denoiser: DNAFDenoiser, inputs: Inputs
) -> None:
    other_pose = denoiser.encode(inputs.style, inputs.style_pose_map, 1 - inputs.pose_map)
    first = denoiser.record(inputs.style_noise, TIMESTEP, encode(denoiser, inputs))
    second = denoiser.record(inputs.style_noise, TIMESTEP, other_pose)
    assert first.keys() == {name for name in denoiser.unet.attn_processors if "attn1" in name}
    for name, features in first.items():
        assert torch.equal(features, second[name]), name


@torch.no_grad()
def test_style_features_depend_on_the_source_s_own_pose(denoiser: DNAFDenoiser, inputs: Inputs) -> None:
    other = denoiser.encode(inputs.style, 1 - inputs.style_pose_map, inputs.pose_map)
    first = denoiser.record(inputs.style_noise, TIMESTEP, encode(denoiser, inputs))
    second = denoiser.record(inputs.style_noise, TIMESTEP, other)
    assert any((features - second[name]).abs().max() > 1e-4 for name, features in first.items())


@torch.no_grad()
def test_style_features_depend_on_the_source_s_own_tokens_unless_they_are_left_out(inputs: Inputs) -> None:
    for style_tokens in (True, False):
        denoiser = tiny_pipeline(style_tokens=style_tokens).denoiser.eval()
        encoded = encode(denoiser, inputs)
        first = denoiser.record(inputs.style_noise, TIMESTEP, encoded)
        without = denoiser.record(inputs.style_noise, TIMESTEP, replace(encoded, appearance={}))
        differs = any((features - without[name]).abs().max() > 1e-4 for name, features in first.items())
        assert differs == style_tokens


@torch.no_grad()
@pytest.mark.parametrize("style_grad", [True, False])
def test_a_clean_style_is_seen_at_timestep_0_and_the_target_at_its_own(
    inputs: Inputs, style_grad: bool
) -> None:
    denoiser = tiny_pipeline(clean_style=True).denoiser.eval()
    encoded = encode(denoiser, inputs)
    assert denoiser.style_timestep(TIMESTEP) == 0
    ours = denoiser.denoise(
        inputs.noise, inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX, style_grad=style_grad
    )
    cache = denoiser.record(
        inputs.style_noise[STYLE_INDEX],
        torch.tensor(0),
        denoiser.encode(inputs.style[STYLE_INDEX], inputs.style_pose_map[STYLE_INDEX], inputs.pose_map),
    )
    each = denoiser.encode(inputs.style[STYLE_INDEX], inputs.style_pose_map[STYLE_INDEX], inputs.pose_map)
    torch.testing.assert_close(
        ours, denoiser.denoise_recorded(inputs.noise, TIMESTEP, each, cache), atol=1e-6, rtol=1e-5
    )


@torch.no_grad()
def test_the_order_of_targets_does_not_matter(denoiser: DNAFDenoiser, inputs: Inputs) -> None:
    order = torch.tensor([2, 0, 1])
    ours = denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX)
    encoded = denoiser.encode(inputs.style, inputs.style_pose_map, inputs.pose_map[order])
    moved = denoiser.denoise(inputs.noise[order], inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX[order])
    torch.testing.assert_close(moved, ours[order], atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_targets_that_share_a_style_row_get_what_separate_rows_give(
    denoiser: DNAFDenoiser, inputs: Inputs
) -> None:
    ours = denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX)
    encoded = denoiser.encode(inputs.style[STYLE_INDEX], inputs.style_pose_map[STYLE_INDEX], inputs.pose_map)
    separate = denoiser.denoise(
        inputs.noise, inputs.style_noise[STYLE_INDEX], TIMESTEP, encoded, torch.arange(3)
    )
    torch.testing.assert_close(separate, ours, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_every_target_sees_its_own_style_only(denoiser: DNAFDenoiser, inputs: Inputs) -> None:
    ours = denoiser.denoise(inputs.noise, inputs.style_noise, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX)
    inputs.style[0], inputs.style_noise[0] = -inputs.style[0], -inputs.style_noise[0]
    changed = denoiser.denoise(
        inputs.noise, inputs.style_noise, TIMESTEP, encode(denoiser, inputs), STYLE_INDEX
    )
    torch.testing.assert_close(changed[[0, 2]], ours[[0, 2]], atol=1e-6, rtol=1e-5)
    assert (changed[1] - ours[1]).abs().max() > 1e-3


@pytest.mark.parametrize("style_grad", [False, True])
@pytest.mark.parametrize("off", [None, *COMPONENTS])
def test_every_parameter_is_trained(off: str | None, style_grad: bool) -> None:
    denoiser = tiny_pipeline(channels=[8, 16, 24], **({off: False} if off else {})).denoiser
    one_loss(denoiser, style_grad).backward()
    assert [name for name, parameter in denoiser.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("style_grad", [False, True])
def test_only_trainable_parameters_get_gradients(style_grad: bool) -> None:
    """As on a frozen base: UNet and style encoder pass gradients on and keep none."""
    denoiser = tiny_pipeline(channels=[8, 16, 24]).denoiser
    denoiser.unet.requires_grad_(False)
    denoiser.style_encoder.requires_grad_(False)
    one_loss(denoiser, style_grad).backward()
    with_gradient = {name for name, parameter in denoiser.named_parameters() if parameter.grad is not None}
    assert with_gradient == {f"adapter.{name}" for name, _ in denoiser.adapter.named_parameters()}


@torch.no_grad()
def test_compiling_captures_one_graph_and_changes_nothing(denoiser: DNAFDenoiser, inputs: Inputs) -> None:
    encoded, latents = encode(denoiser, inputs).repeat_targets(2), inputs.noise.repeat(2, 1, 1, 1)
    torch.compiler.reset()
    graphs = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(denoiser.denoise, fullgraph=True, backend=graphs)
    arguments = (latents, inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX)
    ours = compiled(*arguments, num_unconditional=3)
    assert graphs.frame_count == 1
    eager = denoiser.denoise(*arguments, num_unconditional=3)
    torch.testing.assert_close(ours, eager, atol=1e-6, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("style_grad", [False, True])
def test_the_poses_of_styles_may_be_withheld_from_the_style_branch(inputs: Inputs, style_grad: bool) -> None:
    denoiser = tiny_pipeline(style_pose=False).denoiser.eval()
    other = denoiser.encode(inputs.style, 1 - inputs.style_pose_map, inputs.pose_map)
    first, second = (
        denoiser.denoise(
            inputs.noise, inputs.style_noise, TIMESTEP, encoded, STYLE_INDEX, style_grad=style_grad
        )
        for encoded in (encode(denoiser, inputs), other)
    )
    assert torch.equal(first, second)


def test_every_attention_of_the_unet_is_ours(denoiser: DNAFDenoiser, inputs: Inputs) -> None:
    encode(denoiser, inputs)
    processors = denoiser.unet.attn_processors
    assert len(processors) >= 6
    for name, processor in processors.items():
        assert isinstance(processor, NoiseAwareProcessor), name
        assert processor.is_self_attention == ("attn1" in name), name


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda unet: unet.fuse_qkv_projections(), "FusedAttnProcessor2_0"),
        (lambda unet: unet.set_attention_slice("max"), "SlicedAttnProcessor"),
    ],
    ids=["fused", "sliced"],
)
def test_replaced_attention_processors_are_refused(
    denoiser: DNAFDenoiser, inputs: Inputs, change: Callable[[UNet2DConditionModel], None], found: str
) -> None:
    encode(denoiser, inputs)
    change(denoiser.unet)
    with pytest.raises(BaseModelError, match=rf"attn1.processor: not DNAF's processor .found {found}"):
        encode(denoiser, inputs)
