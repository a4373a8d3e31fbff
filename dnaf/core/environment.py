"""Environment variables that are numbers: libraries read them, of those of launchers some without a check."""

import os

from dnaf.core.errors import ConfigError

# torchrun and `accelerate launch` set them for each process.
_OF_LAUNCHERS = ("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")
# Rounds that a thread waits awake for the others of an operator: some 50 microseconds, not milliseconds.
_SPIN_COUNT = "3000"


def number(name: str, default: int) -> int:
    """The value of a variable that a launcher sets.

    Raises:
        ConfigError: it is set, and is no whole number.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise ConfigError(
            f"{name}: not a whole number (found {value[:20]!r} in the environment, expected what a launcher "
            "sets). Unset it, or start through `accelerate launch` or `torchrun`."
        ) from error


def require_numbers() -> None:
    """Checks all variables that launchers set, before a library reads one of them.

    Raises:
        ConfigError: one is no whole number.
    """
    for name in _OF_LAUNCHERS:
        number(name, 0)


def let_threads_sleep() -> None:
    """Has OpenMP's threads wait awake for a moment only, unless the user says how they wait.

    To be called before PyTorch is imported. By default they wait awake for so long that, where other work has
    one of their cores, the others burn theirs: docs/training.md has what that costs.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
