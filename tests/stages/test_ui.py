from pathlib import Path

import pytest

from dnaf.core.errors import ConfigError, StateError
from stages import ui
from tests.helpers.training_project import TrainingProject


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingProject:
    """A project that becomes the current folder."""
    monkeypatch.chdir(tmp_path)
    return TrainingProject(tmp_path)


def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^stages\.ui: needs the package gradio, .* `uv sync --extra ui`"):
        ui.main()


def test_pairs_that_are_missing_are_told_before_the_model_is_loaded(
    project: TrainingProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui, "find_spec", lambda name: True)
    (project.root / "data/pairs/test.csv").unlink()
    with pytest.raises(StateError, match=r"data/pairs"):
        ui.main(model=Path("nowhere"))
