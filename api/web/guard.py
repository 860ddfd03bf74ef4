"""What guards every request before any route is asked: its host, where it comes from, what it is, how large."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.session import SAFE_METHODS
from api.web.answers import answer

#: The one address whose form another site posts, the directory: it is worth something only together with the cookie of
#: the very browser that went there (`api.pages.entra`).
FROM_ELSEWHERE: Final = "/auth/callback"

#: Asked by whoever watches over the process, by its number: it answers yes or no, and nothing else.
BY_ANY_NAME: Final = "/healthz"

#: A form with a document of 10 MB and what surrounds it.
LARGEST_BODY: Final = 11 * 1024 * 1024

#: Values in what the API is given, told by the commas between them. A body within its bound may hold a million, each of
#: them wrong: to say so of each would keep everybody waiting. The longest of ours, words and all, has some hundreds.
MOST_VALUES: Final = 10_000

#: Of an address, path and query together. The longest that a page of ours leads to has some five hundred bytes.
LARGEST_ADDRESS: Final = 8 * 1024
LARGEST_HEADERS: Final = 32 * 1024
MOST_HEADERS: Final = 100

#: How a browser sends a form.
_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

#: By which a request would be taken for another method than its own, by some other program. None of ours reads them,
#: and whoever sends one means harm, or something that we would not do.
_OVERRIDES: Final = ("x-http-method-override", "x-http-method", "x-method-override")


#: A Host header: a name, or a number of the new kind between brackets, and a port.
_HOST: Final = re.compile(r"(?:\[(?P<number>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")


class Guard:
    """Refuses what no page, script or program of ours sends, before anything of it is read.

    In order: headers or an address out of all measure; an address with a NUL, which no text of the database holds; a
    name that is not ours; what a page of another site has loaded into itself; an unsafe request that another site
    made a browser send, or that wants to be another than it is; a body that is no form where a form is expected; and a
    body larger, or of more values, than any of ours.

    A browser says where a request comes from in Sec-Fetch-Site, older ones in Origin. A request with neither is no
    browser's: it carries no cookie of a victim, only what its sender put there.

    Another site may lead here, by a link that its reader follows, and that is all. The cookie goes along with a picture
    or a frame in a page of a neighbour under the same domain: the record would tell of a reading that its person knows
    nothing of. And from any site, the tries at the door of everyone behind the same address would soon be used up.

    `base_url` is the address that people type. Where that is this machine, it answers to any of this machine's names.
    """

    def __init__(self, app: ASGIApp, *, base_url: str) -> None:
        self.app = app
        self._name = (urlsplit(base_url).hostname or "").lower()
        self._is_https = base_url.startswith("https:")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused:
            await answer(Request(scope), refused)(scope, receive, send)
            return
        await self.app(scope, _bounded(receive, counts=scope["path"].startswith("/api/")), send)

    def _refusal(self, scope: Scope) -> int:
        """The status by which a request is refused, 0 where it is let through."""
        headers = Headers(raw=scope["headers"])
        return self._refusal_of_any(scope, headers) or self._refusal_of_a_change(scope, headers)

    def _refusal_of_any(self, scope: Scope, headers: Headers) -> int:
        if _is_out_of_measure(headers):
            return 431
        query: bytes = scope.get("query_string", b"")
        if len(scope.get("raw_path") or b"") + len(query) > LARGEST_ADDRESS:
            return 414
        path: str = scope["path"]
        if "\0" in path or b"%00" in query:
            return 400
        if path != BY_ANY_NAME and not self._is_called(headers.getlist("host")):
            return 421
        return 0 if _is_led_here(headers) else 403

    def _refusal_of_a_change(self, scope: Scope, headers: Headers) -> int:
        if scope["method"] in SAFE_METHODS:
            return 0
        if any(name in headers for name in _OVERRIDES):
            return 400
        path: str = scope["path"]
        from_elsewhere = (scope["method"], path) == ("POST", FROM_ELSEWHERE)
        if not from_elsewhere and not _is_own(headers, is_https=self._is_https):
            return 403
        if _is_too_long(headers):
            return 413
        takes_any = from_elsewhere or path.startswith("/api/")
        return 0 if takes_any or _is_form_or_empty(headers) else 415

    def _is_called(self, hosts: list[str]) -> bool:
        """Whether a request calls us by a name of ours; its port is whatever a tunnel made of it."""
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if found is None:
            return False
        called = (found["number"] or found["name"]).lower()
        return called == self._name or (is_here(called) and is_here(self._name))


def _is_out_of_measure(headers: Headers) -> bool:
    raw = headers.raw
    return len(raw) > MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > LARGEST_HEADERS


def _is_too_long(headers: Headers) -> bool:
    """Whether a body is longer than any of ours, or its length is no number."""
    length = headers.get("content-length", "")
    return length != "" and (not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY)


def _is_form_or_empty(headers: Headers) -> bool:
    has_body = headers.get("content-length", "").strip("0") != "" or "transfer-encoding" in headers
    return not has_body or headers.get("content-type", "").partition(";")[0].strip().lower() in _FORMS


class TooLarge(HTTPException):
    """A body went past what any form of ours, or anything that the API is given, holds."""

    def __init__(self) -> None:
        super().__init__(413)


def is_here(name: str) -> bool:
    """Whether a name is this machine's own, which no other machine can have."""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_led_here(headers: Headers) -> bool:
    """Whether a request is what a browser's own tab shows next, or comes from no page of another site."""
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return True
    # A browser that says the first says these as well, and no page can leave them out.
    mode, into = headers.get("sec-fetch-mode", "navigate"), headers.get("sec-fetch-dest", "document")
    return (mode, into) == ("navigate", "document")


def _is_own(headers: Headers, *, is_https: bool) -> bool:
    """Whether a request comes from a page of ours, or from no browser."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    scheme, _, name = origin.partition("://")
    # What comes over http where we have https was put there by someone on the way.
    return name == headers.get("host") and (scheme == "https" or not is_https)


def _bounded(receive: Receive, *, counts: bool) -> Receive:
    taken = values = 0

    async def take() -> Message:
        nonlocal taken, values
        message = await receive()
        if message["type"] == "http.request":
            body = message.get("body", b"")
            taken += len(body)
            values += body.count(b",") if counts else 0
            if taken > LARGEST_BODY or values > MOST_VALUES:
                raise TooLarge
        return message

    return take
