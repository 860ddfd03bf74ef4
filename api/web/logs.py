"""One line of the log for each answer: method, the route as the code writes it, status, time; never what was asked.

The path itself is not logged, nor query, headers or body: a path may hold what a person typed into the address.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("spheres.access")

#: The request that is being answered, so that every line written meanwhile says which.
_request: ContextVar[str] = ContextVar("request", default="")

#: Asked every few seconds by whoever watches over the process; a success is no news.
_QUIET: Final = frozenset({"/healthz"})


class InRequest(logging.Filter):
    """Adds to a record the id of the request in which it was written."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        record.request = _request.get() or None
        return True


class AccessLog:
    """Logs each answer once it has left, around all else that the application does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._routes: Mapping[object, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # Not taken back at the end: a fault is logged outside of this. Each request has a task of its own.
        _request.set(uuid4().hex[:12])
        try:
            await self.app(scope, receive, noting)
        finally:
            route = self._route(scope)
            if route not in _QUIET or status >= 400:  # noqa: PLR2004  # an error
                _log.info(
                    "answered",
                    extra={
                        "method": scope["method"] if scope["method"] in _METHODS else "OTHER",
                        "route": route,
                        "status": status,
                        "ms": (time.perf_counter() - began) * 1000,
                    },
                )

    def _route(self, scope: Scope) -> str:
        """The route that answered, such as "/cases/{case_id}"; "" where none was found."""
        if self._routes is None:
            self._routes = routes_of(scope["app"])  # at the first answer, when every route is there
        return self._routes.get(scope.get("endpoint"), "")


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def routes_of(app: FastAPI) -> Mapping[object, str]:
    """The whole path of each endpoint as the code writes it: a router within a router knows only its own part."""
    found: dict[object, str] = {}
    for one in iter_route_contexts(app.routes):
        route = one.original_route
        endpoint = getattr(route, "endpoint", None) or getattr(route, "app", None)
        found[endpoint] = str(one.path or getattr(route, "path", ""))
    return found
