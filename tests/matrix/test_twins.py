"""What is done by a page is done by the API by the same people: each route of the API is held against its page."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

import pytest

from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS
from tests.matrix.runner import DENIED

_IDS: Final = re.compile(r"{\w+}")


@pytest.mark.ci
def test_who_is_let_in_by_a_page_is_let_in_by_the_api_and_nobody_else(routes: list[Route]) -> None:
    """Read from `expected.txt`, where one of the two may have been forgotten. Several pages may be of one action."""
    pages: dict[object, list[Route]] = defaultdict(list)
    for route in routes:
        if not route.is_json:
            pages[_what(route)].append(route)
    alone = [
        f"{route} lets others in than {', '.join(map(str, pages[_what(route)]))}"
        for route in routes
        if route.is_json and pages[_what(route)]
        if all(_let_in(route) != _let_in(page) for page in pages[_what(route)])
    ]
    assert alone == []


def _what(route: Route) -> tuple[object, bool, tuple[str, ...]]:
    return route.action, route.writes, tuple(sorted(_IDS.findall(route.path)))


def _let_in(route: Route) -> set[tuple[str, str]]:
    known = grid.read()
    return {
        (place, kind.column)
        for place in route.places
        for kind in KINDS
        if known[str(route), place, kind.column] not in DENIED
    }
