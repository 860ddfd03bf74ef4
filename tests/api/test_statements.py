"""How many statements the main pages ask of the database, and that it is as many however much there is to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg
import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient
from psycopg import sql
from sqlalchemy import Table, event

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext
from api.pages.frame import framed_pages, page
from models.base import table_of
from models.casework import Case, Task
from models.follow_up import Assignment, FollowUp, WeeklyNote
from models.meeting import Meeting
from models.minutes import Decision, Endorsement
from models.participant import Participant
from models.program import Person
from tests.api.application import client_for
from tests.cast import AT
from tests.conftest import Copies
from tests.databases import bare
from tests.matrix.world import World

#: The pages that people open all day long, and the list that other systems read.
PAGES: Final = (
    *("/", "/caseload", "/decisions", "/board", "/meetings", "/partners", "/people", "/cases"),
    "/api/v1/work",
)
MOST: Final = 14
#: Who is signed in, who holds what, and all that the menu and the head of the page tell.
OF_THE_FRAME: Final = 3


@pytest.fixture
def world(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[World]:
    """A program with cases, follow-ups, meetings and decisions in every state."""
    name, built = the_world_template
    with copies.of(name) as database:
        yield built.on(database)


@pytest.fixture
def client(world: World) -> TestClient:
    """A browser in which the coordinator is signed in, to an application with a page that is nothing but its frame."""
    client = client_for(world.cast.database, world.people["coordinator"], at=AT)
    router = framed_pages()

    @router.get("/frame-alone")
    @asks(Action.SEE_MY_WORK)
    def show_frame(context: InContext, request: Request) -> HTMLResponse:
        require(Action.SEE_MY_WORK, to_program(context.asker))
        return page(context, request, "error.html", title="", detail="", code=200)

    client.app.router.routes.extend(router.routes)  # type: ignore[attr-defined]  # it is a FastAPI application
    return client


@contextmanager
def counting(world: World) -> Iterator[list[str]]:
    """The statements that are asked inside."""
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    engine = world.cast.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def statements_of(world: World, client: TestClient) -> dict[str, int]:
    """How many statements each main page asks, once the process knows the versions of the protocols."""
    found = {}
    for path in (*PAGES, "/frame-alone"):
        assert client.get(path).status_code == 200
        with counting(world) as asked:
            client.get(path)
        found[path] = len(asked)
    return found


def test_a_main_page_asks_few_statements_and_the_frame_around_it_three(world: World, client: TestClient) -> None:
    found = statements_of(world, client)
    assert found.pop("/frame-alone") == OF_THE_FRAME
    assert {path: count for path, count in found.items() if count > MOST} == {}


@pytest.mark.ci
def test_twice_as_much_to_show_asks_no_further_statement(world: World, client: TestClient) -> None:
    before, shown = statements_of(world, client), client.get("/api/v1/work").json()["total"]
    double(world)
    assert client.get("/api/v1/work").json()["total"] > shown
    assert statements_of(world, client) == before


def test_what_changed_is_read_at_the_next_request(world: World, client: TestClient) -> None:
    me = world.people["coordinator"]
    assert client.get("/people").status_code == 200
    with psycopg.connect(bare(world.cast.database.admin_url), autocommit=True) as admin:
        admin.execute("update person set family_name = 'Renommée' where id = %s", (me,))
        assert "Renommée" in client.get("/people").text
        admin.execute("update tenure set ends_on = starts_on where person_id = %s", (me,))
    assert client.get("/people").status_code == 303  # who holds nothing any more is signed out


# ------------------------------------------------------------------------------------------------- twice the rows

#: What is doubled, and the columns of each that no two rows share.
_DOUBLED: Final[Mapping[type[Any], Mapping[str, LiteralString]]] = {
    Person: {"key": "key || '-twice'", "email": "null"},
    Participant: {
        "number": "'#1999-' || substr(number, 7)",
        "candidate_ref": "'C-' || reverse(substr(candidate_ref, 3))",
    },
    # One of each protocol is open for an organization: another of another period.
    Case: {"period": "case when coalesce(subject_id, participant_id) is null then '1999' else period end"},
    Task: {},
    FollowUp: {},
    Assignment: {},
    WeeklyNote: {},
    Meeting: {"uid": "uid || '-twice'", "series_id": "md5(series_id || 'twice')::uuid"},
    Decision: {"number": "number || '9'"},
    Endorsement: {},
}


def double(world: World) -> None:
    """Have every person, participant, case, task, follow-up, meeting and decision of the program once more."""
    no_rules = "-c session_replication_role=replica"
    with psycopg.connect(bare(world.cast.database.admin_url), autocommit=True, options=no_rules) as admin:
        for model, apart in _DOUBLED.items():
            _double(admin, table_of(model), apart)


def _double(admin: psycopg.Connection[Any], table: Table, apart: Mapping[str, LiteralString]) -> None:
    names = [column.name for column in table.columns if column.computed is None]
    another = {"id"} | {
        column.parent.name
        for key in table.foreign_key_constraints
        if key.referred_table.name in {table_of(model).name for model in _DOUBLED}
        for column in key.elements
        if column.parent.name != "program_id"
    }
    values = [
        sql.SQL(apart[name])
        if name in apart
        else sql.SQL("md5({} || 'twice')::uuid").format(sql.Identifier(name))
        if name in another
        else sql.Identifier(name)
        for name in names
    ]
    admin.execute(
        sql.SQL("insert into {table} ({names}) select {values} from {table}").format(
            table=sql.Identifier(table.name),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            values=sql.SQL(", ").join(values),
        )
    )
