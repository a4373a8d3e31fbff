import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnaf.core import files
from dnaf.core.config import Generate
from dnaf.core.errors import BaseModelError, ConfigError, StateError
from dnaf.core.seals import write_sealed
from dnaf.core.shards import Shards
from dnaf.data.pairs.pairs import pair_id
from dnaf.data.store import ImageStore, write_store
from dnaf.generate.pairs import Task, generate_pairs, make_tasks, pack, write_samples, wrong_sources
from tests.helpers.training_project import SIZE, TrainingProject, generate_params, stems


def outfit(stem: str) -> str:
    return stem.rpartition("_")[0]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingProject:
    """A project with an untrained model."""
    monkeypatch.setenv("DNAF_SCRATCH", str(tmp_path / "scratch"))
    project = TrainingProject(tmp_path)
    project.write_model()
    return project


def generate(
    project: TrainingProject, params: Generate | None = None, name: str = "x.zip", wrong_source: bool = False
) -> ImageStore:
    output = project.root / name
    model = project.root / "data/model"
    params = params or generate_params()
    cpu = Shards(0, 1, torch.device("cpu"))
    generate_pairs(project.sources("test"), model, output, params, 0, cpu, wrong_source=wrong_source)
    return ImageStore(output)


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_every_pair_is_generated_once_in_the_list_s_order(project: TrainingProject, batch_size: int) -> None:
    store = generate(project, generate_params(batch_size=batch_size))
    assert store.names == [f"{pair_id(*pair)}.png" for pair in project.pairs("test")]
    assert {store.image(name).shape for name in store.names} == {(*SIZE, 3)}


def test_the_store_says_what_it_was_made_from(project: TrainingProject) -> None:
    info = generate(project).info
    assert info["pairs_sha256"] == files.digest(project.sources("test").pairs)
    assert info["model"] == files.digest(project.root / "data/model/manifest.json")
    assert info["num_pairs"] == 4
    assert info["num_model_calls"] == 2


def test_the_same_inputs_give_the_same_bytes(project: TrainingProject) -> None:
    generate(project, name="first.zip")
    generate(project, name="second.zip")
    assert (project.root / "first.zip").read_bytes() == (project.root / "second.zip").read_bytes()


@pytest.mark.parametrize("guidance_scale", [1.0, 2.0])
def test_an_image_does_not_depend_on_its_batch(project: TrainingProject, guidance_scale: float) -> None:
    one, all_at_once = (
        generate(project, generate_params(batch_size=size, guidance_scale=guidance_scale)) for size in (1, 4)
    )
    for name in one.names:
        difference = one.image(name).astype(int) - all_at_once.image(name).astype(int)
        assert np.abs(difference).max() <= 1, name  # one level, where rounding falls the other way


def test_an_image_does_not_depend_on_the_other_pairs(project: TrainingProject) -> None:
    whole = generate(project)
    source, target = project.pairs("test")[2]
    write_sealed(project.sources("test").pairs, f"source,target,outfit\n{source},{target},one\n")
    name = f"{pair_id(source, target)}.png"
    difference = generate(project).image(name).astype(int) - whole.image(name).astype(int)
    assert np.abs(difference).max() <= 1


# Sizes of the groups of poses with one source: all fit, some fill a batch, one is larger than a batch.
GROUPS = st.lists(st.integers(1, 9), min_size=1, max_size=20)


@given(groups=GROUPS, batch_size=st.integers(1, 8), order=st.randoms())
def test_batches_hold_every_pair_once_and_whole_groups_where_they_fit(
    groups: list[int], batch_size: int, order: random.Random
) -> None:
    tasks = [
        Task(f"{source:02d}_2_{target}", (f"{source:02d}",), f"{source:02d}", str(target))
        for source, size in enumerate(groups)
        for target in range(size)
    ]
    batches = pack(tasks, batch_size)
    assert sorted(task.pair_id for batch in batches for task in batch) == [task.pair_id for task in tasks]
    assert max(map(len, batches)) <= batch_size
    style_passes = sum(len({task.styles for task in batch}) for batch in batches)
    assert style_passes == sum(-(-size // batch_size) for size in groups)
    # Of any two batches that are not full, the smallest piece of the one did not fit into the other.
    assert sum(len(batch) <= batch_size // 2 for batch in batches) <= 1
    shuffled = list(tasks)
    order.shuffle(shuffled)
    assert pack(shuffled, batch_size) == batches


def test_several_sources_are_of_the_pair_s_outfit_and_never_its_target() -> None:
    pairs = pd.DataFrame(
        [["b", "a", "1"], ["c", "b", "1"], ["a", "c", "1"], ["y", "x", "2"]],
        columns=["source", "target", "outfit"],
    )
    styles = [task.styles for task in make_tasks(pairs, wrong_source=False, num_sources=3)]
    assert styles == [("b", "c"), ("c", "a"), ("a", "b"), ("y",)]
    assert [task.styles for task in make_tasks(pairs, False, 1)] == [("b",), ("c",), ("a",), ("y",)]
    control = [set(task.styles) for task in make_tasks(pairs, wrong_source=True, num_sources=3)]
    assert control[:3] == [{"x", "y"}] * 3
    assert control[3] <= {"a", "b", "c"}


def test_another_image_of_the_outfit_changes_what_is_generated(project: TrainingProject) -> None:
    names = project.splits["test"]
    rows = "".join(f"{source},{target},one\n" for source, target in pairwise(names))
    write_sealed(project.sources("test").pairs, f"source,target,outfit\n{rows}")
    one, two = (generate(project, generate_params(num_sources=number)) for number in (1, 2))
    assert two.names == one.names
    assert two.info["params"]["num_sources"] == 2
    assert all((one.image(name) != two.image(name)).any() for name in one.names)


def test_a_source_s_style_pass_serves_all_its_poses() -> None:
    """As many pairs and sources as DeepFashion's published list has."""
    tasks = [Task(f"{i:05d}", (f"{i % 3144:04d}",), "", "") for i in range(8570)]
    batches = pack(tasks, 40)
    assert sum(len({task.styles for task in batch}) for batch in batches) == 3144
    assert min(map(len, batches[:-1])) >= 38  # with room for three, they would have taken another group


@pytest.mark.parametrize("scheduler", ["ddpm", "unipc"])
def test_no_scheduler_makes_an_image_depend_on_its_batch(project: TrainingProject, scheduler: str) -> None:
    changes = {
        "scheduler": scheduler,
        "num_inference_steps": 3,
        "style_noise": "fresh",
        "guidance_scale": 2.0,
    }
    one, all_at_once = (generate(project, generate_params(batch_size=size, **changes)) for size in (1, 4))
    for name in one.names:
        difference = one.image(name).astype(int) - all_at_once.image(name).astype(int)
        assert np.abs(difference).max() <= 1, name


def test_half_precision_gives_almost_the_same_images(project: TrainingProject) -> None:
    exact, rounded = (generate(project, generate_params(mixed_precision=kind)) for kind in ("no", "bf16"))
    for name in exact.names:
        difference = np.abs(exact.image(name).astype(int) - rounded.image(name).astype(int))
        assert difference.max() > 0
        assert difference.mean() < 5


@pytest.mark.parametrize(("scheduler", "steps"), [("pndm", 5), ("lcm", 51)])
def test_a_scheduler_that_does_not_fit_generates_nothing(
    project: TrainingProject, scheduler: str, steps: int
) -> None:
    with pytest.raises(ConfigError, match=scheduler):
        generate(project, generate_params(scheduler=scheduler, num_inference_steps=steps))
    assert not (project.root / "x.zip").exists()


def test_pairs_generated_from_a_wrong_source_differ(project: TrainingProject) -> None:
    right, wrong = generate(project, name="right.zip"), generate(project, name="wrong.zip", wrong_source=True)
    assert right.names == wrong.names
    for name in right.names:
        assert (right.image(name) != wrong.image(name)).any(), name


@pytest.mark.parametrize("num_outfits", [2, 3, 7])
@pytest.mark.parametrize("seed", [None, 0, 1])
def test_a_wrong_source_is_never_of_the_own_outfit(num_outfits: int, seed: int | None) -> None:
    names = stems(1, num_outfits)
    pairs = [
        (source, target)
        for source in names
        for target in names
        if source != target and outfit(source) == outfit(target)
    ]
    table = pd.DataFrame(pairs, columns=["source", "target"])
    table["outfit"] = table["source"].map(outfit)
    if seed is not None:
        table = table.sample(frac=1, random_state=seed)
    wrong = wrong_sources(table)
    assert len(wrong) == len(table)
    for source, other in zip(table["source"], wrong, strict=True):
        assert outfit(source) != outfit(other)
        assert other in names


def test_a_model_made_for_other_pose_maps_is_refused(project: TrainingProject) -> None:
    sources = project.sources("test")
    maps = {name: ImageStore(sources.pose_maps).read(name) for name in ImageStore(sources.pose_maps).names}
    with write_store(sources.pose_maps, {"channels": 18}) as store:
        for name, data in maps.items():
            store.add(name, data)
    with pytest.raises(BaseModelError, match=r"found 18 channels in .*pose_maps\.zip, expected 3"):
        generate(project)


def test_a_single_outfit_has_no_wrong_source() -> None:
    front, side = stems(1, 1)
    rows = [(front, side, "one"), (side, front, "one")]
    table = pd.DataFrame(rows, columns=["source", "target", "outfit"])
    assert wrong_sources(table) == [front, side]


def test_a_retrained_model_generates_anew(project: TrainingProject) -> None:
    before = generate(project)
    project.write_model(seed=1)
    after = generate(project)
    assert before.info["model"] != after.info["model"]
    assert all(before.digest(name) != after.digest(name) for name in before.names)


def test_an_altered_model_generates_nothing(project: TrainingProject) -> None:
    weights = project.root / "data/model/unet/diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(StateError, match=str(weights)):
        generate(project)
    assert not (project.root / "x.zip").exists()


def test_a_missing_model_is_refused_by_name(project: TrainingProject) -> None:
    files.remove_folder(project.root / "data/model")
    with pytest.raises(StateError, match="data/model: not complete"):
        generate(project)


def test_every_sample_sheet_shows_pose_source_target_and_result(project: TrainingProject) -> None:
    generate(project)
    folder = project.root / "samples"
    for num_samples, expected in ((3, 3), (100, 4)):
        write_samples(project.sources("test"), project.root / "x.zip", folder, num_samples)
        assert sorted(path.name for path in folder.iterdir()) == [f"{i:02d}.png" for i in range(expected)]
