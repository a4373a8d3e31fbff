"""Every stage of the pipeline: killed at any moment, on a full disk, and with a flipped bit in what it reads.

All stages are here alike; what is particular to unpacking, training and generating has files of its own.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from dnaf.core import files
from dnaf.core.config import Params
from dnaf.core.seals import seal_of
from tests.helpers import processes
from tests.pipeline.conftest import MINIMAL
from tests.stages.test_writing import ROOT, STAGES, outputs

pytestmark = pytest.mark.slow

NUM_MOMENTS, NUM_FLIPS = 20, 200
_SMALL = {
    **MINIMAL,
    "methods": ["dnaf"],
    "protocols": ["cfld"],
    "make_demo.num_train_outfits": 3,
    "make_demo.num_test_outfits": 2,
}
# Of thousands of flips: what takes the seconds of a run and reads nothing that is not read anyhow.
_QUICK = {
    "datasets.demo.height": 48,  # the torsos that the bundled base model was trained on first
    "datasets.demo.width": 48,
    "train.steps": 2,
    "train.sample_every": 2,
    "train.validation_outfits": 0,
    "applications.num_rows": 2,
}
# Written while training runs, for people to watch: what a failed training leaves is a beginning of the whole.
_GROWING = (Path("metrics/train/loss.csv"), Path("metrics/train/validation.csv"))
_SUPPLIED = ("data/raw", "data/results", "data/artwork")  # people's own files, which have no digest


@dataclass
class Project:
    """The project in a folder, with parameters so small that a stage takes seconds."""

    root: Path

    def run(self, stage: str, **faults: int) -> int:
        (self.root / "output.txt").write_bytes(b"")
        return processes.run(stage, self, **faults)  # type: ignore[arg-type]

    @property
    def said(self) -> str:
        return (self.root / "output.txt").read_text()

    def moments(self, stage: str) -> list[int]:
        """Spread over a stage's system calls that change the disk, the first and the last among them."""
        assert self.run(stage) == 0, self.said
        num_calls = processes.calls(self)  # type: ignore[arg-type]
        return np.unique(np.linspace(1, num_calls, NUM_MOMENTS).round().astype(int)).tolist()

    def digests(self, stage: str) -> dict[str, str]:
        return {str(path): files.digest(self.root / path) for path in self.files(outputs(stage))}

    def files(self, paths: list[Path]) -> list[Path]:
        """Files at and below these paths, in the project's folder."""
        found = [self.root / path for path in paths]
        every = [each for path in found for each in ([path] if path.is_file() else path.rglob("*"))]
        return sorted(path.relative_to(self.root) for path in every if path.is_file())

    def finished(self, stage: str) -> dict[str, str]:
        """The digests without those of files that grow, and of their seals."""
        growing = {str(each) for path in _GROWING for each in (path, seal_of(path))}
        return {path: digest for path, digest in self.digests(stage).items() if path not in growing}

    def curves(self) -> list[bytes]:
        paths = [self.root / path for path in _GROWING]
        return [path.read_bytes() if path.exists() else b"" for path in paths]

    def left_over(self) -> list[Path]:
        return list(self.root.rglob(".dnaf-tmp-*"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return run_all(tmp_path_factory.mktemp("every"), _SMALL)


@pytest.fixture(scope="module")
def quick_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return run_all(tmp_path_factory.mktemp("quick"), {**_SMALL, **_QUICK})


def run_all(root: Path, changes: Mapping[str, object]) -> Project:
    """A project with these parameters in which every stage has run."""
    params = Params().model_dump()
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        section = params
        for name in sections:
            section = section[name]
        section[key] = value
    with open(root / "params.yaml", "w") as file:
        YAML().dump(params, file)
    for name in ("data/base", "data/adapter", "data/artwork"):
        shutil.copytree(ROOT / name, root / name)
    for card in ROOT.glob("data/results/*/card.yaml"):
        (root / card.relative_to(ROOT)).parent.mkdir(parents=True)
        shutil.copy(card, root / card.relative_to(ROOT))
    made = Project(root)
    for stage in STAGES:
        assert made.run(stage) == 0, f"{stage}: {made.said}"
    return made


def require_whole(project: Project, stage: str, expected: dict[str, str]) -> None:
    assert project.run(stage) == 0, project.said
    assert project.digests(stage) == expected
    assert project.left_over() == []


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_moment_it_ends_with_the_same_bytes(project: Project, stage: str) -> None:
    expected = project.digests(stage)
    moments = project.moments(stage)
    for at in moments:
        assert processes.was_killed(project.run(stage, kill_at=at)), at
        require_whole(project, stage, expected)
    sys.stdout.write(f"{stage}: killed at {len(moments)} moments, the same bytes after each\n")


@pytest.mark.parametrize("stage", STAGES)
def test_on_a_full_disk_it_says_so_and_leaves_no_half_of_anything(project: Project, stage: str) -> None:
    expected, curves = project.digests(stage), project.curves()
    moments = project.moments(stage)
    told = 0
    for at in moments:
        code = project.run(stage, full_at=at)
        told += code == 2
        assert "Traceback" not in project.said, at
        if code:
            assert code == 2, (at, project.said)
            assert "No space left on device" in project.said, at
            assert project.finished(stage).items() <= expected.items(), at
            begun = zip(curves, project.curves(), strict=True)
            assert all(whole.startswith(beginning) for whole, beginning in begun), at
        else:  # it needed no space: what an earlier run left could not be removed
            assert project.digests(stage) == expected, at
        require_whole(project, stage, expected)
    assert told > len(moments) / 2
    sys.stdout.write(
        f"{stage}: a full disk at {len(moments)} moments, {told} times one sentence, else the same bytes\n"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_a_flipped_bit_in_what_it_reads_is_told_or_changes_nothing(
    quick_project: Project, stage: str, pytestconfig: pytest.Config
) -> None:
    project = quick_project
    outcomes: Counter[str] = Counter()
    paths = project.files(inputs(stage))
    # It takes hours: what a run that was broken off has seen of a file counts, until all are done.
    known = {path: f"flips/{stage}/{path.as_posix()}" for path in paths}
    expected = project.digests(stage)
    for path in paths:
        seen = pytestconfig.cache.get(known[path], None)
        if seen is None:
            seen = flip(project, stage, path, expected)
            pytestconfig.cache.set(known[path], seen)
        outcomes.update(seen)
    for key in known.values():
        pytestconfig.cache.set(key, None)
    require_whole(project, stage, expected)
    sys.stdout.write(f"{stage}: {sum(outcomes.values())} flipped bits: {dict(sorted(outcomes.items()))}\n")


def flip(project: Project, stage: str, path: Path, expected: dict[str, str]) -> dict[str, int]:
    """How the stage ends, how often, with single bits of a file flipped; its readers share the flips."""
    outcomes: Counter[str] = Counter()
    content = (project.root / path).read_bytes()
    readers = [each for each in STAGES if path in project.files(inputs(each))]
    for index in range(readers.index(stage), NUM_FLIPS if content else 0, len(readers)):
        rng = np.random.default_rng([index, *path.as_posix().encode()])
        flipped = bytearray(content)
        flipped[rng.integers(len(flipped))] ^= 1 << int(rng.integers(8))
        (project.root / path).write_bytes(flipped)
        code = project.run(stage)
        assert "Traceback" not in project.said, (path, index, project.said)
        assert code in (0, 2), (path, index)
        outcome = "named error" if code else "identical"
        if not code and project.digests(stage) != expected:
            outcome = "another result"
            assert path.as_posix().startswith(_SUPPLIED), (path, index)
        outcomes[outcome] += 1
    (project.root / path).write_bytes(content)
    return dict(outcomes)


def inputs(stage: str) -> list[Path]:
    """What dvc.yaml says that a stage reads, without the code."""
    found = []
    for path in STAGES[stage].get("deps", []):
        if path.startswith(("data/", "metrics/")):
            for key, value in {
                "${dataset}": "demo",
                "${item.method}": "dnaf",
                "${item.protocol}": "cfld",
                "${protocol}": "cfld",
                "${method}": "dnaf",
            }.items():
                path = path.replace(key, value)
            found.append(Path(path))
    return found
