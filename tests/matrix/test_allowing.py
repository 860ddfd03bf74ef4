"""With a table that allows everything, what the table denies must fail: else the matrix would hold nothing.

Every such cell of every page here, and of the API in `test_allowing_of_json.py`. Apart: two cores share them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest

from api.access import permissions
from api.access.permissions import TABLE, Action, Relation
from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import COLUMNS
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.sampled import Cell, covering
from tests.matrix.world import ABSENT, ELSEWHERE

#: At least so many of the cells that the table denies must fail where it allows everything.
OF_THE_DENIED_FAIL: Final = 0.99

#: Each matter is one side's to decide, whatever the table would allow: `api.access.restored`, and its own tests.
_HAVE_A_SIDE: Final = frozenset({Action.DECIDE_RESTORED})

ALL_ALLOWED: Final = dict.fromkeys(TABLE, frozenset(Relation))
"""The table that stands in the place of the program's."""


@pytest.mark.nightly
def test_with_a_table_that_allows_everything_nearly_every_denied_cell_of_a_page_fails(
    runner: Runner, routes: list[Route], run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "TABLE", ALL_ALLOWED)
    cells = denied_by_the_table(route for route in routes if not route.is_json)
    assert run(hold_that_it_moves(runner, cells)) > 8000


@pytest.mark.nightly
def test_with_a_table_that_allows_everything_nearly_every_denied_cell_of_a_sample_fails(
    runner: Runner, routes: list[Route], run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "TABLE", ALL_ALLOWED)
    denied = {(str(route), place, kind) for route, place, kind in denied_by_the_table(routes) if place != ELSEWHERE}
    cells = covering(routes, let_in=0, turned_away=1, among=lambda cell: (str(cell[0]), cell[1], cell[2]) in denied)
    assert {str(route) for route, _, _ in cells} == {route for route, _, _ in denied}
    run(hold_that_it_moves(runner, cells))


async def hold_that_it_moves(runner: Runner, cells: Iterable[Cell]) -> int:
    """Ask these cells, which the table denies, and hold that nearly all are answered otherwise. How many there were."""
    known = grid.read()
    asked = 0
    unmoved = []
    for route, place, kind in cells:
        asked += 1
        if (await runner.ask(route, kind, place)).code == known[str(route), place, kind.column]:
            unmoved.append((str(route), place))
    assert len(unmoved) <= (1 - OF_THE_DENIED_FAIL) * asked, f"{len(unmoved)} of {asked}: {Counter(unmoved)}"
    return asked


def denied_by_the_table(routes: Iterable[Route]) -> Iterator[Cell]:
    """What the table denies, and not the sign-in or the wall between programs: to who is in, of what is there."""
    known = grid.read()
    for route in (one for one in routes if one.action not in _HAVE_A_SIDE):
        for place in route.places:
            for kind in COLUMNS.values():
                is_there = place != ABSENT and (place == "–" or (place == ELSEWHERE) == kind.elsewhere)
                if not kind.is_out and is_there and known[str(route), place, kind.column] == "404":
                    yield route, place, kind
