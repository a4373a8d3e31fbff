"""`benchmarks.commands`, on a module that costs nothing; the commands themselves have tests of their own."""

from benchmarks import commands


def test_a_command_costs_time_of_processors_and_of_the_clock() -> None:
    assert all(seconds > 0 for seconds in commands.cost(("timeit", "-n", "1", "pass")))


def test_a_row_tells_the_median_and_the_extremes_of_both() -> None:
    row = commands.row("apply pose", [(3.0, 6.0), (1.0, 2.0), (2.0, 40.0)])
    assert row == "| apply pose | 2.0 (1.0 to 3.0) | 6.0 (2.0 to 40.0) |"
