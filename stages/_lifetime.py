"""Starts and ends a stage's process quickly: without what Python does for programs that live on.

Of a command that imports torch and diffusers both together take two to three seconds of the processor, more
than a quarter of one that draws a single image.
"""

import atexit
import gc
import os
import sys

_YOUNG, _MIDDLE, _OLD = 50_000, 100, 100  # see `gc.set_threshold`; Python 3.11 has 700, 10, 10


def search_garbage_rarely() -> None:
    """Imports make a million objects that stay; Python would search all of them for garbage eight times."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


class Ending:
    """Ends the process after all that was registered to be done at its end, and frees no object before.

    The system frees them at once, where Python would visit each.

    Attributes:
        code: the exit code; 1 until it is set, as of an exception that nobody catches.
    """

    def __init__(self) -> None:
        """To be made before anything else registers what is done at the end: the first is the last."""
        self.code = 1
        atexit.register(self._end)

    def _end(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):  # its reader has gone; it was closed; there is none
                continue
        os._exit(self.code)
