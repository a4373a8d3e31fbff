import pytest
import torch

from dnaf.core.errors import ConfigError
from dnaf.model.style_encoder import StyleEncoder
from tests.helpers import training_project  # noqa: F401  one thread
from tests.helpers.no_network import no_network

FAMILIES = [
    "test_convnext",
    "test_resnet",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "pvt_v2_b0",
]


@pytest.mark.parametrize("size", [(64, 48), (96, 64)])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_maps_of_the_promised_shape(name: str, size: tuple[int, int]) -> None:
    encoder = StyleEncoder.for_levels(name, {0: 4, 1: 8})
    maps = encoder(torch.rand(2, 3, *size) * 2 - 1)
    assert encoder.reductions == (4, 8)
    expected = [
        (2, channels, size[0] // reduction, size[1] // reduction)
        for channels, reduction in zip(encoder.channels, encoder.reductions, strict=True)
    ]
    assert [tuple(m.shape) for m in maps] == expected


@pytest.mark.parametrize("name", FAMILIES)
def test_only_what_the_maps_need_is_built(name: str) -> None:
    encoder = StyleEncoder.for_levels(name, {0: 4})
    sum(m.square().mean() for m in encoder(torch.rand(1, 3, 64, 48))).backward()
    assert [key for key, parameter in encoder.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("name", FAMILIES)
def test_training_mode_has_no_randomness_and_no_state(name: str) -> None:
    encoder = StyleEncoder.for_levels(name, {0: 4, 1: 8})
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    style = torch.rand(2, 3, 64, 48)
    trained = encoder.train()(style)
    for first, second in zip(trained, encoder.eval()(style), strict=True):
        torch.testing.assert_close(first, second, atol=0, rtol=0)
    for key, value in encoder.state_dict().items():
        assert torch.equal(value, before[key]), key


@torch.no_grad()
def test_the_style_is_shown_in_another_size_and_its_maps_count_pixels_of_the_image() -> None:
    full = StyleEncoder.for_levels("test_convnext", {0: 4, 1: 8}).eval()
    half = StyleEncoder.for_levels("test_convnext", {0: 8, 1: 16}, style_scale=0.5).eval()
    half.backbone.load_state_dict(full.backbone.state_dict())
    assert half.reductions == (8, 16)
    assert half.config.map_indices == full.config.map_indices
    small = torch.rand(1, 3, 32, 24) * 2 - 1
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    maps = half(large)
    assert [m.shape for m in maps] == [m.shape for m in full(small)]
    half.set_scale(1.0)
    assert half.reductions == (4, 8)
    for ours, theirs in zip(half(small), full(small), strict=True):
        assert torch.equal(ours, theirs)


@torch.no_grad()
def test_a_plain_style_is_resized_without_a_change_of_colour() -> None:
    encoder = StyleEncoder.for_levels("test_resnet", {0: 8}, style_scale=0.5).eval()
    plain = torch.full((1, 3, 64, 48), 0.25)
    [resized] = encoder(plain)
    encoder.set_scale(1.0)
    [direct] = encoder(plain[..., :32, :24])
    torch.testing.assert_close(resized, direct, atol=1e-5, rtol=1e-5)


def test_a_level_reads_the_map_nearest_by_ratio() -> None:
    encoder = StyleEncoder("test_resnet", [0, 1, 2, 3])
    assert encoder.reductions == (2, 4, 8, 16)
    chosen = encoder.maps_of(dict(enumerate([1, 2, 4, 5, 6, 64])))
    assert chosen == dict(enumerate([0, 0, 1, 1, 2, 3]))


def test_coarser_is_the_map_nearest_to_twice_the_levels_cell() -> None:
    levels = {0: 4, 1: 8}
    encoder = StyleEncoder.for_levels("test_resnet", levels, level_mapping="coarser")
    assert encoder.reductions == (8, 16)
    assert encoder.maps_of(levels, "coarser") == {0: 0, 1: 1}


def test_by_index_a_level_reads_the_map_of_its_index_whatever_its_size() -> None:
    encoder = StyleEncoder.for_levels("test_convnext", {1: 2, 3: 4}, level_mapping="index")
    assert encoder.config.map_indices == [1, 3]
    assert encoder.reductions == (8, 32)
    assert encoder.maps_of({1: 2, 3: 4}, "index") == {1: 0, 3: 1}


def test_both_mappings_agree_where_the_maps_have_the_levels_sizes() -> None:
    levels = {0: 8, 1: 16, 2: 32, 3: 64}  # Stable Diffusion's, with the style in half its size
    encoders = [
        StyleEncoder.for_levels("test_convnext", levels, 0.5, mapping) for mapping in ("nearest", "index")
    ]
    assert encoders[0].config.map_indices == encoders[1].config.map_indices == [0, 1, 2, 3]
    assert encoders[0].maps_of(levels) == encoders[1].maps_of(levels, "index") == {i: i for i in levels}


def test_a_level_without_a_map_of_its_index_is_refused_with_what_to_do() -> None:
    expected = r"model.level_mapping: level 4 .* \(found 0, 1, 2, 3 of test_convnext\). Set it to nearest"
    with pytest.raises(ConfigError, match=expected):
        StyleEncoder.for_levels("test_convnext", {4: 64}, level_mapping="index")
    given = StyleEncoder("test_convnext", [0])
    with pytest.raises(ConfigError, match=r"level 1 of the UNet .* \(found 0 of test_convnext\)"):
        given.maps_of({1: 4}, "index")


@pytest.mark.parametrize("name", ["no_such_model", "", "swin_no_such_model", "test_vit"])
def test_a_model_without_a_pyramid_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^params.yaml: model.style_encoder: .*'{name}'"):
        StyleEncoder.for_levels(name, {0: 4})


@pytest.mark.parametrize(
    ("name", "size"), [("test_convnext", (24, 16)), ("swin_tiny_patch4_window7_224", (33, 47))]
)
def test_images_that_the_backbone_cannot_take_are_refused(name: str, size: tuple[int, int]) -> None:
    encoder = StyleEncoder(name, [0, 3])
    encoder.require_size((64, 48))
    with pytest.raises(ConfigError, match=rf"{name} cannot take images of {size[0]}x{size[1]} pixels at"):
        encoder.require_size(size)


def test_the_size_is_that_after_scaling() -> None:
    encoder = StyleEncoder("test_convnext", [0, 3], style_scale=0.5)
    encoder.require_size((64, 64))
    with pytest.raises(ConfigError, match=r"48x32 pixels at model.style_scale 0.5"):
        encoder.require_size((48, 32))


@pytest.mark.parametrize(
    "name",
    [
        "hf-hub:timm/resnet18.a1_in1k",
        "hf_hub:timm/resnet18.a1_in1k",
        "HF-HUB:timm/resnet18",
        "timm/resnet18",
        "local-dir:/etc",
        "local-dir:.",
        "../test_convnext",
        "https://example.org/model",
        "",
        "no_such_model",
        ["test_convnext"],
        7,
    ],
)
def test_only_names_of_the_registry_are_followed_neither_the_network_nor_a_folder(name: object) -> None:
    with no_network() as asked, pytest.raises(ConfigError, match="not a name of timm's registry") as error:
        StyleEncoder(name, [0])  # type: ignore[arg-type]
    assert not asked
    assert len(str(error.value)) < 400
