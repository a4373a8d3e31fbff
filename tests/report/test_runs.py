from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnaf.core.errors import StateError
from dnaf.report.runs import Run, read_run, to_markdown
from tests.helpers.revisions import Revisions

NUM_PAIRS = 40
NOISE = np.random.default_rng(0).normal(0, 0.2, NUM_PAIRS)


def run(values: Sequence[float] | np.ndarray, groups: Sequence[str] | None = None) -> Run:
    names = list(groups) if groups else [str(number) for number in range(len(values))]
    return Run({"l1": np.asarray(values, np.float64)}, names, ["0"] * len(values))


def cells(markdown: str) -> dict[str, str]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    rows = [line.strip("| ").split(" | ") for line in lines[2:]]
    return {row[0]: row[1] for row in rows}


def test_a_difference_on_every_pair_is_bold_although_the_means_intervals_overlap() -> None:
    table = cells(to_markdown({"full": [run(0.5 + NOISE)], "without": [run(0.51 + NOISE)]}, 200, 0))
    assert table["without - full"] == "**+0.0100 [+0.0100, +0.0100]**"


def test_what_the_intervals_do_not_hold_is_told_below_the_table() -> None:
    lines = to_markdown({"full": [run([0.1, 0.3])]}, 10, 0).splitlines()
    assert [line.startswith("|") for line in lines] == [True, True, True, False, False]
    assert lines[-1].endswith("compare several seeds.")


def test_a_difference_that_changes_sign_is_told_and_not_bold() -> None:
    changed = 0.5 + NOISE - NOISE.mean()
    table = cells(to_markdown({"full": [run(np.full(NUM_PAIRS, 0.5))], "without": [run(changed)]}, 200, 0))
    assert table["without - full"].startswith(("+0.0000 [-", "-0.0000 [-"))


def test_the_same_outfits_of_two_seeds_are_pooled_as_one_group() -> None:
    # Two runs on the same pairs are no new outfits: the interval is that of two, not of four groups.
    once = cells(to_markdown({"full": [run([0.1, 0.3], ["a", "b"])]}, 500, 0))
    twice = cells(to_markdown({"full": [run([0.1, 0.3], ["a", "b"]), run([0.1, 0.3], ["a", "b"])]}, 500, 0))
    assert once == twice


def test_the_interval_of_several_trainings_holds_the_chance_between_them() -> None:
    # Every outfit is alike in a training, so that nothing but the training varies: from .1 (all three drawn
    # are the first one, 1 of 27 times) to .3.
    runs = [run(np.full(NUM_PAIRS, value)) for value in (0.1, 0.2, 0.3)]
    table = cells(to_markdown({"full": runs, "same": runs, "none": [run(np.zeros(NUM_PAIRS))] * 3}, 2000, 0))
    assert table["full"] == "0.2000 [0.1000, 0.3000]"
    assert table["same - full"] == "+0.0000 [+0.0000, +0.0000]"
    assert table["none - full"] == "**-0.2000 [-0.3000, -0.1000]**"


def test_outfits_of_other_seeds_are_resampled_each_with_its_training() -> None:
    runs = [
        run(np.full(NUM_PAIRS, value), [f"{value}/{n}" for n in range(NUM_PAIRS)]) for value in (0.1, 0.3)
    ]
    assert cells(to_markdown({"full": runs}, 2000, 0))["full"] == "0.2000 [0.1000, 0.3000]"


def test_several_trainings_are_said_to_be_few() -> None:
    last = to_markdown({"full": [run([0.1, 0.3])] * 3}, 10, 0).splitlines()[-1]
    assert last.startswith("Intervals resample trainings and, in each, outfits. Of 3 trainings")


def test_runs_of_other_pairs_are_refused() -> None:
    with pytest.raises(StateError, match="without: scores of other pairs than full"):
        to_markdown({"full": [run([0.1, 0.2])], "without": [run([0.1, 0.2], ["x", "y"])]}, 10, 0)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DVC repository with the scores of two commits, tagged `first` and `second`; gone from the folder."""
    monkeypatch.chdir(tmp_path)
    with Revisions(tmp_path) as revisions:
        for number, tag in enumerate(("first", "second")):
            for path, table in (
                ("data/pairs/test.csv", {"source": ["a"], "target": ["b"], "outfit": ["o"]}),
                ("data/scores/cfld/dnaf.csv", {"source": ["a"], "target": ["b"], "l1": [0.25 + number]}),
            ):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                pd.DataFrame(table).to_csv(path, index=False)
            revisions.commit(tag, ["data/pairs/test.csv", "data/scores/cfld/dnaf.csv"])
    for file in tmp_path.glob("data/**/*.csv"):
        file.unlink()


@pytest.mark.usefixtures("repository")
def test_scores_are_read_as_they_were_in_each_revision() -> None:
    first, second = (read_run(revision, "cfld", "dnaf") for revision in ("first", "second"))
    assert [first.scores["l1"].tolist(), second.scores["l1"].tolist()] == [[0.25], [1.25]]
    assert first.groups == second.groups


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(("revision", "method"), [("unheard-of", "dnaf"), ("first", "gfla")])
def test_a_revision_or_method_without_scores_is_told_in_one_sentence(revision: str, method: str) -> None:
    with pytest.raises(StateError, match=f"^{revision}: no ") as error:
        read_run(revision, "cfld", method)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("repository")
def test_scores_damaged_in_the_cache_are_not_read(tmp_path: Path) -> None:
    for path in tmp_path.glob(".dvc/cache/files/md5/*/*"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"0.25", b"0.26"))
        path.chmod(0o444)  # which DVC takes for "as it was written"
    assert read_run("second", "cfld", "dnaf").scores["l1"].tolist() == [1.25]
    with pytest.raises(
        StateError, match=r"^first: data/scores/cfld/dnaf\.csv: damaged in DVC's cache \(found md5"
    ):
        read_run("first", "cfld", "dnaf")
