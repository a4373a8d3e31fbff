import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnaf.apply.input_reader import InputReader
from dnaf.apply.interpolate import sequence
from dnaf.apply.masks.mask import soften
from dnaf.apply.mix import mix
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.apply.repaint import keep_outside, repaint, try_on
from dnaf.core import config, files
from dnaf.core.device import default_device
from dnaf.core.errors import BaseModelError
from tests.helpers.application_project import ApplicationProject
from tests.helpers.base_folders import write_sd
from tests.helpers.training_project import SIZE, model_params
from tests.model.test_saving import trained
from tests.model.test_schedulers import FOR_THE_DEMO_S_MODEL


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ApplicationProject:
    return ApplicationProject(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def painter(project: ApplicationProject) -> Painter:
    return project.painter(num_inference_steps=4)


@pytest.fixture(scope="module")
def persons(project: ApplicationProject) -> list[Person]:
    inputs = project.inputs()
    return [inputs.person(name) for name in project.names]


@pytest.fixture
def half() -> np.ndarray:
    """A mask of the upper half, whose edge lies within a latent cell."""
    mask = np.zeros(SIZE, bool)
    mask[:15] = True
    return mask


def test_an_image_depends_on_its_style_and_pose_alone(painter: Painter, persons: list[Person]) -> None:
    both = painter.generate(persons[:2], [persons[2].keypoints, persons[3].keypoints])
    alone = painter.generate([persons[1]], [persons[3].keypoints])[0]
    assert np.abs(both[1].astype(int) - alone).max() <= 1
    assert (both[0] != both[1]).any()


def test_further_images_of_a_person_count_and_in_any_order(painter: Painter, persons: list[Person]) -> None:
    wanted = [persons[3].keypoints]
    front, back, side = persons[:3]
    alone = painter.generate([front], wanted)[0]
    one, other = (
        painter.generate([replace(front, others=others)], wanted)[0]
        for others in ((back, side), (side, back))
    )
    assert np.abs(one.astype(int) - other).max() <= 1
    assert (one != alone).any()


def test_persons_with_more_and_with_fewer_images_are_drawn_together(
    painter: Painter, persons: list[Person]
) -> None:
    more = replace(persons[0], others=(persons[1],))
    together = painter.generate([more, persons[2]], [persons[3].keypoints] * 2)
    for found, style in zip(together, (more, persons[2]), strict=True):
        expected = painter.generate([style], [persons[3].keypoints])[0]
        assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("scheduler", FOR_THE_DEMO_S_MODEL)
def test_outside_the_mask_every_pixel_is_the_persons(
    project: ApplicationProject, persons: list[Person], half: np.ndarray, scheduler: str
) -> None:
    painter = project.painter(num_inference_steps=4, scheduler=scheduler)
    result = try_on(painter, persons[0], half, persons[2])
    assert (result[~half] == persons[0].image[~half]).all()
    assert (result[half] != persons[0].image[half]).any()


def test_beyond_a_soft_edge_every_pixel_is_the_image_s_and_inside_of_the_mask_none_is_mixed(
    painter: Painter, persons: list[Person], half: np.ndarray
) -> None:
    weights = soften(half, 3)
    person, style, wanted = persons[0], persons[2], persons[1].keypoints
    result = repaint(painter, person.image, weights, style, wanted)
    whole = repaint(painter, person.image, weights > 0, style, wanted)
    assert (result[weights == 0] == person.image[weights == 0]).all()
    assert (result[half] == whole[half]).all()
    between = (weights > 0) & (weights < 1)
    low, high = np.minimum(whole, person.image), np.maximum(whole, person.image)
    assert ((low <= result) & (result <= high))[between].all()
    assert (result != whole)[between].any()


def test_what_is_kept_has_the_noise_of_the_next_step_and_none_at_the_end(
    painter: Painter, persons: list[Person], half: np.ndarray
) -> None:
    """Closed form: x = sqrt(a) known + sqrt(1 - a) noise, a of the timestep that comes next."""
    known, kept = painter.latent(persons[0].image), slice(8, None)  # latent rows wholly below the mask
    put_back, seen = keep_outside(half, known, painter.noise), []

    def watch(*arguments: Any) -> dict[str, Any]:
        changed = put_back(*arguments)
        seen.append(changed["latents"][..., kept, :])
        return changed

    painter.generate([persons[2]], [persons[0].keypoints], watch)
    scheduler = painter.pipeline.scheduler
    assert len(seen) == len(scheduler.timesteps) == 4
    for latents, following in zip(seen, scheduler.timesteps[1:], strict=False):
        share = scheduler.alphas_cumprod[following]
        expected = share.sqrt() * known + (1 - share).sqrt() * painter.noise
        assert latents.numpy() == pytest.approx(expected[..., kept, :].numpy(), abs=1e-5)
    assert (seen[-1] == known[..., kept, :]).all()


def test_a_mix_of_a_style_with_itself_is_that_style(
    painter: Painter, persons: list[Person], half: np.ndarray
) -> None:
    keypoints = persons[1].keypoints
    mixed = mix(painter, persons[0], persons[0], keypoints, half)
    alone = painter.generate([persons[0]], [keypoints])[0]
    assert np.abs(mixed.astype(int) - alone).max() <= 1


def test_a_full_mask_leaves_the_inner_style_and_an_empty_one_the_outer(
    painter: Painter, persons: list[Person]
) -> None:
    keypoints = persons[1].keypoints
    for mask, style in ((np.ones(SIZE, bool), persons[0]), (np.zeros(SIZE, bool), persons[2])):
        mixed = mix(painter, persons[0], persons[2], keypoints, mask)
        assert np.abs(mixed.astype(int) - painter.generate([style], [keypoints])[0]).max() <= 1


def test_a_sequence_begins_and_ends_with_the_poses_and_does_not_depend_on_batches(
    painter: Painter, persons: list[Person]
) -> None:
    style, first, last = persons[0], persons[1].keypoints, persons[3].keypoints
    images = sequence(painter, style, first, last, num_frames=5, batch_size=2)
    ends = painter.generate([style], [first, last])
    assert len(images) == 5
    for image, end in zip((images[0], images[-1]), ends, strict=True):
        assert np.abs(image.astype(int) - end).max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (40, 24), (64, 48)])
def test_other_sizes_than_the_training_s_give_images_of_that_size(
    project: ApplicationProject, size: tuple[int, int]
) -> None:
    inputs = InputReader(size, data=project.root / "data")
    painter = project.painter(size=size)
    person, other = (inputs.person(name) for name in project.names[:2])
    image = try_on(painter, person, np.ones(size, bool), other)
    assert image.shape == (*size, 3)


@pytest.mark.parametrize("size", [(72, 56), (64, 48)])
def test_low_memory_changes_no_pixel_and_stable_diffusion_takes_any_multiple_of_eight(
    project: ApplicationProject, tmp_path: Path, size: tuple[int, int]
) -> None:
    base = write_sd(tmp_path / "base", "sd-1.5")
    config_of_vae = base / "vae/config.json"  # a tiny one would join tiles at these sizes
    config_of_vae.write_text(json.dumps({**json.loads(config_of_vae.read_text()), "sample_size": 512}))
    trained(model_params(base=str(base))).save_pretrained(tmp_path / "model")
    files.write_manifest(tmp_path / "model")
    images = []
    for low_memory in (False, True):
        painter = project.painter(size=size, model=tmp_path / "model", low_memory=low_memory)
        assert painter.pipeline.autoencoder.vae.use_slicing == low_memory
        inputs = InputReader(size, data=project.root / "data")
        person, *_ = people = [inputs.person(name) for name in project.names[:2]]
        alone = painter.generate([person], [person.keypoints])
        images.append(np.stack(alone + painter.generate([person], [each.keypoints for each in people])))
    assert images[0].shape == (3, *size, 3)
    assert (images[0][0] == images[1][0]).all()
    assert np.abs(images[0].astype(int) - images[1]).max() <= 1, "rounding of another batch"


def test_a_model_of_other_pose_maps_is_refused(project: ApplicationProject) -> None:
    render = config.Render(renderer="heatmaps", canvas_height=64, canvas_width=48)
    generate = config.load(config.Generate, project.root / "params.yaml")
    with pytest.raises(BaseModelError, match=r"found 18 channels of renderer heatmaps, expected 3"):
        Painter(project.root / "data/model", SIZE, render, generate, 0, default_device())
