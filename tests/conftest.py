"""Fixtures that several test folders share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.helpers.evaluation_project import EvaluationProject

# With AVX-512 torch's convolutions keep workspaces, of which tests/train/test_memory.py cannot know.
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"


_SHARED_PROJECT = ("tests/pipeline/test_dvc.py", "tests/pipeline/test_hermetic.py")


class _ByFile(LoadScopeScheduling):
    """Tests run on all cores: a file in one process, and those that share a project of DVC."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "pipeline" if file in _SHARED_PROJECT else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, or one process would be at it when the others are done."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/pipeline/"))


@pytest.hookimpl(optionalhook=True)  # without xdist too: `pytest -p no:xdist`
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _ByFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """State of long work is kept apart from the user's, and from that of other test processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DNAF_SCRATCH", str(tmp_path_factory.mktemp("scratch")))
        yield


@pytest.fixture(scope="session")
def reference_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference set of the tiny project under protocol `cfld`."""
    from stages import reference

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("reference"))
        EvaluationProject(Path.cwd())
        reference.main("demo", "cfld")
        return Path("data/reference/cfld").resolve()


@pytest.fixture
def evaluation_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference_folder: Path
) -> EvaluationProject:
    """A tiny project whose test pairs can be scored, in an empty folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)
    project = EvaluationProject(tmp_path)
    shutil.copytree(reference_folder, tmp_path / "data/reference/cfld")
    return project
