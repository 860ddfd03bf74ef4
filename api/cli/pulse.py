"""Whether a process that serves still answers: one that lives and is halted, or at an end with itself, does not."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from threading import Thread
from typing import Final

#: How often one that serves is asked, and how long it may take: longer than it waits itself for a database that hangs,
#: of which it then tells. Only what gives no answer at all, so many times, is as good as dead.
ASK_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 20.0
MOST_UNHEARD: Final = 3

_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def status_of(url: str, *, timeout_seconds: float) -> int:
    """The status with which an address of this machine answers, 0 where nothing comes.

    It is asked without any proxy that the environment names.
    """
    try:
        with _DIRECTLY.open(url, timeout=timeout_seconds) as response:  # our own address
            return int(response.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
    except (OSError, http.client.HTTPException):
        return 0


def answers(url: str, *, timeout_seconds: float = 2.0) -> bool:
    """Whether an address of this machine answers with success."""
    return status_of(url, timeout_seconds=timeout_seconds) == HTTPStatus.OK


class Pulse:
    """Asks one process now and then, in a thread: who looks after it and the others waits for no answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._unheard = 0
        self._asking: Thread | None = None
        self._ask_at = time.monotonic() + ASK_SECONDS

    def is_gone(self) -> bool:
        """Whether it was asked in vain so often that nothing more is to be hoped for. Asks it anew where it is time."""
        if (self._asking is None or not self._asking.is_alive()) and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + ASK_SECONDS
            self._asking = Thread(target=self._ask, name="pulse", daemon=True)
            self._asking.start()
        return self._unheard >= MOST_UNHEARD

    def _ask(self) -> None:
        heard = status_of(self._url, timeout_seconds=ANSWER_SECONDS) > 0
        self._unheard = 0 if heard else self._unheard + 1
