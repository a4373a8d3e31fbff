"""Fixtures that several test folders share."""

import shutil
from pathlib import Path

import pytest

from tests.evaluation_project import EvaluationProject


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests run on all cores; those of a file one by one, and those of tests/pipeline share a project."""
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        item.add_marker(pytest.mark.xdist_group(path.parts[0] if path.parts[0] == "pipeline" else str(path)))


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
