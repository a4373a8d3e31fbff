"""The project of a rehearsal has all that its stages ask of the repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks import rehearsal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rehearsal") / "project"
    with pytest.MonkeyPatch.context() as patch:  # DVC is beside Python, wherever the tests were started
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        rehearsal.build(root, *rehearsal.make_names(40), size=(64, 48))
    return root


@pytest.mark.parametrize("stage", ["unpack", "split", "render", "reference", "evaluate"])
def test_it_has_what_git_has_of_what_a_stage_depends_on(project: Path, stage: str) -> None:
    depends_on = [
        path
        for path in YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"][stage]["deps"]
        if not Path(path).is_relative_to("data/results") and "${" not in path
    ]
    known = subprocess.run(
        ["git", "ls-files", *depends_on], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert known
    assert [name for name in known if not (project / name).exists()] == []
