"""Whether the engine's server answers, as the web sees it: asked beside the pages, which never wait for it."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

#: An answer is good for so long; one question may take so long; a page waits for it so long at most.
GOOD_FOR_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 2.0
PAGE_WAITS_SECONDS: Final = 0.3


@dataclass
class EngineServer:
    """The engine's server: where it is, how one signs in there, and whether it answers.

    `here` is its address where it runs on this machine, and `address` the one that it has now. `word_file` is where the
    word lies that the server asks for. The word itself is read by nothing here.
    """

    here: str = ""
    word_file: str = ""
    address: str = field(default="", init=False)
    _answers: bool | None = field(default=None, init=False)
    _asked_at: float = field(default=float("-inf"), init=False)
    _asking: threading.Thread | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.address = self.here

    def follow(self, elsewhere: str) -> None:
        """Take up the address of the machine that has the server now: `elsewhere`, or this one where that is ""."""
        with self._lock:
            address = elsewhere or self.here
            if address != self.address:
                self.address, self._answers, self._asked_at = address, None, float("-inf")

    def answers(self) -> bool | None:
        """Whether it answered when it was asked last; None where that is not known yet, or there is no address."""
        if not self.address:
            return None
        with self._lock:
            if self._asking is None and time.monotonic() - self._asked_at > GOOD_FOR_SECONDS:
                self._asking = threading.Thread(target=self._ask, name="engine's server", daemon=True)
                self._asking.start()
            asking = self._asking
        if asking is not None:
            asking.join(PAGE_WAITS_SECONDS)
        return self._answers

    def _ask(self) -> None:
        asked = self.address
        answers = is_healthy(asked, ANSWER_SECONDS)
        with self._lock:
            if asked == self.address:
                self._answers, self._asked_at = answers, time.monotonic()
            self._asking = None


def is_healthy(address: str, seconds: float) -> bool:
    """Whether the server at an address says that it is well. The way there leads past every proxy."""
    to = urlsplit(address)
    kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(to.hostname or "", to.port, timeout=seconds)) as line:
            line.request("GET", "/api/health")
            return line.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
