"""Requests to stop: a run ends after the step at hand, saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_HANGUP = getattr(signal, "SIGHUP", None)  # a terminal closes, a connection breaks; Windows has none


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Gives a list that receives the number of the first SIGTERM, SIGINT or SIGHUP; a second acts at once.

    A SIGHUP that `nohup` has switched off stays off.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    requests = [signal.SIGTERM, signal.SIGINT]
    if _HANGUP is not None and signal.getsignal(_HANGUP) is not signal.SIG_IGN:
        requests.append(_HANGUP)
    previous = {number: signal.signal(number, receive) for number in requests}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
