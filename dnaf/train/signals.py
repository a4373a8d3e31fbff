"""Requests to stop: a run ends after the step at hand, saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has neither. SIGHUP: a terminal closes, a connection breaks; SIGUSR1: Slurm's time is nearly up.
_HANGUP, _WARNING = getattr(signal, "SIGHUP", None), getattr(signal, "SIGUSR1", None)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Gives a list that receives the number of the first request (SIGTERM, SIGINT, SIGHUP, SIGUSR1).

    A second of its kind acts at once. A SIGHUP that `nohup` has switched off stays off.
    """
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    others = [each for each in (_HANGUP, _WARNING) if each is not None]
    requests = [signal.SIGTERM, signal.SIGINT]
    requests += [each for each in others if signal.getsignal(each) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, receive) for number in requests}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
