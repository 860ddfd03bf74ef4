"""Whether Prefect's server answers, here or on another machine, for a worker that does without it where it does not."""

from __future__ import annotations

import asyncio
import http.client
import logging
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)

HEALTH_SECONDS: Final = 5.0
#: While it is away: it starts after the worker, and comes back at any moment.
AWAY_SECONDS: Final = 1.0


class Prefect:
    """Whether Prefect's server answers, asked at most every few seconds. Without an address it never does.

    `here` is where it would answer on this machine, and is asked first; `elsewhere` says where another machine has it.
    `url` is the address that answered last. `word` is what it asks for: a server that does not know it is another's.
    `seems_up`: whether it answered when it was last asked, for who cannot wait for an answer.
    """

    def __init__(self, here: str, elsewhere: Callable[[], str] = lambda: "", *, word: str = "") -> None:
        self.here = self.url = here
        self._elsewhere = elsewhere
        self._signed = {"Authorization": f"Basic {b64encode(word.encode()).decode()}"} if word else {}
        self._ask_at = float("-inf")
        self.seems_up = False
        self._asking = asyncio.Lock()

    @property
    def is_here(self) -> bool:
        """Whether the server that answered last is this machine's own."""
        return self.url == self.here

    async def is_up(self) -> bool:
        """Whether it answers. Where it is asked anew, one that hangs, or a name that is not found, takes its time."""
        async with self._asking:
            if time.monotonic() >= self._ask_at:
                before = self._ask_at
                finds = await asyncio.to_thread(self._finds)
                if self._ask_at == before:  # else it failed a caller meanwhile, whatever it says of itself
                    self.seems_up = finds
                    self._ask_at = time.monotonic() + (HEALTH_SECONDS if finds else AWAY_SECONDS)
        return self.seems_up

    def doubt(self) -> None:
        """Count the server as away for some seconds, whatever it says of itself, since it failed a caller."""
        self.seems_up, self._ask_at = False, time.monotonic() + HEALTH_SECONDS

    def _finds(self) -> bool:
        if self._answers(self.here):
            self.url = self.here
            return True
        try:
            elsewhere = self._elsewhere()
        except Exception as error:  # noqa: BLE001 - the database may be restarting: nothing is known of others then
            _log.warning("it is not known where the engine is", extra={"error": type(error).__name__})
            return False
        if elsewhere and self._answers(elsewhere):
            self.url = elsewhere
            return True
        return False

    def _answers(self, address: str) -> bool:
        url = urlsplit(address)
        if not url.hostname:
            return False
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname, url.port, timeout=1)
        # Its version is told to who knows the word alone; whether it lives, to everyone.
        asked = "admin/version" if self._signed else "health"
        try:
            connection.request("GET", f"{url.path.rstrip('/')}/{asked}", headers=self._signed)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
