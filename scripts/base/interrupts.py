"""Being stopped: Ctrl-C and SIGTERM end a command by an exception, at once or after what must not be cut in two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The signals that have come so far in this process.
_seen: list[int] = []


class Stopped(KeyboardInterrupt):
    """Somebody stopped the command.

    Attributes:
        code: the exit code by which shells and schedulers tell it: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, number: int) -> None:
        """Take the signal's number."""
        super().__init__(number)
        self.code = 128 + number


def watch_signals() -> None:
    """Raise Stopped in the main thread when a signal comes; a signal that the parent has ignored stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def raise_if_stopped() -> None:
    """Raise Stopped where a signal has come: for whoever called a library that may have kept it to itself."""
    if _seen:
        raise Stopped(_seen[-1])


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a signal that comes meanwhile take effect at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    come: list[int] = []
    before = {number: signal.signal(number, lambda number, _: come.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for each in come:
        signal.raise_signal(each)


def _stop(number: int, _: FrameType | None) -> None:
    _seen.append(number)
    raise Stopped(number)
