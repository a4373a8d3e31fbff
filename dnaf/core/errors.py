"""Every error a user can cause, as one sentence.

    DnafError
    ├── ConfigError       params.yaml: unknown or missing key, wrong type, value out of range
    ├── DataError         the user's files: archives, images, lists, annotations, result images
    ├── BaseModelError    a base model or checkpoint folder that is incomplete or of another kind
    ├── StateError        what an earlier stage or run left: incomplete, stale or locked
    ├── NumericalError    NaN or infinite values in training or in a metric
    └── ResourceError     disk, memory, connection or device

The message is one line, `where: what is wrong (found X, expected Y). What to do.`, path first. Stage
commands print it and exit with code 2; any other exception is a bug and keeps its traceback.

Messages quote names and contents of files that others made. Whatever these hold, a message is one printable
line of at most 1,500 characters.
"""

import reprlib

from dnaf.core.filenames import printable

_REPR = reprlib.Repr()
_REPR.maxlevel = 2
_REPR.maxstring = 100
_LONGEST = 1500  # characters
_LONGEST_QUOTED = 200  # characters of another library's message


class DnafError(Exception):
    """Base of all errors that a user's input or machine can cause."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, _LONGEST))


class ConfigError(DnafError):
    """A key of params.yaml is unknown, missing, of the wrong type or out of range."""


class DataError(DnafError):
    """A file the user supplied is missing, damaged or not what it should be."""


class BaseModelError(DnafError):
    """A model folder is incomplete or holds another kind of model."""


class StateError(DnafError):
    """What an earlier stage or run left behind is incomplete, stale or in use."""


class NumericalError(DnafError):
    """A loss, gradient or metric became NaN or infinite."""


class ResourceError(DnafError):
    """The disk, the memory, the connection or the device does not suffice."""


def one_line(error: object) -> str:
    """What another library says, for a sentence of ours: in one line of printable characters, 200 at most."""
    text = "".join(character if character.isprintable() else " " for character in str(error))
    return " ".join(text.split())[:_LONGEST_QUOTED]


def short(value: object) -> str:
    """A value for a sentence of ours, as Python writes it; one out of YAML's aliases can be of any length."""
    return one_line(_REPR.repr(value))
