"""Fixtures that several test folders share."""

from pathlib import Path

import pytest

from tests.evaluation_project import EvaluationProject


@pytest.fixture
def evaluation_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvaluationProject:
    """A tiny project whose test pairs can be scored, in an empty folder that becomes the current one."""
    monkeypatch.chdir(tmp_path)
    return EvaluationProject(tmp_path)
