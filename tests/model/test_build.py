import hashlib

import pytest
import torch

from dnaf.core.errors import ConfigError
from dnaf.model.build import build
from tests.helpers.training_project import model_params, tiny_pipeline


def weights(seed: int) -> dict[str, torch.Tensor]:
    return dict(tiny_pipeline(seed).denoiser.state_dict())


@pytest.mark.parametrize("pose_channels", [3, 18, 20])
def test_the_pose_adapter_takes_maps_of_any_number_of_channels(pose_channels: int) -> None:
    adapter = build(model_params(), 0, pose_channels).adapter
    assert adapter.encode_pose(torch.zeros(1, pose_channels, 32, 24))[0].shape[0] == 1
    assert adapter.config.pose_channels == pose_channels


def test_the_weights_are_a_function_of_the_seed() -> None:
    first, again, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["unet.conv_in.weight"], other["unet.conv_in.weight"])


def test_building_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    build(model_params(), 0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("component", "prefixes"),
    [
        ("pose_adapter", ("adapter.pose.",)),
        ("appearance_blocks", ("adapter.blocks.", "adapter.style_inputs.", "style_encoder.")),
    ],
)
def test_a_component_that_is_off_has_no_weights(component: str, prefixes: tuple[str, ...]) -> None:
    on, off = tiny_pipeline().denoiser.state_dict(), tiny_pipeline(**{component: False}).denoiser.state_dict()
    assert all(any(name.startswith(prefix) for name in on) for prefix in prefixes)
    assert not [name for name in off if name.startswith(prefixes)]


def test_queries_start_as_keys_so_that_like_matches_like() -> None:
    denoiser = tiny_pipeline().denoiser
    tied = [
        (module.to_q.weight, module.to_k.weight)
        for name, module in denoiser.named_modules()
        if name.endswith("attn1") or (name.startswith("adapter.blocks.") and hasattr(module, "to_q"))
    ]
    assert len(tied) == 2 * len([name for name in denoiser.unet.attn_processors if "attn1" in name])
    assert all(torch.equal(query, key) for query, key in tied)


def test_sampling_starts_from_pure_noise() -> None:
    scheduler = build(model_params(), 0).scheduler
    assert float(scheduler.alphas_cumprod[-1]) < 1e-6
    scheduler.set_timesteps(4)
    assert int(scheduler.timesteps[0]) == scheduler.config.num_train_timesteps - 1


def test_an_unknown_style_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.style_encoder.*no_such_model"):
        build(model_params(style_encoder="no_such_model"), 0)


# All initial weights, as the code of version 0.1.0 draws them: with every component; without appearance
# blocks, seed 1, 18 pose channels; and at the demo's size. Their last bits depend on the processor.
@pytest.mark.parametrize(
    ("changes", "seed", "pose_channels", "names", "projection"),
    [
        ({}, 0, 3, "4bbffb5f852c9163eda9ab9bffe4b7a53aaca96d55e7084378c68390e91acb67", -22.254607),
        (
            {"appearance_blocks": False},
            1,
            18,
            "efab5b4da544862a4c1333ac387cf3febe3605e22c0d0f22d45876cdc459547d",
            8.329542,
        ),
        (
            {"channels": [32, 64], "head_dim": 32},
            0,
            3,
            "85a9de73d6070f128dd959617f8bec2571f6371d4ddc34e4d0edca1a1ce789e2",
            -7.643792,
        ),
    ],
)
def test_the_initial_weights_are_always_the_same(
    changes: dict[str, object], seed: int, pose_channels: int, names: str, projection: float
) -> None:
    components = build(model_params(**changes), seed, pose_channels)
    sha256, weights = hashlib.sha256(), []
    # The digests are of names too, and version 0.1.0 called the autoencoder a codec.
    for component in ("unet", "autoencoder", "adapter", "style_encoder"):
        called = "codec" if component == "autoencoder" else component
        module = getattr(components, component)
        for name, tensor in sorted(module.state_dict().items()) if module else ():
            sha256.update(f"{called}.{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            weights.append(tensor.double().flatten())
    values = torch.cat(weights)
    # Each weight by a factor of its own: one that changed, or two that were exchanged, change the sum.
    found = float(values @ torch.arange(len(values), dtype=torch.float64).cos())
    assert sha256.hexdigest() == names
    assert found == pytest.approx(projection, abs=1e-3)
