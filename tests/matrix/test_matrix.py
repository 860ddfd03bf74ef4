"""Every kind of asker at every route, of their own, others' and absent things: each cell as `expected.txt` has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from api import permissions
from api.permissions import TABLE, Relation
from duties.turned_away import REFUSED
from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import COLUMNS, KINDS, Kind
from tests.matrix.conftest import Run
from tests.matrix.grid import Cell
from tests.matrix.runner import Answer, Runner
from tests.matrix.world import ABSENT, ELSEWHERE

#: At least so many of the cells that the table denies must fail where the table allows everything.
OF_THE_DENIED_FAIL = 0.99

#: Tables whose rows tell what a browser or a request is at, and nothing of the program.
OF_NOBODY = frozenset({"sign_in_flow", "answered_request"})

TO_DO = (
    "expected.txt has no rows for %s: write them with `python -m tests.matrix '%s'`, and read whether each kind of "
    "asker should get that answer"
)


def test_every_route_has_its_rows_and_every_row_its_route(routes: list[Route]) -> None:
    known = grid.read()
    cells = {(str(route), place, kind.column) for route in routes for place in route.places for kind in KINDS}
    missing = sorted({route for route, _, _ in cells - known.keys()})
    assert not missing, TO_DO % (missing[0], missing[0].partition(" ")[2])
    assert sorted({route for route, _, _ in known.keys() - cells}) == [], "rows of routes that are no more"


def test_the_matrix_is_of_the_size_that_was_asked_for(routes: list[Route]) -> None:
    assert len(KINDS) >= 16
    assert len(routes) >= 70
    denied = [code for code in grid.read().values() if code in ("404", "door", "401")]
    assert len(denied) > 3000


def test_a_sample_of_every_route_and_every_asker_is_answered_as_expected(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    """Each route with every fourth kind of asker, of one place's things: others, and another's, from route to route."""
    cells = list(_sampled(routes))
    assert {str(route) for route, _, _ in cells} == {str(route) for route in routes}
    assert {kind for _, _, kind in cells} == set(KINDS)
    run(hold(runner, cells))


@pytest.mark.long
def test_every_cell_of_a_page_is_answered_as_expected(runner: Runner, routes: list[Route], run: Run[Any]) -> None:
    asked = run(hold(runner, cells_of(route for route in routes if not route.is_json)))
    assert asked > 4000


@pytest.mark.long
def test_with_a_table_that_allows_everything_nearly_every_denied_cell_fails(
    runner: Runner, routes: list[Route], run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the table denies, and not the sign-in or the wall between programs: to who is in, of what is there.

    Of every seventh such cell, throughout the whole.
    """
    cells = list(_denied_by_the_table(routes))[::7]
    assert len(cells) > 1000
    monkeypatch.setattr(permissions, "TABLE", dict.fromkeys(TABLE, frozenset(Relation)))

    async def ask() -> list[Cell]:
        known = grid.read()
        unmoved = []
        for route, place, kind in cells:
            cell = (str(route), place, kind.column)
            if (await runner.ask(route, kind, place)).code == known[cell]:
                unmoved.append(cell)
        return unmoved

    unmoved = run(ask())
    assert len(unmoved) <= (1 - OF_THE_DENIED_FAIL) * len(cells), Counter(route for route, _, _ in unmoved)


def cells_of(routes: Iterable[Route]) -> Iterator[tuple[Route, str, Kind]]:
    """Every cell of these routes."""
    return ((route, place, kind) for route in routes for place in route.places for kind in KINDS)


async def hold(runner: Runner, cells: Iterable[tuple[Route, str, Kind]]) -> int:
    """Ask each cell and hold its answer against what is expected. How many there were."""
    known = grid.read()
    wrong = []
    asked = 0
    for route, place, kind in cells:
        answer = await runner.ask(route, kind, place)
        expected = known.get((str(route), place, kind.column), "no rows")
        if answer.code != expected:
            wrong.append(f"{route} of {place} as {kind.column} ({kind.means}): {answer.code}, expected {expected}")
        else:
            hold_one(runner, route, place, kind, answer)
        asked += 1
    assert wrong == [], "\n".join(wrong)
    return asked


def hold_one(runner: Runner, route: Route, place: str, kind: Kind, answer: Answer) -> None:
    """Whatever was answered: reading and refusing change nothing, and a refusal of someone known is in the record."""
    where = f"{route} of {place} as {kind.column}: {answer.code}"
    assert answer.response.status_code < 500, where
    if not route.writes or answer.is_denied or answer.response.status_code >= 400:
        assert not answer.changed, f"{where}, and changed {sorted(answer.changed)}"
    if answer.changed - OF_NOBODY:
        assert answer.lines, f"{where}, and changed {sorted(answer.changed)} without a line of the record"
    if not answer.is_denied or kind.person is None or _asks_nothing(route):
        assert answer.told == (), where
        return
    (told,) = answer.told
    assert told.verb == REFUSED, where
    assert told.actor_id == runner.person_of(kind), where
    assert told.facts["action"] == (route.action and route.action.value), where
    assert told.facts["why"] == {"expd": "lapsed", "left": "left"}.get(kind.column, "not_theirs"), where
    # The id only where there is such a thing in the asker's own program; what was typed is not repeated.
    named = runner.named(route, place)
    is_there = place not in (ABSENT, "–") and (place == ELSEWHERE) == kind.elsewhere
    assert told.facts["asked"] == (named if is_there else None), where


def _asks_nothing(route: Route) -> bool:
    """Whether whoever is signed in is no matter to a route."""
    return route.action is not None and Relation.ANYONE in TABLE[route.action]


def _sampled(routes: list[Route]) -> Iterator[tuple[Route, str, Kind]]:
    for turn, route in enumerate(routes):
        # Of a route that is open to all, one answer is as good as twenty.
        kinds = (KINDS[turn % len(KINDS)],) if _asks_nothing(route) else KINDS[turn % 4 :: 4]
        for n, kind in enumerate(kinds):
            yield route, route.places[(turn // 4 + n) % len(route.places)], kind


def _denied_by_the_table(routes: list[Route]) -> Iterator[tuple[Route, str, Kind]]:
    known = grid.read()
    for route in routes:
        for place in route.places:
            for kind in COLUMNS.values():
                is_there = place != ABSENT and (place == "–" or (place == ELSEWHERE) == kind.elsewhere)
                if not kind.is_out and is_there and known[str(route), place, kind.column] == "404":
                    yield route, place, kind
