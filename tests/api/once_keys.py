"""Every form that may be sent twice carries the key by which it is done once: held of every page of every test.

The application that the tests ask (`tests.api.application.app_on`) is watched as it answers. A page with a form of an
act that is done once, and without its key, fails the request, and so the test that made it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.pages.idempotent_forms import FIELD, once_of

_FORM: Final = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_POSTS: Final = re.compile(r'\bmethod="post"')
_ACTION: Final = re.compile(r'\baction="([^"]*)"')
_KEY: Final = re.compile(rf'<input[^>]*\bname="{FIELD}"')


def done_once(app: FastAPI) -> list[str]:
    """The addresses of the pages' acts that are done once."""
    return [
        str(found.path)
        for found in iter_route_contexts(app.routes)
        if isinstance(route := found.original_route, APIRoute)
        if any(one.call is once_of for one in route.dependant.dependencies)
    ]


def without_key(page: str, addresses: Sequence[re.Pattern[str]]) -> list[str]:
    """Where the forms of a page lead that go to one of these addresses, and have no key.

    The page on which words are pointed at has again what came in with a form, its key with it where it had one.
    """
    if " data-pointed " in page:
        return []
    return [action for action, inside in _sent_to(page) if _is_of(action, addresses) and not _KEY.search(inside)]


def _sent_to(page: str) -> Iterable[tuple[str, str]]:
    for form in _FORM.finditer(page):
        action = _ACTION.search(form[1])
        if action is not None and _POSTS.search(form[1]):
            yield html.unescape(action[1]).partition("?")[0], form[2]


def _is_of(action: str, addresses: Sequence[re.Pattern[str]]) -> bool:
    return any(one.match(action) for one in addresses)


class Keyed:
    """Looks at each page that is answered."""

    def __init__(self, app: ASGIApp, addresses: Iterable[str]) -> None:
        self.app = app
        self._addresses = [compile_path(one)[0] for one in addresses]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, and look at the page that answers it."""
        parts: list[bytes] = []
        is_page = False

        async def look(message: Message) -> None:
            nonlocal is_page
            if message["type"] == "http.response.start":
                is_page = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html")
            elif is_page and message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, look)
        lacking = without_key(b"".join(parts).decode("utf-8", "replace"), self._addresses)
        assert not lacking, f"these forms may be sent twice: put ui.once() into them: {lacking}"
