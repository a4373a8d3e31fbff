import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dnaf.core import files
from dnaf.core.errors import BaseModelError, StateError
from dnaf.model.schedulers import make_scheduler
from dnaf.pipeline import DNAFPipeline, load_pipeline
from tests.helpers.training_project import SIZE, TrainingProject, random_inputs, tiny_pipeline

COMPONENTS = ("pose_adapter", "appearance_blocks", "noise_aware", "style_pose")
WEIGHTS = "adapter/diffusion_pytorch_model.safetensors"


def sample(pipeline: DNAFPipeline, **options: Any) -> torch.Tensor:
    """Three images of two styles, (3,3,H,W) in [0,1] unless told otherwise."""
    inputs = random_inputs(2, 3)
    arguments = {
        "style_index": torch.tensor([1, 0, 1]),
        "num_inference_steps": 3,
        "latents": inputs.noise,
        "style_noise": inputs.style_noise,
        "output_type": "pt",
        **options,
    }
    return pipeline(
        style=inputs.image, style_pose_map=inputs.style_pose_map, pose_map=inputs.pose_map, **arguments
    ).images


def save(pipeline: DNAFPipeline, folder: Path) -> None:
    pipeline.save_pretrained(folder)
    files.write_manifest(folder, {})


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Changes an adapter's tensors, with a manifest that agrees."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    files.write_manifest(folder, {})


@pytest.mark.parametrize("off", [None, *COMPONENTS])
def test_a_saved_pipeline_gives_the_same_bits(tmp_path: Path, off: str | None) -> None:
    pipeline = tiny_pipeline(**({off: False} if off else {}))
    save(pipeline, tmp_path)
    loaded = load_pipeline(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    for name, value in pipeline.denoiser.state_dict().items():
        assert torch.equal(loaded.denoiser.state_dict()[name], value), name
    assert torch.equal(sample(loaded), sample(pipeline))


def test_images_have_the_size_and_range_of_images() -> None:
    result = sample(tiny_pipeline())
    assert result.shape == (3, 3, *SIZE)
    assert result.min() >= 0
    assert result.max() <= 1
    assert result.isfinite().all()


@pytest.mark.parametrize("scheduler", ["ddim", "dpm++"])
def test_guidance_of_one_is_the_conditional_model(scheduler: str) -> None:
    pipeline = tiny_pipeline()
    pipeline.scheduler = make_scheduler(scheduler, pipeline.scheduler)
    # So little beyond 1 that guidance runs.
    plain, guided = (sample(pipeline, guidance_scale=scale) for scale in (1.0, 1.0 + 1e-12))
    torch.testing.assert_close(guided, plain, atol=1e-5, rtol=1e-5)


def test_one_style_in_a_list_is_one_style_bit_for_bit() -> None:
    pipeline = tiny_pipeline()
    assert torch.equal(sample(pipeline, style_index=[[1], [0], [1]]), sample(pipeline))


@pytest.mark.parametrize("guidance_scale", [1.0, 2.0])
def test_the_order_of_a_target_s_styles_does_not_matter(guidance_scale: float) -> None:
    pipeline = tiny_pipeline()
    one, other = (
        sample(pipeline, style_index=[row] * 3, guidance_scale=guidance_scale) for row in ([0, 1], [1, 0])
    )
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("off", [None, *COMPONENTS])
def test_every_style_of_a_target_counts(off: str | None) -> None:
    pipeline = tiny_pipeline(**({off: False} if off else {}))
    both = sample(pipeline, style_index=[[0, 1]] * 3)
    for alone in (0, 1):
        assert (both - sample(pipeline, style_index=[alone] * 3)).abs().max() > 1e-4


@pytest.mark.parametrize("guidance_scale", [1.0, 2.0])
def test_a_target_with_fewer_styles_than_others_sees_its_own_alone(guidance_scale: float) -> None:
    pipeline = tiny_pipeline()
    mixed = sample(pipeline, style_index=[[0, 1], [1], [0]], guidance_scale=guidance_scale)
    both = sample(pipeline, style_index=[[0, 1]] * 3, guidance_scale=guidance_scale)
    single = sample(pipeline, style_index=[0, 1, 0], guidance_scale=guidance_scale)
    torch.testing.assert_close(mixed[:1], both[:1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(mixed[1:], single[1:], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("interval", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_an_empty_guidance_interval_is_the_conditional_model_bit_for_bit(
    interval: tuple[float, float],
) -> None:
    pipeline = tiny_pipeline()
    assert torch.equal(sample(pipeline, guidance_scale=3.0, guidance_interval=interval), sample(pipeline))


def test_guidance_costs_unconditional_rows_inside_its_interval_only() -> None:
    pipeline, rows = tiny_pipeline(), []
    pipeline.unet.register_forward_pre_hook(lambda unet, args: rows.append(len(args[0])))
    sample(pipeline, guidance_scale=2.0, guidance_interval=(0.25, 0.75), num_inference_steps=4)
    assert rows == [2 + 3, 2 + 3 + 3, 2 + 3 + 3, 2 + 3]


def test_guidance_goes_beyond_the_conditional_model() -> None:
    pipeline = tiny_pipeline()
    weak, strong = (sample(pipeline, guidance_scale=scale) for scale in (1.0, 3.0))
    assert (weak - strong).abs().max() > 1e-3


@pytest.mark.parametrize("guidance_scale", [1.0, 2.0])
def test_an_image_does_not_depend_on_its_batch(guidance_scale: float) -> None:
    pipeline, inputs = tiny_pipeline(), random_inputs(2, 3)
    together = sample(pipeline, guidance_scale=guidance_scale)
    for index, row in enumerate([1, 0, 1]):
        alone = pipeline(
            style=inputs.image[row : row + 1],
            style_pose_map=inputs.style_pose_map[row : row + 1],
            pose_map=inputs.pose_map[index : index + 1],
            num_inference_steps=3,
            guidance_scale=guidance_scale,
            latents=inputs.noise[index : index + 1],
            style_noise=inputs.style_noise[row : row + 1],
            output_type="pt",
        ).images
        torch.testing.assert_close(alone[0], together[index], atol=1e-5, rtol=1e-5)


def test_a_generator_determines_the_image() -> None:
    pipeline = tiny_pipeline()
    first, again, other = (
        sample(pipeline, latents=None, style_noise=None, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_generator_a_target_needs_one_for_the_styles() -> None:
    with pytest.raises(ValueError, match="style_generator"):
        sample(tiny_pipeline(), style_noise=None, generator=[torch.Generator() for _ in range(3)])


@pytest.mark.parametrize("fresh", [False, True])
def test_the_noise_of_style_latents_is_fixed_or_fresh_at_every_step(fresh: bool) -> None:
    pipeline, noises = tiny_pipeline(), []
    clean = pipeline.autoencoder.encode(random_inputs(2, 3).style)

    def look(unet: object, args: tuple[torch.Tensor, torch.Tensor]) -> None:
        signal = pipeline.scheduler.alphas_cumprod[args[1]]
        noises.append((args[0][:2] - signal.sqrt() * clean) / (1 - signal).sqrt())

    pipeline.unet.register_forward_pre_hook(look)
    sample(
        pipeline,
        style_noise=None,
        style_generator=torch.Generator().manual_seed(0),
        fresh_style_noise=fresh,
    )
    assert len(noises) == 3
    for noise in noises[1:]:
        assert (noise - noises[0]).abs().max() > 1 if fresh else torch.allclose(noise, noises[0], atol=1e-4)


def test_given_style_noise_cannot_be_fresh() -> None:
    with pytest.raises(ValueError, match="style_noise"):
        sample(tiny_pipeline(), fresh_style_noise=True)


def test_images_come_as_tensors_arrays_or_pil_images() -> None:
    pipeline = tiny_pipeline()
    tensor, array, images = (sample(pipeline, output_type=kind) for kind in ("pt", "np", "pil"))
    assert array.shape == (3, *SIZE, 3)
    np.testing.assert_allclose(array, tensor.permute(0, 2, 3, 1).numpy(), atol=1e-6)
    for image, pixels in zip(images, array, strict=True):
        np.testing.assert_array_equal(np.asarray(image), (pixels * 255).round().astype(np.uint8))


def test_a_unet_of_half_precision_works_with_an_adapter_of_single_precision() -> None:
    pipeline = tiny_pipeline()
    exact = sample(pipeline)
    pipeline.unet.to(torch.bfloat16)
    pipeline.style_encoder.to(torch.bfloat16)
    rounded = sample(pipeline, guidance_scale=1.0)
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.1


def test_the_callback_is_called_after_every_step_and_may_change_the_latents() -> None:
    seen = []

    def blacken(pipeline: DNAFPipeline, step: int, timestep: int, values: dict[str, Any]) -> dict[str, Any]:
        seen.append((step, timestep, tuple(values["latents"].shape)))
        return {"latents": torch.zeros_like(values["latents"])} if step == 2 else {}

    result = sample(tiny_pipeline(), callback_on_step_end=blacken)
    assert [step for step, _, _ in seen] == [0, 1, 2]
    assert [timestep for _, timestep, _ in seen] == sorted((t for _, t, _ in seen), reverse=True)
    assert {shape for _, _, shape in seen} == {(3, 12, 16, 12)}
    assert (result == 0.5).all()


def test_a_missing_tensor_is_refused(tmp_path: Path) -> None:
    save(tiny_pipeline(), tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.pop("pose.stem.1.bias"))
    with pytest.raises(BaseModelError, match=r"1 of \d+ tensors missing \(first: pose.stem.1.bias\)"):
        load_pipeline(tmp_path)


def test_an_unexpected_tensor_is_refused(tmp_path: Path) -> None:
    save(tiny_pipeline(), tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.update(stranger=torch.zeros(1)))
    with pytest.raises(BaseModelError, match=r"1 of \d+ tensors unexpected \(first: stranger\)"):
        load_pipeline(tmp_path)


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path) -> None:
    save(tiny_pipeline(), tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.update({"pose.stem.1.bias": torch.zeros(3)}))
    with pytest.raises(BaseModelError, match=r"1 tensors of another shape \(first: pose.stem.1.bias"):
        load_pipeline(tmp_path)


def test_a_config_of_another_kind_is_refused(tmp_path: Path) -> None:
    save(tiny_pipeline(), tmp_path)
    config = json.loads((tmp_path / "adapter/config.json").read_text())
    (tmp_path / "adapter/config.json").write_text(json.dumps({**config, "pose_levels": None}))
    files.write_manifest(tmp_path, {})
    with pytest.raises(BaseModelError, match="adapter"):
        load_pipeline(tmp_path)


@pytest.mark.parametrize("damage", ["delete", "truncate", "flip", "add"])
def test_every_damaged_file_is_refused_by_name(tmp_path: Path, damage: str) -> None:
    folder = TrainingProject(tmp_path).write_model()
    for name in json.loads((folder / files.MANIFEST).read_text())["files"]:
        path = folder / name
        content, named = path.read_bytes(), path
        if damage == "delete":
            path.unlink()
        elif damage == "truncate":
            path.write_bytes(content[: len(content) // 2])
        elif damage == "flip":
            path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        else:
            named = path.with_name("stranger")
            named.write_bytes(content)
        with pytest.raises(StateError, match=str(named)):
            load_pipeline(folder)
        named.unlink(missing_ok=True)
        path.write_bytes(content)
    load_pipeline(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    folder = TrainingProject(tmp_path).write_model()
    (folder / files.MANIFEST).unlink()
    with pytest.raises(StateError, match=f"{folder}: not complete"):
        load_pipeline(folder)


def test_a_folder_saved_before_the_codec_was_called_autoencoder_loads(tmp_path: Path) -> None:
    pipeline = tiny_pipeline()
    pipeline.save_pretrained(tmp_path)
    (tmp_path / "autoencoder").rename(tmp_path / "codec")
    for path in (tmp_path / "model_index.json", tmp_path / "codec/config.json"):
        written = path.read_text().replace("LosslessAutoencoder", "LosslessCodec")
        path.write_text(written.replace("dnaf.model.autoencoder", "dnaf.model.codec"))
    assert torch.equal(sample(DNAFPipeline.from_pretrained(tmp_path)), sample(pipeline))
