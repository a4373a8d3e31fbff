from pathlib import Path

import numpy as np
import pytest

from dnaf.core.errors import StateError
from dnaf.core.seals import write_sealed
from dnaf.report.scores import read_scores

PAIRS = [("001", "002"), ("NA", "001")]  # names that pandas would take for numbers or for missing values


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scores.csv"
    write_sealed(path, text)
    return path


def test_scores_are_arrays_by_metric_in_the_order_of_the_pairs(tmp_path: Path) -> None:
    scores = read_scores(written(tmp_path, "source,target,l1,psnr\n001,002,0.5,20\nNA,001,0.25,21\n"), PAIRS)
    assert list(scores) == ["l1", "psnr"]
    assert np.array_equal(scores["l1"], [0.5, 0.25])
    assert scores["psnr"].dtype == np.float64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,target,l1\n001,002,0.5\n", r"scores of other pairs \(found 1, expected the 2 of the test"),
        ("source,target,l1\nNA,001,0.5\n001,002,0.5\n", "scores of other pairs"),
        ("source,l1\n001,0.5\nNA,0.5\n", "not a table of scores"),
        ("source,target,l1\n001,002,0.5\nNA,001,much\n", "not a table of scores"),
        ("source,target,l1\n001,002,0.5\nNA,001,\n", "not a table of scores"),
        ("source,target,l1\n001,002,0.5\nNA,001,inf\n", "l1 is not finite"),
        ("", "not a table of scores"),
    ],
    ids=["pair missing", "other order", "no targets", "text", "empty cell", "infinite", "empty file"],
)
def test_a_table_that_is_not_complete_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StateError, match=rf"scores\.csv: {message}.*Run evaluate again"):
        read_scores(written(tmp_path, text), PAIRS)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"scores\.csv: missing"):
        read_scores(tmp_path / "scores.csv", PAIRS)
