from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.evaluate.metrics.registry import COLUMNS
from dnaf.report.summary import summary
from tests.helpers.scored_methods import absent, present, with_interval, write


def test_summary_has_ten_numbers_at_most_and_neither_bounds_nor_counts(tmp_path: Path) -> None:
    every = [column.key for column in COLUMNS]
    values = {name: value for key in every for name, value in with_interval(key, 0.25, 0.125).items()}
    write(tmp_path, present("dnaf", values), {}, [])
    numbers = summary("cfld", "dnaf", tmp_path / "data/scores")
    assert {"fid", "fd_efficientnet", "lpips", "ssim_gaussian", "l1"} < numbers.keys()
    assert numbers.keys() <= {key for key in every if not key.endswith("_random")}
    assert len(numbers) <= 10


def test_summary_rounds_to_six_digits(tmp_path: Path) -> None:
    write(tmp_path, present("dnaf", with_interval("fd_efficientnet", 75.305849734, 0.01), "gfla"), {}, [])
    assert summary("gfla", "dnaf", tmp_path / "data/scores") == {"fd_efficientnet": 75.3058}


def test_summary_of_an_absent_method_points_to_its_card(tmp_path: Path) -> None:
    write(tmp_path, absent("pidm"), {}, [])
    with pytest.raises(DataError, match=r"pidm has no results \(found 0 images, expected 6\).*card\.yaml"):
        summary("cfld", "pidm", tmp_path / "data/scores")
