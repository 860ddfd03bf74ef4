"""The signals that say stop: noted from the first moment of `spheres up` to its last, and breaking nothing off.

It reads nothing, so that it can be there before all else. A process has one set of signals, hence one note of them.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Final

#: Ctrl-C, what ends a service, and a terminal that closes.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_came: list[int] = []


def heed() -> None:
    """Note every such signal from now on, with those held back until now. A second one changes nothing."""
    for number in _SIGNALS:
        # Under nohup a terminal that closes is to be survived.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def hold_back() -> None:
    """Have them wait until the program that takes this one's place heeds them: reading it takes a moment."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def is_asked() -> bool:
    """Whether one came."""
    return bool(_came)


def _note(number: int, _: FrameType | None) -> None:
    _came.append(number)
