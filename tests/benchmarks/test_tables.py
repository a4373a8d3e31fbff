"""`python -m benchmarks.tables` at its smallest."""

import re
import sys

import pytest

from benchmarks import tables


def test_the_leaderboard_of_made_up_scores_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tables", "--pairs", "12", "--methods", "2", "--protocols", "1"])
    tables.main()
    said = capsys.readouterr().out
    assert said.startswith("12 pairs, 2 methods, 1 protocols")
    assert re.search(r"^\| leaderboard \| \d+\.\d \| \d\.\d\d \|$", said, re.MULTILINE)
