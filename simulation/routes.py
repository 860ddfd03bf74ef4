"""The routes that the program declares, which of them were asked in its simulated years, and an act in plain words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api.json.described import PREFIX
from simulation.hands import FAULT
from simulation.visits import Act

_PART: Final = re.compile(r"({\w+})")
_REFUSED: Final = 400
_NOT_THERE: Final = 404


@dataclass(frozen=True)
class Route:
    """A route as it is declared, and in a sentence what it does."""

    method: str
    path: str
    does: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join("[^/]+" if p[:1] == "{" else re.escape(p) for p in _PART.split(self.path)))

    def is_of(self, path: str) -> bool:
        """Whether it answers at a path."""
        return self._pattern.fullmatch(path) is not None

    @property
    def parts(self) -> int:
        """How much of its path is left open: of two that answer at a path, the one with less is meant."""
        return self.path.count("{")


@dataclass
class Met:
    """How often a route was asked, by what came of it."""

    route: Route
    done: int = 0
    refused: int = 0
    not_there: int = 0
    failed: int = 0

    @property
    def times(self) -> int:
        """How often in all."""
        return self.done + self.refused + self.not_there + self.failed

    def add(self, status: int, times: int) -> None:
        """Count what came of it."""
        if status >= FAULT:
            self.failed += times
        elif status == _NOT_THERE:
            self.not_there += times
        elif status >= _REFUSED:
            self.refused += times
        else:
            self.done += times


@dataclass(frozen=True)
class Routes:
    """Every declared route."""

    declared: Sequence[Route] = ()
    _found: dict[tuple[str, str], Route | None] = field(default_factory=dict, repr=False)

    def find(self, method: str, path: str) -> Route | None:
        """The route that answers at a path."""
        key = (method, path)
        if key not in self._found:
            fits = (one for one in self.declared if one.method == method and one.is_of(path))
            self._found[key] = min(fits, key=lambda one: (one.parts, one.path), default=None)
        return self._found[key]

    def met(self, asked: Mapping[tuple[str, str, int], int]) -> list[Met]:
        """The routes that were asked, in the order of their paths."""
        found: dict[Route, Met] = {}
        for (method, path, status), times in asked.items():
            route = self.find(method, path) or Route(method, path, "")
            found.setdefault(route, Met(route)).add(status, times)
        return [found[route] for route in sorted(found, key=lambda one: (one.path, one.method))]

    def never(self, met: Sequence[Met]) -> list[Route]:
        """The routes that nobody asked, in the order of their paths."""
        asked = {one.route for one in met}
        return sorted((one for one in self.declared if one not in asked), key=lambda one: (one.path, one.method))

    def in_words(self, act: Act, zone: ZoneInfo) -> ActInWords:
        """An act as a sentence: when, who, what, and what came of it."""
        route = self.find(act.method, act.path)
        role = act.role.replace("_", " ")
        return ActInWords(
            f"{act.at.astimezone(zone):%H:%M}",
            f"{act.who}, {role}" if role else act.who,
            route.does if route else "",
            f"{act.method} {act.path}",
            _came(act) + act.way,
        )


@dataclass(frozen=True)
class ActInWords:
    """An act as the page tells it."""

    at: str
    who: str
    does: str
    path: str
    came: str


def _came(act: Act) -> str:
    if act.status >= FAULT:
        return f"the program failed ({act.code or act.status})"
    if act.status == _NOT_THERE:
        return "nothing that they may see is there"
    if act.status >= _REFUSED:
        return f"refused: {act.code or act.status}"
    return "done"


def declared_routes(app: FastAPI) -> Routes:
    """The routes of the program's JSON, without what stands before all of them."""
    return Routes(tuple(_declared(app)))


def _declared(app: FastAPI) -> Iterator[Route]:
    for one in iter_route_contexts(app.routes):
        route = one.original_route
        if isinstance(route, APIRoute) and route.path.startswith(PREFIX):
            said = (route.endpoint.__doc__ or "").strip()
            does = " ".join(said.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."
            for method in sorted(route.methods or ()):
                yield Route(method, route.path.removeprefix(PREFIX), does)


def times_by_code(codes: Counter[str]) -> list[tuple[str, int]]:
    """The codes of refusals, the most frequent first."""
    return sorted(codes.items(), key=lambda one: (-one[1], one[0]))
