"""What long work says in a log, where no terminal draws a bar."""

import pytest

from dnaf.core import progress


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (235, "3 min 55 s"), (7500, "2 h 05 min")],
)
def test_a_duration_is_said_in_two_units(seconds: float, said: str) -> None:
    assert progress.duration(seconds) == said


@pytest.mark.parametrize(
    ("num_done", "num_left", "seconds", "said"),
    [
        (0, 9, 5.0, []),
        (20, 60, 10.0, ["2.0 a second", "30 s left"]),
        (2, 10, 60.0, ["30.0 s each", "5 min 00 s left"]),
        (20, 0, 10.0, ["2.0 a second", "done in 10 s"]),
    ],
)
def test_the_rate_gives_the_time_that_is_left(
    num_done: int, num_left: int, seconds: float, said: list[str]
) -> None:
    assert progress.rate(num_done, num_left, seconds) == said


def test_a_log_has_a_line_at_once_and_one_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    losses: list[float] = []
    for item in progress.track([0.5, 0.25], "Steps", 3, 1, lambda: f"loss {losses[-1]}"):
        if not losses:
            assert capsys.readouterr().err == "Steps: 1 of 3\n"
        losses.append(item)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Steps: 3 of 3, loss 0.25, ")
    assert "done in " in line


def test_a_log_has_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    for _ in progress.track(range(100), "Steps", 100):
        now += 1.0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[1] == "Steps: 10 of 100, 1.0 a second, 1 min 30 s left"
    assert lines[-1] == "Steps: 100 of 100, 1.0 a second, done in 1 min 40 s"
