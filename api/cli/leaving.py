"""A command that a signal ends as a fault would: what is half done is taken away first, and that is not broken off."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

#: Ctrl-C, what ends a service, and a terminal that closes.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: A program that a signal ended has this status and the signal's number more.
_ENDED_BY: Final = 128


@contextmanager
def tidily() -> Iterator[None]:
    """As long as the block lasts, the first signal that says stop raises SystemExit in it; later ones do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    # Under nohup a terminal that closes is to be survived.
    heeded = [one for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, _leave) for one in heeded}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _leave(number: int, _: FrameType | None) -> None:
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    raise SystemExit(_ENDED_BY + number)
