"""How the route of a request is found: among those alone whose address begins as the request's does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from fastapi import APIRouter
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

#: The first part of an address, below the API's own beginning.
_BEGINNING: Final = re.compile(r"(?:/api/[^/]+)?/[^/]*")


class ByAddress:
    """Stands before a router of hundreds of routes, which would try one after the other.

    What begins as no route does is left to the router itself, and so is what is no request.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered by its route."""
        await self._part_for(scope)(scope, receive, send)

    def _part_for(self, scope: Scope) -> ASGIApp:
        beginning = _BEGINNING.match(scope["path"]) if scope["type"] == "http" else None
        part = self._parts.get(beginning[0]) if beginning is not None else None
        return self._router.app if part is None else part

    @cached_property
    def _parts(self) -> Mapping[str, APIRouter]:
        """The routes by the beginnings of their addresses, in their order: of the first request, when all are there."""
        found: dict[str, list[BaseRoute]] = {}
        for route in self._router.routes:
            found.setdefault(_beginning_of(route), []).append(route)
        return {beginning: APIRouter(routes=routes) for beginning, routes in found.items()}


def _beginning_of(route: BaseRoute) -> str:
    """How the addresses of a route begin. Raises TypeError where that is not written in it."""
    written: str = getattr(route, "path", "")
    beginning = _BEGINNING.match(written)
    if beginning is None or "{" in beginning[0]:
        msg = f"{written or route} begins with no word: no request would be led to it"
        raise TypeError(msg)
    return beginning[0]
