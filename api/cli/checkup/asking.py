"""One short question over HTTP to a process of ours, past every proxy."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

ANSWER_SECONDS: Final = 2.0
#: No answer that we read is longer.
_MOST_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class Reply:
    """What was answered: the status, and what was said, where that was JSON."""

    status: int
    said: object


def ask(address: str, path: str, headers: Mapping[str, str] | None = None) -> Reply | None:
    """What an address says at a path; None where nothing answers there in time, or not over HTTP."""
    to = urlsplit(address)
    kind = http.client.HTTPSConnection if to.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(to.hostname or "", to.port, timeout=ANSWER_SECONDS)) as line:
            line.request("GET", path, headers={"Accept": "application/json", **(headers or {})})
            answer = line.getresponse()
            return Reply(answer.status, _read(answer.read(_MOST_BYTES)))
    except (OSError, http.client.HTTPException, ValueError):
        return None


def is_our_web(reply: Reply | None) -> bool:
    """Whether our web answered when it was asked how it is: it says so, or that its database is away."""
    if reply is None or not isinstance(reply.said, Mapping):
        return False
    is_away = reply.status == http.HTTPStatus.SERVICE_UNAVAILABLE and reply.said.keys() >= {"title", "status"}
    return is_away or reply.said.get("ok") is True


def _read(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
