"""What `python -m benchmarks.report_page` and `benchmarks.tables` measure can be built, at a small size."""

from pathlib import Path

import pytest

from benchmarks import report_page, tables
from dnaf.core.shards import alone
from dnaf.report.page.page import PAGE, write_page
from stages import leaderboard


def test_the_page_is_written(tmp_path: Path) -> None:
    write_page(tmp_path / "report", report_page.content(tmp_path, 12, 3), alone())
    assert "method_2" in (tmp_path / "report" / PAGE).read_text()
    assert len(list((tmp_path / "report/pairs").glob("*.jpg"))) == 12


def test_the_tables_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.build(tmp_path, 40, ["adgan", "pidm"], ["cfld", "gfla"])
    monkeypatch.chdir(tmp_path)
    assert leaderboard.main("demo").startswith("2 of 2 methods have results")
