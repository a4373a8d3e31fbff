import shutil
from pathlib import Path

import pytest

from dnaf.core.errors import StateError
from dnaf.report.revisions import differences, fetch
from tests.helpers.revisions import PARAMS, Revisions

FULL = "seed: 0\ntrain:\n  lr: 2.0e-3\n  betas:\n  - 0.9\n  gamma:\nmodel:\n  noise_aware: true\n"
SCORES = "data/scores.csv"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit for each set of parameters, tagged by what is changed in it."""
    monkeypatch.chdir(tmp_path)
    with Revisions(tmp_path) as revisions:
        Path("data").mkdir()
        for tag, old, new in (
            ("full", "", ""),
            ("same", "2.0e-3", "0.002"),
            ("lr", "2.0e-3", "4.0e-3"),
            ("seed", "seed: 0", "seed: 1"),
            ("lr-and-seed", "seed: 0\ntrain:\n  lr: 2.0e-3", "seed: 1\ntrain:\n  lr: 4.0e-3"),
            ("key", "  gamma:\n", "  gamma: 5.0\n  loss: l1\n"),
        ):
            PARAMS.write_text(FULL.replace(old, new))
            Path(SCORES).write_text(tag)
            revisions.commit(tag, [SCORES])
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_parameters_are_compared_by_value_and_named_by_their_path() -> None:
    found = {d.variant: str(d) for d in differences({"a": ["same"], "b": ["lr"], "c": ["full"]}, "c")}
    assert found == {
        "a": "a has the parameters of c.",
        "b": "b differs from c in: train.lr is 0.004, not 0.002.",
    }


@pytest.mark.usefixtures("repository")
def test_two_changed_parameters_are_confounded_and_one_is_not() -> None:
    one, two = differences({"full": ["full"], "one": ["lr"], "two": ["lr-and-seed"]}, "full")
    assert (one.is_confounded, two.is_confounded) == (False, True)
    assert list(two.changes) == ["seed", "train.lr"]


@pytest.mark.usefixtures("repository")
def test_a_parameter_that_one_revision_lacks_is_absent_there() -> None:
    [added] = differences({"full": ["full"], "key": ["key"]}, "full")
    assert added.changes == {"train.gamma": ("null", "5.0"), "train.loss": ("absent", '"l1"')}


@pytest.mark.usefixtures("repository")
def test_runs_of_several_seeds_are_compared_seed_by_seed() -> None:
    [lr] = differences({"full": ["full", "seed"], "lr": ["lr", "lr-and-seed"]}, "full")
    assert lr.changes == {"train.lr": ("0.002", "0.004")}
    [swapped] = differences({"full": ["full", "seed"], "lr": ["lr-and-seed", "lr"]}, "full")
    assert swapped.changes["seed"] == ("0 or 1", "1 or 0")


def test_files_of_a_commit_of_another_machine_are_told_with_what_to_do(repository: Path) -> None:
    Path(SCORES).unlink()
    shutil.rmtree(".dvc/cache")
    with pytest.raises(StateError, match=r"^lr: no scores in DVC's cache .*`uv run dvc repro && git commit"):
        fetch("lr", [SCORES], repository / "copy", "scores")


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("revision", "path", "message"),
    [
        ("no-such", SCORES, "no such commit"),
        ("lr", "data/other.csv", r"no scores \(expected data/other\.csv"),
    ],
)
def test_what_a_revision_has_not_is_told_in_one_sentence(revision: str, path: str, message: str) -> None:
    with pytest.raises(StateError, match=f"^{revision}: {message}") as error:
        fetch(revision, [path], Path("copy"), "scores")
    assert "\n" not in str(error.value)
