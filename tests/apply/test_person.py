from dataclasses import replace

import numpy as np
import pytest

from dnaf.apply.masks.by_pose import body_mask
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person, in_the_shape_of
from dnaf.data.keypoints.keypoints import NECK, Points
from tests.helpers.application_project import ApplicationProject
from tests.helpers.training_project import SIZE, random_image

NOWHERE = np.full((18, 2), np.nan)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ApplicationProject:
    return ApplicationProject(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def poses(project: ApplicationProject) -> list[Points]:
    return [project.inputs().person(name).keypoints for name in project.names]


@pytest.fixture
def artwork() -> Person:
    return Person(random_image("an artwork") // 2, NOWHERE)


def test_an_artwork_is_cut_out_along_the_body_in_the_wanted_pose(
    artwork: Person, poses: list[Points]
) -> None:
    body = body_mask(poses[0], SIZE)
    shown = in_the_shape_of(poses[0], artwork)
    assert (shown.image[body] == artwork.image[body]).all()
    assert (shown.image[~body] == 255).all()
    assert 0 < body.mean() < 1
    assert (shown.keypoints == poses[0])[~np.isnan(poses[0])].all()


def test_a_person_with_a_pose_stays_as_it_is(poses: list[Points]) -> None:
    person = Person(random_image("a person"), poses[0])
    assert in_the_shape_of(poses[1], person) is person


def test_further_images_without_a_pose_are_cut_out_too(artwork: Person, poses: list[Points]) -> None:
    person = Person(random_image("a person"), poses[0], others=(artwork,))
    shown = in_the_shape_of(poses[1], person)
    assert shown.image is person.image
    assert (shown.others[0].image[~body_mask(poses[1], SIZE)] == 255).all()


def test_a_pose_without_a_neck_leaves_the_artwork_whole(artwork: Person, poses: list[Points]) -> None:
    wanted = poses[0].copy()
    wanted[NECK] = np.nan
    assert in_the_shape_of(wanted, artwork) is artwork


def test_an_artwork_in_several_poses_is_cut_out_for_each(
    project: ApplicationProject, artwork: Person, poses: list[Points]
) -> None:
    painter: Painter = project.painter(num_inference_steps=2)
    both = painter.generate([artwork], poses[:2])
    for image, wanted in zip(both, poses[:2], strict=True):
        alone = painter.generate([in_the_shape_of(wanted, artwork)], [wanted])[0]
        assert np.abs(image.astype(int) - alone).max() <= 1
    whole = replace(artwork, keypoints=poses[0])
    assert (painter.generate([whole], poses[:1])[0] != both[0]).any()
