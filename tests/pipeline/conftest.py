"""One whole project, run by DVC with parameters so small that everything takes a minute."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from dnaf.core import files
from dnaf.data.store import ImageStore
from dnaf.evaluate.submissions.find import read_pairs_csv
from tests.helpers.baseline_results import Baselines

ROOT = Path(__file__).resolve().parents[2]

MINIMAL = {
    # The seven baselines of the paper's figure, and one that nobody supplied.
    "methods": ["dnaf", "copy_source", "mean_image", *Baselines.METHODS, "pocold"],
    "datasets.demo.max_test_pairs": 6,
    "make_demo.num_train_outfits": 6,
    "make_demo.num_test_outfits": 3,
    "model.channels": [8, 16],
    "model.head_dim": 8,
    "train.steps": 4,
    "train.batch_size": 2,
    "train.lr_warmup_steps": 2,
    "train.validation_outfits": 2,
    "train.log_every": 1,
    "train.checkpoint_every": 2,
    "train.sample_every": 4,
    "generate.num_inference_steps": 2,
    "generate.batch_size": 4,
    "generate.num_samples": 2,
    "reference.max_images": 8,
    "evaluate.num_bootstrap": 20,
    "report.num_rows": 2,
    "applications.num_rows": 3,
    "applications.num_frames": 2,
}


class Project:
    """A copy of what git tracks (and of new files not yet added) with its own git and DVC repositories."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root = root
        self.written: dict[str, str] = {}
        # For the README's lines: `uv run` runs them in this environment.
        uv = scratch / "bin/uv"
        uv.parent.mkdir(parents=True)
        uv.write_text('#!/bin/sh\n[ "$1" = run ] || exit 1\nshift\nexec "$@"\n')
        uv.chmod(0o755)
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "PATH": os.pathsep.join([str(uv.parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "DVC_NO_ANALYTICS": "1",
            "DNAF_SCRATCH": str(scratch),
            "OMP_NUM_THREADS": "1",
            "GIT_AUTHOR_NAME": "tests",
            "GIT_AUTHOR_EMAIL": "tests@localhost",
            "GIT_COMMITTER_NAME": "tests",
            "GIT_COMMITTER_EMAIL": "tests@localhost",
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False
        )
        if check:
            assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
        return result

    def outs(self) -> list[Path]:
        """What DVC caches of the stages."""
        with Repo(str(self.root)) as repo:
            outs = [out for stage in repo.index.stages for out in stage.outs if out.use_cache]
        return [Path(out.fs_path) for out in outs]

    def digests(self) -> dict[str, str]:
        """Sha256 of every file of the outs, by path."""
        return {
            str(path.relative_to(self.root)): files.digest(path)
            for out in self.outs()
            for path in ([out] if out.is_file() else sorted(out.rglob("*")))
            if path.is_file()
        }

    def set_params(self, values: dict[str, Any], name: str = "params.yaml") -> None:
        yaml = YAML()
        path = self.root / name
        params = yaml.load(path)
        for dotted, value in values.items():
            *sections, key = dotted.split(".")
            section = params
            for name in sections:
                section = section[name]
            section[key] = value
        yaml.dump(params, path)


def copy_project(root: Path, scratch: Path) -> Project:
    """A copy of the project that is not yet a repository."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "metrics/", "dvc.lock")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    return Project(root, scratch)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after `dvc repro`, everything committed; tests leave it as they found it.

    All outs were removed and restored from DVC's cache, so what runs on them runs on what DVC restores.
    """
    root = tmp_path_factory.mktemp("project")
    made = copy_project(root, tmp_path_factory.mktemp("scratch"))
    made.set_params(MINIMAL)
    made.run("git", "init", "-q", "-b", "main")
    made.run("git", "add", "-A")
    made.run("git", "commit", "-qm", "start")
    made.run("dvc", "repro", "-q", "split")
    test = read_pairs_csv(root / "data/pairs/test.csv")
    Baselines(ImageStore(root / "data/prepared.zip"), test.pairs).write(root / "data/results")
    made.run("dvc", "repro", "-q")
    made.run("git", "add", "-A")
    made.run("git", "commit", "-qm", "results")
    made.written = made.digests()
    for out in made.outs():
        shutil.rmtree(out) if out.is_dir() else out.unlink()
    made.run("dvc", "checkout", "-q")
    return made
