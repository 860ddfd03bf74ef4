"""What is sent besides what is asked for: it changes nothing; and an id of the other program is one of nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import Integer, Uuid, select
from sqlmodel import AutoString

from models.tables import metadata
from tests.api.json.window import description
from tests.matrix import grid
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS, Kind
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.world import ABSENT, CODIM, ELSEWHERE

#: An id and a version that nothing in the world has.
_ID: Final = "0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e"
_VERSION: Final = 987654

_SET_BY_US: Final = ("id", "program_id", "version", "role", "state", "done_by", "is_demonstration", "sort_key")


def _more(runner: Runner, route: Route) -> dict[str, Any]:
    """Fields that only the program sets, none of which the route itself asks for."""
    values = {
        "id": _ID,
        "program_id": str(runner.world.cast.other.program_id),
        "version": _VERSION,
        "role": "coordinator",
        "state": "closed",
        "done_by": str(runner.world.people["researcher"]),
        "is_demonstration": True,
        "sort_key": "zzz",
    }
    asked = {*(route.sent.json or {}), *route.sent.form}
    return {name: values[name] for name in _SET_BY_US if name not in asked}


def _who_may(route: Route) -> Kind | None:
    """Someone who gets through with the things of CODIM, or of a route that names nothing; None where nobody does."""
    known = grid.read()
    place = CODIM if len(route.places) > 1 else "–"
    through = [kind for kind in KINDS if known[str(route), place, kind.column] in ("200", "201", "204", "303", "409")]
    inside = [kind for kind in through if not (kind.is_out or kind.elsewhere)]
    return next(iter(inside), None)


def writing(routes: list[Route]) -> Iterator[tuple[Route, str, Kind]]:
    """Each route that writes, with whose things it is asked of and somebody who gets through."""
    for route in routes:
        kind = _who_may(route) if route.writes else None
        if kind is not None:
            yield route, CODIM if len(route.places) > 1 else "–", kind


#: A share of the forms at a time: each needs a world that no other share changed.
SHARES: Final = 10
one_share = pytest.mark.parametrize("share", range(SHARES))


@pytest.mark.ci
@pytest.mark.wide(SHARES)
@one_share
def test_no_json_body_is_taken_with_a_field_that_it_does_not_know(
    runner: Runner, routes: list[Route], run: Run[Any], share: int
) -> None:
    asked = [one for one in writing(routes) if one[0].is_json and one[0].sent.json is not None]
    assert len(asked) >= 15
    asked = asked[share::SHARES]

    async def ask() -> None:
        for route, place, kind in asked:
            for name, value in _more(runner, route).items():
                response = await runner.send(route, kind, place, more={name: value})
                where = f"{route} with {name}"
                assert response.status_code == 422, where
                assert not runner.changed(), where
                # Nor is what was sent said back, not even the name of the field.
                assert str(value) not in response.text, where
                assert name not in [error["where"] for error in response.json()["errors"]], where

    run(ask())


@pytest.mark.ci
@pytest.mark.wide(SHARES)
@one_share
def test_no_field_that_the_program_sets_is_taken_from_a_form_or_from_a_body_that_is_not_asked_for(
    runner: Runner, routes: list[Route], run: Run[Any], share: int
) -> None:
    """They are not read: what happens is what happens without them, and nothing of it is what they say."""
    asked = [one for one in writing(routes) if one[0].sent.json is None]
    assert len(asked) >= 25 * 4
    asked = asked[share::SHARES]

    async def ask() -> None:
        for route, place, kind in asked:
            plain = await runner.ask(route, kind, place)
            coordinators = _coordinators(runner)
            response = await runner.send(route, kind, place, more=_more(runner, route))
            assert response.status_code == plain.response.status_code, route
            assert runner.changed() == plain.changed, route
            assert runner.changed_elsewhere() == frozenset(), route
            assert _coordinators(runner) == coordinators, route
            assert not _taken_over(runner), route
            if plain.changed:
                runner.renew()

    run(ask())


def _coordinators(runner: Runner) -> int:
    return runner.count("select count(*) from tenure where role = 'coordinator'")


#: What is looked for in each table that has such a column.
_LOOKED_FOR: Final = {"id": Uuid, "version": Integer, "sort_key": AutoString}


def _columns_set_by_us() -> Iterator[tuple[str, list[str]]]:
    for name, table in metadata.tables.items():
        held = [one for one, kind in _LOOKED_FOR.items() if one in table.c and isinstance(table.c[one].type, kind)]
        if held:
            yield name, held


def _taken_over(runner: Runner) -> int:
    """Rows of any table which have the id, the version or the place in the order that was sent along."""
    parts = [
        # Names of our own tables and columns.
        f'(select count(*) from "{table}" where {" or ".join(f"{name} = %({name})s" for name in held)})'  # noqa: S608
        for table, held in _columns_set_by_us()
    ]
    assert len(parts) > 60
    return runner.count("select " + " + ".join(parts), {"id": _ID, "version": _VERSION, "sort_key": "zzz"})


@pytest.mark.ci
@pytest.mark.wide(SHARES)
@one_share
def test_an_id_of_the_other_program_in_a_body_is_one_of_nothing(
    runner: Runner, routes: list[Route], run: Run[Any], share: int
) -> None:
    """Who asks may do this to things of their own; what the body names is the other program's, or nothing at all."""
    asked = [one for one in writing(routes) if _names_in_body(one[0])]
    assert len(asked) >= 10
    asked = asked[share::SHARES]

    async def ask() -> None:
        for route, place, kind in asked:
            answers = []
            for body_of in (ELSEWHERE, ABSENT):
                response = await runner.send(route, kind, place, body_of=body_of)
                assert 400 <= response.status_code < 500, f"{route} naming {body_of}: {response.status_code}"
                assert not runner.changed(), f"{route} naming {body_of}"
                answers.append((response.status_code, _without_ids(response.text)))
            assert answers[0] == answers[1], route

    run(ask())


#: In which table the thing stands that a field of a body names.
_NAMED_IN: Final = {
    "agreement_version_id": "agreement_version",
    "draft_id": "drafted_year",
    "item_id": "agenda_item",
    "meeting_id": "meeting",
    "presenter_seat_id": "seat",
    **dict.fromkeys(("organization_id", "owner_organization_id"), "organization"),
    **dict.fromkeys(("alternate_id", "director_id", "person_id", "second_id", "successor_id", "worker_id"), "person"),
}
#: What else is said so that the field is looked at.
_WITH: Final[dict[str, dict[str, Any]]] = {
    "POST /api/v1/cases": {"protocol": "renewal", "subject_id": None, "organization_id": None},
    "POST /api/v1/tasks/{task_id}/settlement": {"ended_as": ""},
    "POST /api/v1/participants/{participant_id}/triage": {"result": "forwarded"},
    "POST /api/v1/participants/{participant_id}/risks": {"kind": "recruiter"},
    "PUT /api/v1/meetings/{meeting_id}/answer": {"said": "declined"},
}


def _left_out(routes: list[Route]) -> list[tuple[Route, str]]:
    """Each field of a body that may name a thing and that the route itself is not asked with, by the description."""
    schemas = description()["components"]["schemas"]

    def fields(route: Route) -> list[str]:
        """The fields of a route's body that are ids."""
        operation = description()["paths"].get(route.path, {}).get(route.method.lower(), {})
        bodies = re.findall(r"#/components/schemas/(\w+)", str(operation.get("requestBody", "")))
        return [name for body in bodies for name in schemas[body].get("properties", {}) if name.endswith("_id")]

    return [
        (route, field)
        for route in routes
        if route.is_json and route.writes
        for field in fields(route)
        if field not in (route.sent.json or {})
    ]


@pytest.mark.ci
def test_an_id_of_the_other_program_in_a_field_that_may_be_left_out_is_one_of_nothing(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    asked = [(route, field, _who_may(route)) for route, field in _left_out(routes)]
    assert len(asked) >= 15
    taken: list[str] = []

    async def ask() -> None:
        for route, field, kind in asked:
            where = f"{route} naming {field}"
            assert kind is not None, f"nobody gets through: {where}"
            place = CODIM if len(route.places) > 1 else "–"
            table, other = metadata.tables[_NAMED_IN[field]], runner.world.cast.other
            with other.session() as session:
                theirs = session.scalar(select(table.c.id).where(table.c.program_id == other.program_id).limit(1))
            assert theirs is not None, f"the other program has none: {where}"
            answers = []
            for named in (str(theirs), _ID):
                more = {**_WITH.get(str(route), {}), field: named}
                response = await runner.send(route, kind, place, more=more)
                answers.append((response.status_code, _without_ids(response.text)))
                if not 400 <= response.status_code < 500 or runner.changed():
                    taken.append(f"{where}: {response.status_code}")
                    runner.renew()
            if answers[0] != answers[1]:
                taken.append(f"{where} tells the two apart: {answers}")

    run(ask())
    assert not taken, "\n".join(taken)


def _names_in_body(route: Route) -> bool:
    named = set(re.findall(r"{(\w+)", f"{route.sent.form} {route.sent.json}"))
    return any(name.endswith("_id") or name == "key" for name in named)


def _without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id", text)


@pytest.mark.ci
def test_what_the_tests_above_send_is_what_the_rows_have(runner: Runner) -> None:
    """The names are those of columns: else they would prove nothing."""
    columns = runner.count(
        "select count(distinct column_name) from information_schema.columns where column_name = any(%s)",
        [list(_SET_BY_US)],
    )
    assert columns == len(_SET_BY_US)
