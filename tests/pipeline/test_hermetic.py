"""Every stage reads exactly what dvc.yaml declares: no less, or DVC would not run it again; no more."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from dvc.stage import Stage
from ruamel.yaml import YAML

from dnaf.core.seals import seal_of
from tests.pipeline.conftest import Project

# Plumbing that cannot change a result.
PLUMBING = (
    "dnaf/__init__.py",
    "dnaf/core/environment.py",
    "dnaf/core/errors.py",
    "dnaf/core/commands.py",
    "dnaf/core/config.py",
    "dnaf/core/filenames.py",  # what errors show and every stage refuses
    "dnaf/core/sections.py",
    "dnaf/core/files.py",
    "dnaf/core/locks.py",
    "dnaf/core/markdown.py",  # how tables look
    "dnaf/core/progress.py",
    "dnaf/core/seals.py",
    "dnaf/core/shards.py",  # who does a chunk; what a chunk is, is said where it is made
    "dnaf/core/workers.py",
    "dnaf/data/chunks.py",
    "stages/__init__.py",
    "stages/_command.py",
    "stages/_launch.py",
)
# Of the matrix, one method of each kind: ours, from the data alone, published, in shared strips, absent.
STAGES = (
    "make_demo",
    "unpack",
    "split",
    "render",
    "latents",
    "train",
    "generate",
    "reference@cfld",
    "evaluate@dnaf-cfld",
    "evaluate@copy_source-cfld",
    "evaluate@mean_image-cfld",
    "evaluate@gfla-cfld",
    "evaluate@casd-cfld",
    "evaluate@pocold-cfld",
    "summary",
    "leaderboard",
    "report",
    "applications",
)
# The matrix declares for every method what one kind of method needs.
NOT_READ_BY = {
    **{
        f"evaluate@{method}-cfld": {"data/results/shared"}
        for method in ("dnaf", "copy_source", "mean_image", "gfla")
    },
    "evaluate@pocold-cfld": {
        "data/base/efficientnet_lite0",
        "data/images.zip",
        "data/prepared.zip",
        "data/reference/cfld",
        "dnaf/core/device.py",
        "dnaf/data/archives",
        "dnaf/data/pose_maps/skeleton.py",
        "dnaf/data/store.py",
        "dnaf/weights/registry.py",
    },
}
# Metrics and protocols of the user's own, which are imported where the section `own` names some.
OWN = "extensions"
# Runs before the stage in its interpreter and lists every project file that it opens or imports.
RECORDER = """
import atexit, json, os, sys
_root, _opened, _pid = os.getcwd() + os.sep, set(), os.getpid()
def _hook(event, args):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(args[0], (str, os.PathLike)):
        path = os.path.abspath(os.fspath(args[0]))
        if path.startswith(_root):
            _opened.add(path[len(_root):])
sys.addaudithook(_hook)
def _write():
    if os.getpid() != _pid:
        return
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        if path.startswith(_root):
            _opened.add(path[len(_root):])
    with open(os.environ["RECORD"], "w") as file:
        json.dump(sorted(_opened), file)
atexit.register(_write)
"""


@pytest.fixture(scope="module")
def stages(project: Project) -> Iterator[dict[str, Stage]]:
    with Repo(str(project.root)) as repo:
        yield {stage.name: stage for stage in repo.index.stages if stage.cmd}


def paths(items: Any, root: Path) -> list[str]:
    return [
        str(Path(item.fs_path).relative_to(root)) for item in items if not isinstance(item, ParamsDependency)
    ]


def declared_keys(stage: Stage) -> list[str]:
    return [key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in (dep.params or [])]


def lay_out(project: Project, stage: Stage, folder: Path) -> None:
    """Everything that the stage declares."""
    declared = paths(stage.deps, project.root)
    seals = [str(seal_of(Path(name))) for name in declared if (project.root / seal_of(Path(name))).exists()]
    copy(project, [*PLUMBING, *declared, *seals], folder)
    write_params(project, stage, folder)


def copy(project: Project, names: list[str], folder: Path) -> None:
    for name in names:
        source, target = project.root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    for package in {parent for path in folder.rglob("*.py") for parent in path.parents}:
        if package != folder and folder in package.parents:
            (package / "__init__.py").touch()


def write_params(project: Project, stage: Stage, folder: Path, without: str | None = None) -> None:
    """A params.yaml of the keys that the stage declares."""
    params = YAML(typ="safe", pure=True).load(project.root / "params.yaml")
    kept: dict[str, Any] = {}
    for key in declared_keys(stage):
        source_section, target_section = params, kept
        *sections, last = key.split(".")
        for section in sections:
            source_section = source_section[section]
            target_section = target_section.setdefault(section, {})
        if key != without:
            target_section[last] = source_section[last]
    YAML().dump(kept, folder / "params.yaml")


def run(project: Project, stage: Stage, folder: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    recorder = folder.parent / f"{folder.name}-recorder"
    recorder.mkdir(exist_ok=True)
    (recorder / "sitecustomize.py").write_text(RECORDER)
    record = recorder / "record.json"
    environment = {
        **project.environment,
        "PYTHONPATH": str(recorder),
        "RECORD": str(record),
        "DNAF_SCRATCH": str(recorder / "scratch"),
    }
    result = subprocess.run(
        stage.cmd, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return result, json.loads(record.read_text()) if record.exists() else []


def files_below(folder: Path) -> set[str]:
    """All but compiled code, which the next run takes."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if "__pycache__" not in path.parts}


@pytest.mark.parametrize("name", STAGES)
def test_stage_runs_on_what_it_declares_and_reads_all_of_it(
    name: str, project: Project, stages: dict[str, Stage], tmp_path: Path
) -> None:
    stage, folder = stages[name], tmp_path / "workspace"
    lay_out(project, stage, folder)
    if name == "make_demo":
        (folder / "data/raw/demo").mkdir(parents=True)
    before = files_below(folder)

    result, opened = run(project, stage, folder)

    assert result.returncode == 0, f"an undeclared input?\n{result.stderr[-2000:]}"
    outs = paths(stage.outs, project.root)
    missing = [out for out in outs if not (folder / out).exists()]
    assert not missing, "declared, but not written"
    stray = {
        path for path in files_below(folder) - before if not any(Path(path).is_relative_to(o) for o in outs)
    }
    assert not stray, "written, but not declared"
    unread = {
        dependency
        for dependency in paths(stage.deps, project.root)
        if not any(Path(path).is_relative_to(dependency) for path in opened)
    }
    assert unread - {OWN} == NOT_READ_BY.get(name, set()), "declared, but not read"


@pytest.mark.parametrize(
    "name", [name for name in STAGES if not name.startswith("evaluate") or name == "evaluate@dnaf-cfld"]
)
def test_stage_needs_every_parameter_it_declares(
    name: str, project: Project, stages: dict[str, Stage], tmp_path: Path
) -> None:
    stage, folder = stages[name], tmp_path / "workspace"
    # Without its data: parameters are read before them.
    code = [path for path in paths(stage.deps, project.root) if path.startswith(("dnaf", "stages"))]
    copy(project, [*PLUMBING, *code], folder)
    for key in declared_keys(stage):
        write_params(project, stage, folder, without=key)

        result, _ = run(project, stage, folder)

        assert result.returncode == 2, key
        assert key.split(".")[-1] in result.stderr
