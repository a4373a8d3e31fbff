"""Stages on two hosts: what one process writes, and no half work where a host dies."""

import os
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from safetensors.torch import load_file

from dnaf.core import files
from dnaf.core.config import Params
from tests.cluster.conftest import TwoHosts, finish, kill_second
from tests.helpers import processes
from tests.helpers.custom_folder import keypoints, write_custom, write_table
from tests.helpers.evaluation_project import EvaluationProject
from tests.helpers.training_project import ROOT, TrainingProject

pytestmark = pytest.mark.slow

RESULTS = {"train": ("data/model", "metrics/train"), "generate": ("data/results",)}
# What a heavy stage is started with, what it writes, and where it keeps what is finished.
HEAVY = {
    "unpack": (["demo"], ["data/images.zip", "data/prepared.zip"], "unpack"),
    "render": (["demo"], ["data/pose_maps.zip"], "render"),
    "latents": ([], ["data/latents.zip"], "latents"),
    "reference": (["demo", "cfld"], ["data/reference"], "reference"),
    "evaluate": (["demo", "ground_truth", "cfld"], ["data/scores"], "features"),
}
WEIGHTS = "adapter/diffusion_pytorch_model.safetensors"


@pytest.fixture
def project(tmp_path: Path) -> TrainingProject:
    return TrainingProject(tmp_path)


def succeeded(ended: list[tuple[int, str]]) -> None:
    assert [code for code, _ in ended] == [0, 0], "\n".join(text[-2000:] for _, text in ended)


def test_two_hosts_generate_the_images_of_one_process(project: TrainingProject, two_hosts: TwoHosts) -> None:
    project.write_model()
    project.set_params(generate={"batch_size": 1})
    assert processes.run("generate", project) == 0
    folder = project.root / "data/results/dnaf"
    alone = {path.name: files.digest(path) for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    succeeded(two_hosts.run(project.root, "stages.generate"))
    assert {path.name: files.digest(path) for path in folder.iterdir()} == alone


def test_two_hosts_train_the_weights_of_one_process(
    project: TrainingProject, two_hosts: TwoHosts, tmp_path: Path
) -> None:
    assert processes.run("train", project) == 0
    other = TrainingProject(tmp_path / "two")
    succeeded(two_hosts.run(other.root, "stages.train"))
    one, two = (load_file(each.root / "data/model" / WEIGHTS) for each in (project, other))
    assert one.keys() == two.keys()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-4  # rounding, in six steps


@pytest.mark.parametrize("stage", [("reference", "demo", "cfld"), ("evaluate", "demo", "dnaf", "cfld")])
def test_two_hosts_score_as_one_process_does(
    evaluation_project: EvaluationProject, two_hosts: TwoHosts, stage: tuple[str, ...]
) -> None:
    evaluation_project.add_results()
    evaluation_project.set_params(evaluate={"batch_size": 2}, reference={"batch_size": 2})
    name, *arguments = stage
    outputs = evaluation_project.root / ("data/reference" if name == "reference" else "data/scores")
    written = []
    for is_alone in (True, False):
        for path in outputs.rglob("*.*"):
            path.unlink()
        if is_alone:
            import_module(f"stages.{name}").main(*arguments)
        else:
            succeeded(two_hosts.run(evaluation_project.root, f"stages.{name}", *arguments))
        written.append({path: files.digest(path) for path in outputs.rglob("*.*")})
    assert written[0] == written[1] != {}


def test_two_hosts_unpack_and_draw_as_one_process_does(tmp_path: Path, two_hosts: TwoHosts) -> None:
    write_custom(tmp_path / "data/raw/mine")
    write_table(tmp_path / "data/raw/mine", keypoints())
    size = {"height": 64, "width": 48, "max_test_pairs": 100}
    parameters = {
        **Params().model_dump(),
        "dataset": "mine",
        "datasets": {"mine": {"format": "custom", **size}},
    }
    with open(tmp_path / "params.yaml", "w") as file:
        YAML().dump(parameters, file)
    for stage, outputs in (("unpack", ("images", "prepared")), ("split", ()), ("render", ("pose_maps",))):
        paths = [tmp_path / f"data/{name}.zip" for name in outputs]
        alone = [sys.executable, "-m", f"stages.{stage}", "mine"]
        subprocess.run(alone, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
        expected = [files.digest(path) for path in paths]
        for path in paths:
            path.unlink()
        if paths:
            succeeded(two_hosts.run(tmp_path, f"stages.{stage}", "mine"))
        assert [files.digest(path) for path in paths] == expected


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as far as its reference set, with images enough for a host to die within each stage."""
    root = tmp_path_factory.mktemp("drawn")
    params = Params().model_dump()
    params["datasets"]["demo"] |= {"max_test_pairs": 60}
    params["make_demo"] |= {"num_train_outfits": 400, "num_test_outfits": 10}  # three chunks of `unpack`
    params["reference"] |= {"max_images": 60, "batch_size": 5}
    params["evaluate"] |= {"batch_size": 5, "num_bootstrap": 20}
    with open(root / "params.yaml", "w") as file:
        YAML().dump(params, file)
    shutil.copytree(ROOT / "data/base", root / "data/base")
    card = Path("data/results/ground_truth/card.yaml")
    (root / card).parent.mkdir(parents=True)
    shutil.copy(ROOT / card, root / card)
    for stage in ("make_demo", "unpack", "split", "render", "latents", "reference"):
        run_alone(root, stage, *HEAVY.get(stage, ([],))[0])
    return root


def run_alone(root: Path, stage: str, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DNAF_SCRATCH": str(root / "scratch")}
    environment["OMP_NUM_THREADS"] = "1"  # as on the hosts: sums of other threads have other last digits
    command = [sys.executable, "-m", f"stages.{stage}", *arguments]
    subprocess.run(command, cwd=root, env=environment, check=True)


@pytest.mark.parametrize("stage", HEAVY)
def test_a_host_that_dies_in_any_heavy_stage_ends_the_other_and_nothing_is_lost(
    drawn: Path, two_hosts: TwoHosts, stage: str
) -> None:
    arguments, outputs, purpose = HEAVY[stage]
    run_alone(drawn, stage, *arguments)
    expected = digests(drawn, outputs)
    for path in [*outputs, f"scratch/{purpose}"]:
        remove(drawn / path)
    hosts = two_hosts.start(drawn, f"stages.{stage}", *arguments)
    while not list((drawn / "scratch" / purpose).rglob("chunk-*")):
        assert hosts[0].poll() is None, hosts[0].communicate()[0]
        time.sleep(0.01)
    require_told_death(hosts)
    assert digests(drawn, outputs) == {}
    succeeded(two_hosts.run(drawn, f"stages.{stage}", *arguments))
    assert digests(drawn, outputs) == expected


def digests(root: Path, outputs: list[str]) -> dict[Path, str]:
    found = [path for each in outputs for path in [root / each, *(root / each).rglob("*")]]
    return {path: files.digest(path) for path in found if path.is_file() and not path.name.startswith(".")}


def remove(path: Path) -> None:
    if path.is_dir():
        files.remove_folder(path)
    path.unlink(missing_ok=True)


def require_told_death(hosts: list[subprocess.Popen[str]]) -> None:
    """Kills the second host; the first one says so, and ends."""
    kill_second()
    died = time.monotonic()
    [(code, said), _] = finish(hosts)
    assert code not in (0, None)
    assert time.monotonic() - died < 60
    assert "error: another process of this run has ended" in said, said[-6000:]


@pytest.mark.parametrize("stage", ["train", "generate"])
def test_a_host_that_dies_ends_the_other_which_says_so_and_both_go_on_when_started_again(
    project: TrainingProject, two_hosts: TwoHosts, stage: str
) -> None:
    project.write_model()
    project.set_params(
        train={"steps": 60, "sample_every": 60, "checkpoint_every": 5},
        generate={"batch_size": 1, "num_inference_steps": 50},
    )
    succeeded(two_hosts.run(project.root, f"stages.{stage}"))
    expected = project.digests(*RESULTS[stage])
    for folder in RESULTS[stage]:
        files.remove_folder(project.root / folder)
    hosts = two_hosts.start(project.root, f"stages.{stage}")
    pattern = "train/*/step-*" if stage == "train" else "generate/*/chunk-*"
    while not list(project.scratch.glob(pattern)):
        assert hosts[0].poll() is None, hosts[0].communicate()[0]
        time.sleep(0.02)
    require_told_death(hosts)
    succeeded(two_hosts.run(project.root, f"stages.{stage}"))
    assert project.digests(*RESULTS[stage]) == expected


def test_a_scratch_folder_that_is_not_shared_is_refused(
    project: TrainingProject, two_hosts: TwoHosts, tmp_path: Path
) -> None:
    project.write_model()
    project.set_params(generate={"batch_size": 1})
    ended = two_hosts.run(
        project.root, "stages.generate", of_second={"DNAF_SCRATCH": str(tmp_path / "elsewhere")}
    )
    assert all(code for code, _ in ended)
    assert "error: " in ended[0][1]
