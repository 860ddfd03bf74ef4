"""Whether Prefect's server answers, for a worker that does without it where it does not."""

from __future__ import annotations

import asyncio
import http.client
import time
from typing import Final
from urllib.parse import urlsplit

HEALTH_SECONDS: Final = 5.0
#: While it is away: it starts after the worker, and comes back at any moment.
AWAY_SECONDS: Final = 1.0


class Prefect:
    """Whether Prefect's server answers, asked at most every few seconds. Without an address it never does."""

    def __init__(self, api_url: str) -> None:
        self._url = urlsplit(api_url)
        self._ask_at = float("-inf")
        self._up = False
        self._asking = asyncio.Lock()

    async def is_up(self) -> bool:
        """Whether it answered when it was last asked."""
        async with self._asking:
            if time.monotonic() >= self._ask_at:
                self._up = bool(self._url.hostname) and await asyncio.to_thread(self._answers)
                self._ask_at = time.monotonic() + (HEALTH_SECONDS if self._up else AWAY_SECONDS)
        return self._up

    def doubt(self) -> None:
        """Count the server as away for some seconds, whatever it says of itself, since it failed a caller."""
        self._up, self._ask_at = False, time.monotonic() + HEALTH_SECONDS

    def _answers(self) -> bool:
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=1)
        try:
            connection.request("GET", f"{self._url.path.rstrip('/')}/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
