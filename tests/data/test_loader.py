from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from dnaf.core.errors import StateError
from dnaf.core.seals import write_sealed
from dnaf.data.loader import PairImages, StepSampler, TrainingPairs
from dnaf.data.store import write_store
from dnaf.data.tensors import to_image_tensor
from tests.helpers.training_project import SIZE, TrainingProject, random_image


@pytest.fixture
def project(tmp_path: Path) -> TrainingProject:
    return TrainingProject(tmp_path)


def test_an_epoch_shows_every_pair_once_and_epochs_differ(project: TrainingProject) -> None:
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.5)
    epochs = [[pairs.stems(6 * epoch + index) for index in range(6)] for epoch in range(4)]
    for epoch in epochs:
        assert sorted(epoch) == sorted(project.pairs("train"))
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_an_example_depends_on_seed_and_position_only(project: TrainingProject) -> None:
    def example(seed: int, position: int) -> dict[str, torch.Tensor | int]:
        return TrainingPairs(PairImages(project.sources("train")), seed, mirror=0.5)[position]

    first, again = example(1, 9), example(1, 9)
    for name in ("source", "target", "source_pose_map", "target_pose_map"):
        assert torch.equal(first[name], again[name]), name
    assert first["position"] == 9
    assert any(not torch.equal(first["target"], example(seed, 9)["target"]) for seed in range(2, 6))


def test_images_and_pose_maps_have_their_ranges(project: TrainingProject) -> None:
    example = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.0)[0]
    for name, low in (("source", -1), ("target", -1), ("source_pose_map", 0), ("target_pose_map", 0)):
        assert example[name].shape == (3, *SIZE)
        assert example[name].dtype == torch.float32
        assert low <= example[name].min() < example[name].max() == 1


def test_further_sources_are_of_the_outfit_and_never_source_or_target(project: TrainingProject) -> None:
    names = project.splits["train"]  # six images, now of one outfit
    rows = "".join(f"{source},{target},one\n" for source, target in pairwise(names))
    write_sealed(project.sources("train").pairs, f"source,target,outfit\n{rows}")
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.5, max_sources=3)
    numbers = set()
    for position in range(40):
        others = pairs.other_sources(position)
        assert others == pairs.other_sources(position)
        assert not {*pairs.stems(position)} & {*others}
        assert len(set(others)) == len(others)
        numbers.add(len(others))
        example = pairs[position]
        assert example["has_other"].tolist() == [index < len(others) for index in range(2)]
        assert example["other_source"].shape == example["other_source_pose_map"].shape == (2, 3, *SIZE)
    assert numbers == {0, 1, 2}
    assert "has_other" not in TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.5)[0]


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_images_and_pose_maps_are_mirrored_together(project: TrainingProject, mirror: float) -> None:
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=mirror)
    for position in range(6):
        source, target = pairs.stems(position)
        example = pairs[position]
        for name, drawn in (
            ("source", random_image(source)),
            ("target", random_image(target)),
            ("source_pose_map", random_image(f"pose of {source}")),
            ("target_pose_map", random_image(f"pose of {target}")),
        ):
            expected = torch.from_numpy(drawn[:, :: -1 if mirror else 1].copy()).permute(2, 0, 1) / 255
            found = example[name] if "pose_map" in name else (example[name] + 1) / 2
            torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_a_mirrored_pose_map_is_the_store_s_own_not_a_flipped_one(project: TrainingProject) -> None:
    # Flipping the drawing would keep the colours of left and right joints.
    stem = project.splits["train"][0]
    sources = project.sources("train")
    with write_store(sources.pose_maps, {"channels": 3}) as store:
        for name in project.splits["train"]:
            store.add_image(f"{name}.png", random_image(name))
            store.add_image(f"mirrored/{name}.png", random_image(f"swapped {name}"))
    found = PairImages(sources).pose_map(stem, mirror=True)
    expected = torch.from_numpy(random_image(f"swapped {stem}")).permute(2, 0, 1) / 255
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_the_share_of_mirrored_examples_is_the_one_asked_for(project: TrainingProject) -> None:
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.25)
    plain = {stem: to_image_tensor(random_image(stem)) for stem in project.splits["train"]}
    num = 400
    mirrored = sum(
        not torch.equal(pairs[position]["source"], plain[pairs.stems(position)[0]]) for position in range(num)
    )
    assert 0.17 < mirrored / num < 0.33


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("first_step", [0, 3])
def test_processes_share_every_step_s_positions(world: int, first_step: int) -> None:
    samplers = [StepSampler(first_step, 5, batch_size=6, rank=rank, world=world) for rank in range(world)]
    assert {len(sampler) for sampler in samplers} == {5 - first_step}
    for step, shares in enumerate(zip(*samplers, strict=True), start=first_step):
        positions = sorted(position for share in shares for position in share)
        assert positions == list(range(6 * step, 6 * step + 6))


def test_worker_processes_give_what_one_process_gives(project: TrainingProject) -> None:
    pairs = TrainingPairs(PairImages(project.sources("train")), seed=0, mirror=0.5)
    here, workers = (
        list(DataLoader(pairs, batch_sampler=StepSampler(0, 2, 3, 0, 1), num_workers=num)) for num in (0, 2)
    )
    for ours, theirs in zip(here, workers, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_an_image_that_is_not_in_the_store_is_named(project: TrainingProject) -> None:
    sources = project.sources("train")
    write_sealed(sources.pairs, "source,target,outfit\nfashionMENPantsid0000000101_1front,b,a\n")
    with pytest.raises(StateError, match=r"prepared.zip: fashionMENPantsid0000000101_1front.png is missing"):
        PairImages(sources)


@pytest.mark.parametrize("content", ["", "source,target,outfit\n", "source,target\na,b\n"])
def test_a_pair_list_without_pairs_is_refused_by_name(project: TrainingProject, content: str) -> None:
    sources = project.sources("train")
    sources.pairs.write_text(content)
    with pytest.raises(StateError, match=str(sources.pairs)):
        PairImages(sources)
