"""A page offers nobody a button that the table denies them: each form that somebody sees, they may send."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest
from sqlmodel import Session

import api.access.session
from tests.api.application import ADDRESS
from tests.hardening.crawler import Crawler, forms_of, page_of
from tests.hardening.test_crawled import meant
from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import COLUMNS, KINDS, Kind
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner

#: In CI some of the askers, at night all.
IN_CI: Final = ("mana", "poli", "priv", "subj")
#: It ends the sign-in with which the next form would be sent.
ENDS_IT: Final = re.compile(r"/sign-out$|/my-access/sign-ins/")


@pytest.fixture
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whatever a request does be done, and then undone: the world is as it was for the next form."""

    def undo(session: Session, _: object) -> None:
        session.rollback()
        session.close()

    monkeypatch.setattr(api.access.session, "_commit", undo)


@pytest.mark.usefixtures("nothing_stays")
@pytest.mark.parametrize(
    "column",
    [
        pytest.param(kind.column, marks=pytest.mark.ci if kind.column in IN_CI else pytest.mark.nightly)
        for kind in KINDS
        if kind.person and not kind.is_out
    ],
)
def test_nobody_is_offered_what_the_table_denies_them(
    runner: Runner, routes: list[Route], run: Run[Any], column: str
) -> None:
    kind = COLUMNS[column]

    async def ask() -> tuple[int, list[str]]:
        sender = Crawler(runner.app, kind, "fr")
        seen: set[tuple[str, object]] = set()
        denied = []
        for place, found in [one async for one in _forms(runner, routes, kind)]:
            key = (place, found.key)
            if found.form.method != "POST" or key in seen or ENDS_IT.search(found.action):
                continue
            seen.add(key)
            answer = await sender.send(found, meant(found, "Un mot."))
            if told := runner.take_told():
                denied.append(f"{found.action} on {found.address}: {answer.status_code} {told[0].facts}")
        return len(seen), denied

    sent, denied = run(ask())
    assert denied == []
    assert sent >= 3


async def _forms(runner: Runner, routes: Iterable[Route], kind: Kind) -> Any:
    """Every form of every page that somebody sees, and at which place's page it stands."""
    for route, place in _pages(routes, kind):
        address = route.address(runner.things_of(place))
        page = page_of(ADDRESS + address, await runner.get(kind, address))
        for found in forms_of(page) if page else ():
            yield place, found


def _pages(routes: Iterable[Route], kind: Kind) -> Iterator[tuple[Route, str]]:
    known = grid.read()
    for route in routes:
        for place in route.places:
            if route.method == "GET" and not route.is_json and known[str(route), place, kind.column] == "200":
                yield route, place
