import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dnaf.core import config
from dnaf.core.errors import ConfigError, StateError
from stages import use
from tests.helpers.messages import error_of
from tests.helpers.raw_folder import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "params", tmp_path / "params")
    monkeypatch.chdir(tmp_path)
    use.main("demo")
    return tmp_path


def test_a_set_replaces_another_and_an_edit_of_the_user_only_by_force(project: Path) -> None:
    path = project / "params.yaml"
    demo = path.read_bytes()
    use.main("market1501")
    assert config.load_chosen_dataset(path) == "market1501"
    use.main("demo")
    assert path.read_bytes() == demo
    edited = demo.replace(b"seed: 0", b"seed: 4")
    path.write_bytes(edited)
    with pytest.raises(
        StateError, match=r"params\.yaml: holds edits that would be lost \(seed: 4\)"
    ) as caught:
        use.main("market1501")
    assert "--force" in str(caught.value)
    assert path.read_bytes() == edited
    use.main("market1501", ["seed=4"])
    assert config.load_seed(path) == 4
    use.main("demo", force=True)
    assert path.read_bytes() == demo


def test_many_edits_are_counted(project: Path) -> None:
    path = project / "params.yaml"
    keys = "".join(f"mine{number}: 1\n" for number in range(12))
    path.write_text(path.read_text() + keys)
    with pytest.raises(StateError, match=r"mine0: 1; .*mine7: 1 and 4 more\)"):
        use.main("demo")


def test_a_wrong_change_writes_nothing(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError):
        use.main("deepfashion", ["train.lr=2"], force=True)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_the_command_takes_a_name_and_changes_and_ends_in_a_sentence(project: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stages.use", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)

    done = run("demo-scratch", "--set", "train.lr=1e-3", "--set", "seed=3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The set demo-scratch → params.yaml; ")
    assert (config.load(config.Train).lr, config.load(config.Train).steps, config.load_seed()) == (
        0.001,
        450,
        3,
    )
    refused = run("demo")
    assert refused.returncode == 2
    told = "error: params.yaml: holds edits that would be lost (seed: 3; train.lr: 0.001)"
    assert error_of(refused.stderr).startswith(told)
