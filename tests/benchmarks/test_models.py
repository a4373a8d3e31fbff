"""The benchmarks of the model run at a small size; what they print is a table."""

import pytest

from benchmarks import full_size, training


def table(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_full_size_builds_trains_and_samples(capsys: pytest.CaptureFixture[str]) -> None:
    full_size.main(height=64, width=64, narrow=8)
    printed = capsys.readouterr().out
    assert "batch 8 at 512x352, activations computed again: " in printed
    header, _, *rows = table(printed)
    assert len(rows) == 3
    assert all(len(row) == len(header) and float(row[-1]) > 0 for row in rows)


def test_training_compares_style_gradients_on_the_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    training.main(small=True)
    header, _, *rows = table(capsys.readouterr().out)
    assert [len(row) for row in rows] == [len(header)]
    assert float(rows[0][-1].removesuffix("x")) < 0.8  # FLOPs are counted, so that they hold anywhere


def test_training_measures_speed_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    training.main(gpu=True, small=True)
    header, _, *rows = table(capsys.readouterr().out)
    assert [len(row) for row in rows] == [len(header)]
