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


# Of all initial weights, by the code of version 0.1.0: with every component; without appearance blocks,
# seed 1, 18 pose channels; and at the demo's size.
@pytest.mark.parametrize(
    ("changes", "seed", "pose_channels", "digest"),
    [
        ({}, 0, 3, "ed06a44828f66100500e4f188e298e0dedf5cddc4a56f7b9e6c6001f708acaf5"),
        (
            {"appearance_blocks": False},
            1,
            18,
            "ebeb05ff00e29b5b2b4c7a9ba0d008d9e27cf5987eb0302d425a8175b4370487",
        ),
        (
            {"channels": [32, 64], "head_dim": 32},
            0,
            3,
            "e906dba1dfed73f64ed71ac9ed4ed1f06a426d1126582dbf45d04af748c5ba9b",
        ),
    ],
)
def test_the_initial_weights_are_always_the_same_bits(
    changes: dict[str, object], seed: int, pose_channels: int, digest: str
) -> None:
    components = build(model_params(**changes), seed, pose_channels)
    sha256 = hashlib.sha256()
    # The digests are of names too, and version 0.1.0 called the autoencoder a codec.
    for component in ("unet", "autoencoder", "adapter", "style_encoder"):
        called = "codec" if component == "autoencoder" else component
        module = getattr(components, component)
        for name, tensor in sorted(module.state_dict().items()) if module else ():
            sha256.update(f"{called}.{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            sha256.update(tensor.contiguous().numpy().tobytes())
    assert sha256.hexdigest() == digest
