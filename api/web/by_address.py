"""How the route of a request is found: among those alone whose address begins as the request's does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

from fastapi import APIRouter
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
        return self._parts.get(_beginning_of(scope.get("path", "")), self._router.app)

    @cached_property
    def _parts(self) -> Mapping[str, APIRouter]:
        """The routes by the beginnings of their addresses, in their order: of the first request, when all are there.

        A route that begins with no fixed word, or a router that was included, is in every part.
        """
        all_of_them = [(_beginning_of(getattr(route, "path", "")), route) for route in self._router.routes]
        return {
            beginning: APIRouter(routes=[route for own, route in all_of_them if own in ("", beginning)])
            for beginning in {own for own, _ in all_of_them if own}
        }


def _beginning_of(address: str) -> str:
    """How an address begins; "" where no fixed word stands there."""
    found = _BEGINNING.match(address)
    return "" if found is None or "{" in found.group() else found.group()
