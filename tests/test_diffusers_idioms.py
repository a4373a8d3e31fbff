"""What diffusers asks of every pipeline of its own.

The checks of `PipelineTesterMixin` and `PipelineLatentTesterMixin` by their names there, which no wheel has
(diffusers@2fb4fd4:tests/pipelines/test_pipelines_common.py). Left out is what this pipeline does not have: a
prompt, attention slicing, xformers, pickles.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor

from dnaf.model.build import build
from dnaf.pipeline import DNAFPipeline, assemble
from tests.helpers import base_folders
from tests.helpers.training_project import SIZE, model_params, random_inputs, tiny_pipeline

IMAGES = ("style", "style_pose_map", "pose_map")
GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inputs(**changes: Any) -> dict[str, Any]:
    """`get_dummy_inputs`: one style, one pose, arrays out."""
    drawn = random_inputs(1, 1)
    return {
        "style": drawn.image,
        "style_pose_map": drawn.style_pose_map,
        "pose_map": drawn.pose_map,
        "num_inference_steps": 2,
        "guidance_scale": 2.0,
        "generator": generator(),
        "output_type": "np",
        **changes,
    }


def run(pipeline: DNAFPipeline, **changes: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(**inputs(**changes))[0]


def on_stable_diffusion(folder: Path) -> DNAFPipeline:
    """An untrained pipeline on a tiny Stable Diffusion."""
    family = base_folders.write_sd(folder, "sd-1.5")
    return assemble(build(model_params(base=str(family)), 0))


def of_size(height: int, width: int) -> dict[str, torch.Tensor]:
    return {name: torch.rand(1, 3, height, width, generator=generator()) for name in IMAGES}


def test_components_function() -> None:
    pipeline = tiny_pipeline()
    assert pipeline.components.keys() == {"unet", "autoencoder", "scheduler", "adapter", "style_encoder"}
    again = DNAFPipeline(**pipeline.components)
    assert all(each is pipeline.components[name] for name, each in again.components.items())


def test_a_pipeline_from_another_one_gives_its_bits() -> None:
    pipeline = tiny_pipeline()
    np.testing.assert_array_equal(run(DNAFPipeline.from_pipe(pipeline)), run(pipeline))


def test_pipeline_call_signature() -> None:
    parameters = inspect.signature(DNAFPipeline.__call__).parameters
    optional = {name for name, each in parameters.items() if each.default is not inspect.Parameter.empty}
    assert optional >= {"num_inference_steps", "generator", "latents", "output_type", "return_dict"}
    assert parameters.keys() - optional == {"self", *IMAGES}


def test_images_cannot_be_given_by_their_order() -> None:
    given = inputs()
    images = [given.pop(name) for name in IMAGES]
    with pytest.raises(TypeError, match="positional"):
        tiny_pipeline()(*images, **given)


def test_inference_batch_consistent() -> None:
    batch = {name: 2 * [image] for name, image in inputs().items() if name in IMAGES}
    assert len(run(tiny_pipeline(), **batch, generator=[generator(index) for index in range(2)])) == 2


def test_inference_batch_single_identical() -> None:
    pipeline = tiny_pipeline()
    batch = {name: 3 * [image] for name, image in inputs().items() if name in IMAGES}
    together = run(pipeline, **batch, generator=[generator(index) for index in range(3)])
    np.testing.assert_allclose(together[0], run(pipeline)[0], atol=1e-4)


def test_dict_tuple_outputs_equivalent() -> None:
    pipeline = tiny_pipeline()
    as_dict, as_tuple = pipeline(**inputs()), pipeline(**inputs(), return_dict=False)
    assert isinstance(as_tuple, tuple)
    np.testing.assert_array_equal(as_tuple[0], as_dict.images)
    assert as_tuple[1] == as_dict.num_model_calls == 2


def test_save_load_local(tmp_path: Path) -> None:
    pipeline = tiny_pipeline()
    pipeline.save_pretrained(tmp_path)
    np.testing.assert_array_equal(run(DNAFPipeline.from_pretrained(tmp_path)), run(pipeline))


def test_save_load_optional_components(tmp_path: Path) -> None:
    tiny_pipeline(appearance_blocks=False).save_pretrained(tmp_path)
    assert DNAFPipeline.from_pretrained(tmp_path).style_encoder is None


def test_to_device() -> None:
    pipeline = tiny_pipeline().to("meta")
    assert {each.device.type for each in pipeline.components.values() if hasattr(each, "device")} == {"meta"}


def test_to_dtype() -> None:
    pipeline = tiny_pipeline()
    exact = run(pipeline)
    pipeline.to(torch.bfloat16)
    assert {each.dtype for each in pipeline.components.values() if hasattr(each, "dtype")} == {torch.bfloat16}
    assert 0 < np.abs(run(pipeline) - exact).max() < 0.1


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("way", "device"),
    [
        ("enable_model_cpu_offload", "cpu"),
        pytest.param("enable_model_cpu_offload", *GPU.values, marks=GPU.marks),
        # accelerate 1.15 cannot do this one on the CPU, with any module.
        pytest.param("enable_sequential_cpu_offload", *GPU.values, marks=GPU.marks),
    ],
)
def test_cpu_offload_forward_pass(way: str, device: str, times: int) -> None:
    pipeline = tiny_pipeline().to(device)
    here = run(pipeline)
    getattr(pipeline, way)(device=device)
    for _ in range(times):
        np.testing.assert_allclose(run(pipeline), here, atol=0 if device == "cpu" else 1e-4)


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_model_cpu_offload_on_stable_diffusion(device: str, tmp_path: Path) -> None:
    pipeline = on_stable_diffusion(tmp_path).to(device)
    images = of_size(64, 48)
    here = run(pipeline, **images)
    pipeline.enable_model_cpu_offload(device=device)
    np.testing.assert_allclose(run(pipeline, **images), here, atol=0 if device == "cpu" else 1e-4)
    assert pipeline.unet.device.type == "cpu"


def test_callback_inputs() -> None:
    pipeline, seen = tiny_pipeline(), []

    def zero(pipeline: DNAFPipeline, index: int, timestep: int, tensors: dict[str, Any]) -> dict[str, Any]:
        seen.append(set(tensors))
        if index == pipeline.num_timesteps - 1:
            tensors["latents"] = torch.zeros_like(tensors["latents"])
        return tensors

    for names in (["latents"], [*pipeline._callback_tensor_inputs]):
        seen.clear()
        options = {"callback_on_step_end": zero, "callback_on_step_end_tensor_inputs": names}
        assert not run(pipeline, **options, output_type="latent").any()
        assert seen == 2 * [set(names)]


def test_callback_cfg() -> None:
    def raise_guidance(pipeline: DNAFPipeline, *arguments: Any) -> dict[str, Any]:
        pipeline._guidance_scale += 1.0
        return {}

    pipeline = tiny_pipeline()
    changed = run(pipeline, callback_on_step_end=raise_guidance)
    assert pipeline.guidance_scale == 2.0 + pipeline.num_timesteps
    assert np.abs(changed - run(pipeline)).max() > 1e-3


def test_pt_np_pil_outputs_equivalent() -> None:
    pipeline = tiny_pipeline()
    tensor, array, images = (run(pipeline, output_type=kind) for kind in ("pt", "np", "pil"))
    np.testing.assert_array_equal(tensor.permute(0, 2, 3, 1).numpy(), array)
    np.testing.assert_array_equal(np.stack(images), (array * 255).round().astype(np.uint8))


def test_pt_np_pil_inputs_equivalent() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)
    arrays = pixels.astype(np.float32) / 255
    kinds: dict[str, Callable[[np.ndarray], Any]] = {
        "pt": VaeImageProcessor.numpy_to_pt,
        "np": np.asarray,
        "pil": VaeImageProcessor.numpy_to_pil,
        "a list of pt": lambda array: [*VaeImageProcessor.numpy_to_pt(array)],
        "a tuple of np": lambda array: (*array,),
        "one pil": lambda array: VaeImageProcessor.numpy_to_pil(array)[0],
    }
    pipeline = tiny_pipeline()
    results = [
        run(pipeline, **{name: convert(arrays[i : i + 1]) for i, name in enumerate(IMAGES)})
        for convert in kinds.values()
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_the_autoencoder_works_in_slices_and_tiles(tmp_path: Path) -> None:
    pipeline = on_stable_diffusion(tmp_path)
    images = of_size(64, 48)
    whole = run(pipeline, **images)
    pipeline.enable_vae_slicing()
    assert pipeline.autoencoder.vae.use_slicing
    np.testing.assert_allclose(run(pipeline, **images), whole, atol=1e-5)
    pipeline.enable_vae_tiling()
    assert pipeline.autoencoder.vae.use_tiling
    assert run(pipeline, **images).shape == whole.shape
    pipeline.disable_vae_slicing()
    pipeline.disable_vae_tiling()
    np.testing.assert_array_equal(run(pipeline, **images), whole)


@pytest.mark.parametrize("way", ["enable_vae_slicing", "disable_vae_tiling"])
def test_a_model_without_a_vae_says_so(way: str) -> None:
    with pytest.raises(ValueError, match="no VAE"):
        getattr(tiny_pipeline(), way)()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"style": random_inputs(1, 1).style}, r"style: values outside 0…1 \(found -"),
        (
            {"pose_map": np.full((1, *SIZE, 3), 255, np.uint8)},
            r"pose_map: values outside 0…1 \(found 255…255\)",
        ),
        ({"pose_map": np.full((1, *SIZE, 3), np.nan)}, r"pose_map: values outside 0…1 \(found nan…nan\)"),
        (
            {"style_pose_map": torch.zeros(1, 18, *SIZE)},
            r"style_pose_map: .* channels \(found 18, expected 3\)",
        ),
        (
            {"style_pose_map": torch.zeros(2, 3, *SIZE)},
            r"style_pose_map: not one for each .*found 2, expected 1",
        ),
        (
            {"pose_map": torch.zeros(1, 3, 24, 32)},
            r"pose_map: not the size of style \(found 24x32, expected 32x24\)",
        ),
        (of_size(31, 24), r"style: 31x24 pixels \(expected multiples of 2\)"),
        ({"style": "person.png"}, r"style: not images of one size .*Pass PIL images"),
        ({"style": []}, r"style: not images of one size"),
        ({"pose_map": [torch.zeros(3, 32, 24), torch.zeros(3, 24, 32)]}, r"pose_map: not images of one size"),
        ({"style_index": [1]}, r"style_index: not the index .*\[1\], expected 1 of 0 … 0"),
        ({"style_index": [0, 0]}, r"style_index: not the index"),
        ({"style_index": [[]]}, r"style_index: not the index"),
        ({"style_index": [[0, -1]]}, r"style_index: not the index"),
        (
            {"style": torch.zeros(2, 3, *SIZE), "style_pose_map": torch.zeros(2, 3, *SIZE)},
            r"style_index: needed for 2",
        ),
        ({"latents": torch.zeros(1, 4, 16, 12)}, r"latents: another shape .*expected \(1, 12, 16, 12\)"),
        ({"output_type": "jpg"}, r"output_type: unknown \(found 'jpg', expected pil, np"),
        ({"callback_on_step_end_tensor_inputs": ["prompt"]}, r"tensor_inputs: unknown \(found 'prompt'"),
    ],
)
def test_an_argument_that_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(tiny_pipeline(), **change)


def test_one_style_is_that_of_all_poses() -> None:
    pipeline, poses = tiny_pipeline(), random_inputs(1, 3).pose_map
    np.testing.assert_array_equal(
        run(pipeline, pose_map=poses), run(pipeline, pose_map=poses, style_index=[0, 0, 0])
    )


def test_pickles_and_options_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="safe_serialization: must be True"):
        tiny_pipeline().save_pretrained(tmp_path / "model", safe_serialization=False)
    with pytest.raises(ValueError, match="push_to_hub: not for a model on a base"):
        on_stable_diffusion(tmp_path / "base").save_pretrained(tmp_path / "model", push_to_hub=True)
    assert not (tmp_path / "model").exists()


def test_a_copy_saves_the_bytes_of_the_pipeline_it_was_made_from(tmp_path: Path) -> None:
    pipeline = on_stable_diffusion(tmp_path / "base")
    pipeline.save_pretrained(tmp_path / "one")
    DNAFPipeline(**pipeline.components).save_pretrained(tmp_path / "two")
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two


def test_an_autoencoder_without_its_base_cannot_be_saved(tmp_path: Path) -> None:
    pipeline = on_stable_diffusion(tmp_path / "base")
    pipeline.adapter.base = None
    with pytest.raises(ValueError, match="autoencoder: a FrozenVae is saved by its base model alone"):
        pipeline.save_pretrained(tmp_path / "model")
