from pathlib import Path

import pytest

from dnaf.core.errors import DataError
from dnaf.report.columns import COLUMNS, is_random
from dnaf.report.summary import summary
from tests.helpers.scored_methods import absent, present, with_interval, write


def test_summary_has_ten_numbers_at_most_and_neither_bounds_nor_counts(tmp_path: Path) -> None:
    every = [column.key for column in COLUMNS if not is_random(column)]
    values = {name: value for key in every for name, value in with_interval(key, 0.25, 0.125).items()}
    write(tmp_path, present("dnaf", values), {}, [])
    numbers = summary("cfld", "dnaf", tmp_path / "data/scores")
    assert {"fid", "lpips", "ssim_gaussian", "psnr", "l1"} < numbers.keys()
    assert numbers.keys() <= set(every)
    assert len(numbers) <= 10


def test_summary_says_which_numbers_are_of_random_networks(tmp_path: Path) -> None:
    write(tmp_path, present("dnaf", with_interval("fid_random", 0.0305849734, 0.01), "gfla"), {}, [])
    assert summary("gfla", "dnaf", tmp_path / "data/scores") == {"fid_random": 0.030585}


def test_summary_of_an_absent_method_points_to_its_card(tmp_path: Path) -> None:
    write(tmp_path, absent("pidm"), {}, [])
    with pytest.raises(DataError, match=r"pidm has no results \(found 0 images, expected 6\).*card\.yaml"):
        summary("cfld", "pidm", tmp_path / "data/scores")
