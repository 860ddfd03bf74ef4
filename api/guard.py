"""What guards every request before any route is asked: where it comes from, and how large it is."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import answer

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: The one address whose form another site posts, the directory: it is worth something only together with the cookie of
#: the very browser that went there (`api.pages.entra`).
FROM_ELSEWHERE: Final = "/auth/callback"

#: A form with a document of 10 MB and what surrounds it.
LARGEST_BODY: Final = 11 * 1024 * 1024


class Guard:
    """Refuses an unsafe request that another site sent, and a body that is larger than any form of ours.

    A browser says where a request comes from in Sec-Fetch-Site, older ones in Origin. A request with neither is no
    browser's: it carries no cookie of a victim, only what its sender put there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_guarded = scope["method"] not in SAFE_METHODS and (scope["method"], scope["path"]) != (
            "POST",
            FROM_ELSEWHERE,
        )
        if is_guarded and not _is_own(headers):
            await answer(Request(scope), 403)(scope, receive, send)
            return
        length = headers.get("content-length", "")
        if length and (not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY):
            await answer(Request(scope), 413)(scope, receive, send)
            return
        await self.app(scope, _bounded(receive), send)


class TooLarge(HTTPException):
    """A body without a stated length went past what any form of ours holds."""

    def __init__(self) -> None:
        super().__init__(413)


def _is_own(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def take() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY:
                raise TooLarge
        return message

    return take
