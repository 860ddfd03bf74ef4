"""A name typed into any field of any form about participants stands in clear in no row: it is sealed, or refused.

The fields are asked of the application, so that a new one is planted in without a word here. Elsewhere people of the
staff write of their work in their own words: what leaves of that is searched for names (docs/adr/0010).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_origin

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from psycopg import sql
from pydantic import BaseModel

from models.tables import metadata
from tests.matrix.asked import Route
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.test_bodies import writing
from tests.scanner import found

#: Stands nowhere else in the world.
WORD: Final = "Zquorvélimande"
#: A share of the forms at a time: each needs a world that no other share changed.
SHARES: Final = 8
#: Where participants are written about.
ABOUT_PEOPLE: Final = re.compile(r"/(api/v1/)?(participants|referrals?|refer|follow-ups|activities|research)\b")


def _fields(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    """What a route takes in its body, with the kind of each."""
    for one in dependant.body_params:
        kind = one.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from ((name, field.annotation) for name, field in kind.model_fields.items())
        else:
            yield one.alias, kind
    for inner in dependant.dependencies:
        yield from _fields(inner)


def _planted(kind: Any, sent: Any) -> Any:
    """The word in a field of this kind; a list of it, or one for a criterion, where the field takes such."""
    said = str(kind)
    if get_origin(kind) is dict or said.startswith("dict"):
        return dict.fromkeys(sent or {"AD-C0": ""}, WORD)
    return [WORD] if "list[" in said or "Sequence[" in said else WORD


@pytest.fixture(scope="module")
def fields_of(runner: Runner) -> Mapping[str, list[tuple[str, Any]]]:
    """The fields of each route that takes some."""
    found_in: dict[str, list[tuple[str, Any]]] = {}
    for one in iter_route_contexts(runner.app.routes):
        route = one.original_route
        dependant = getattr(route, "dependant", None)
        for method in getattr(route, "methods", None) or ():
            if dependant is not None and (fields := list(_fields(dependant))):
                found_in[f"{method} {one.path or route.path}"] = fields  # type: ignore[attr-defined]  # has one
    return found_in


@pytest.mark.ci
@pytest.mark.wide(SHARES)
@pytest.mark.parametrize("share", range(SHARES))
def test_a_name_in_any_field_about_participants_stands_in_no_row_and_in_no_address(
    runner: Runner, routes: list[Route], fields_of: Mapping[str, list[tuple[str, Any]]], run: Run[Any], share: int
) -> None:
    asked = [one for one in writing(routes) if ABOUT_PEOPLE.match(one[0].path) and str(one[0]) in fields_of]
    assert len(asked) >= 30
    written = 0

    async def ask() -> None:
        nonlocal written
        for route, place, kind in asked[share::SHARES]:
            for name, takes in fields_of[str(route)]:
                sent = (route.sent.json or route.sent.form).get(name)
                answer = await runner.send(route, kind, place, more={name: _planted(takes, sent)})
                where = f"{route} with {name}"
                assert answer.status_code < 500, where
                assert not found([WORD], str(answer.headers)), where
                changed = runner.changed()
                for table in sorted(changed | {"event"}):
                    assert not _stands_in(runner, table), f"{where}: in {table}"
                if changed:
                    written += 1
                    runner.renew()

    run(ask())
    assert written, "what was typed was written, and sealed"


def _stands_in(runner: Runner, table: str) -> bool:
    """Whether the word stands in a row: as text, or in its bytes, which are written in hexadecimal."""
    assert table in metadata.tables
    letters = WORD.lower()
    return (
        runner.count(
            sql.SQL("select count(*) from {} as it where lower(it::text) like any(%s)").format(sql.Identifier(table)),
            [[f"%{letters}%", f"%{letters.encode().hex()}%", f"%{WORD.encode().hex()}%"]],
        )
        > 0
    )
