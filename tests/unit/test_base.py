import pytest
import torch

from dnaf.errors import ConfigError
from dnaf.model import base
from dnaf.model.noise_aware import NoiseAwareProcessor
from tests.training_project import model_params, tiny_pipeline


def weights(seed: int) -> dict[str, torch.Tensor]:
    return dict(tiny_pipeline(seed).denoiser.state_dict())


@pytest.mark.parametrize("pose_channels", [3, 18, 20])
def test_the_pose_adapter_takes_maps_of_any_number_of_channels(pose_channels: int) -> None:
    adapter = base.build_tiny(model_params(), 0, pose_channels).adapter
    assert adapter.encode_pose(torch.zeros(1, pose_channels, 32, 24))[0].shape[0] == 1
    assert adapter.config.pose_channels == pose_channels


def test_the_weights_are_a_function_of_the_seed() -> None:
    first, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["unet.conv_in.weight"], other["unet.conv_in.weight"])


def test_building_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    base.build_tiny(model_params(), 0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("part", "prefixes"),
    [
        ("pose_adapter", ("adapter.pose.",)),
        ("appearance_blocks", ("adapter.blocks.", "adapter.style_inputs.", "style_encoder.")),
    ],
)
def test_a_part_that_is_off_has_no_weights(part: str, prefixes: tuple[str, ...]) -> None:
    on, off = tiny_pipeline().denoiser.state_dict(), tiny_pipeline(**{part: False}).denoiser.state_dict()
    assert all(any(name.startswith(prefix) for name in on) for prefix in prefixes)
    assert not [name for name in off if name.startswith(prefixes)]


def test_queries_start_as_keys_so_that_like_matches_like() -> None:
    denoiser = tiny_pipeline().denoiser
    tied = [
        (module.to_q.weight, module.to_k.weight)
        for name, module in denoiser.named_modules()
        if name.endswith("attn1") or (name.startswith("adapter.blocks.") and hasattr(module, "to_q"))
    ]
    self_attentions = [p for p in denoiser.unet.attn_processors.values() if p.is_self_attention]
    assert len(tied) == 2 * len(self_attentions)
    assert all(torch.equal(query, key) for query, key in tied)
    assert all(isinstance(p, NoiseAwareProcessor) for p in self_attentions)


def test_sampling_starts_from_pure_noise() -> None:
    scheduler = base.build_tiny(model_params(), 0).scheduler
    assert float(scheduler.alphas_cumprod[-1]) < 1e-6
    scheduler.set_timesteps(4)
    assert int(scheduler.timesteps[0]) == scheduler.config.num_train_timesteps - 1


def test_an_unknown_style_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.style_encoder.*no_such_model"):
        base.build_tiny(model_params(style_encoder="no_such_model"), 0)
