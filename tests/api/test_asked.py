"""A route that did not ask for the action that it names keeps nothing, and one that names none does not start.

So a route whose author forgot to ask is a fault that everyone sees, and lets in no one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.access.permissions import Action, allows, asks, organizations_for, require, to_program
from api.access.questions import NotAsked
from api.access.session import InContext
from api.app import declared
from api.json.idempotent_requests import AtOnce
from models.base import table_of
from models.program import Person
from tests.api.application import ADDRESS, app_on, token_for
from tests.cast import Cast

_person = table_of(Person)
HERE = {"Origin": ADDRESS}

router = APIRouter()


def _rename(session: Session, person_id: UUID, name: str) -> None:
    session.execute(update(_person).where(_person.c.id == person_id).values(given_name=name))


@router.post("/asked")
@asks(Action.SEE_PEOPLE)
def asked(context: InContext) -> None:
    require(Action.SEE_PEOPLE, to_program(context.asker))


@router.post("/asked-as-a-condition")
@asks(Action.SEE_DECISION)
def asked_as_a_condition(context: InContext) -> None:
    organizations_for(context.asker, Action.SEE_DECISION)


@router.post("/not-asked")
@asks(Action.SEE_PEOPLE)
def not_asked(context: InContext) -> None:
    _rename(context.session, context.asker.person_id, "Jais")


@router.post("/another-asked")
@asks(Action.SEE_PEOPLE)
def another_asked(context: InContext) -> None:
    allows(Action.SEE_CASES, to_program(context.asker))
    _rename(context.session, context.asker.person_id, "Jais")


@router.post("/nothing-named")
def nothing_named(context: InContext) -> None:
    allows(Action.SEE_CASES, to_program(context.asker))


@router.post("/once")
@asks(Action.SEE_PEOPLE)
def once_alone(context: InContext, once: AtOnce) -> None:
    if once.again(None) is None:
        require(Action.SEE_PEOPLE, to_program(context.asker))
        once.keep(200, "/people")


@router.get("/for-anyone")
@asks(Action.LOOK)
def for_anyone(context: InContext) -> None: ...


@pytest.fixture
def client(cast: Cast) -> Iterator[TestClient]:
    """The coordinator, with the routes of this test beside those of the program."""
    app = app_on(cast.database)
    app.include_router(router)
    with TestClient(
        app, base_url=ADDRESS, cookies={"spheres": token_for(cast.database, cast.people["coordinator"])}
    ) as made:
        yield made


def test_a_route_that_asks_for_its_action_is_answered(client: TestClient) -> None:
    assert client.post("/asked", headers=HERE).status_code == 200
    assert client.post("/asked-as-a-condition", headers=HERE).status_code == 200


@pytest.mark.parametrize("path", ["/not-asked", "/another-asked", "/nothing-named"])
def test_a_route_that_does_not_ask_for_its_action_keeps_nothing(client: TestClient, cast: Cast, path: str) -> None:
    with pytest.raises(NotAsked):
        client.post(path, headers=HERE)
    with cast.session() as session:
        assert session.scalar(select(_person.c.given_name).where(_person.c.id == cast.people["coordinator"])) != "Jais"


def test_what_one_request_asked_is_not_asked_by_the_next(client: TestClient) -> None:
    assert client.post("/asked", headers=HERE).status_code == 200
    with pytest.raises(NotAsked):
        client.post("/not-asked", headers=HERE)


def test_an_answer_that_is_given_again_asks_nothing(client: TestClient) -> None:
    key = {**HERE, "Idempotency-Key": "one"}
    assert client.post("/once", headers=key).status_code == 200
    assert client.post("/once", headers=key).status_code == 200


def test_what_is_let_to_anyone_asks_nothing(client: TestClient) -> None:
    assert client.get("/for-anyone").status_code == 200


def test_a_route_that_names_no_action_does_not_start() -> None:
    assert list(declared(route for route in router.routes if route is not _of("/nothing-named")))
    with pytest.raises(TypeError, match="POST /nothing-named names no action"):
        list(declared(router.routes))


def test_a_route_for_the_signed_in_alone_that_does_not_ask_who_is_signed_in_does_not_start() -> None:
    apart = APIRouter()

    @apart.get("/apart")
    @asks(Action.SEE_PEOPLE)
    def without_a_desk() -> None: ...

    with pytest.raises(TypeError, match=re.escape("GET /apart is not for anyone")):
        list(declared(apart.routes))


def _of(path: str) -> object:
    return next(route for route in router.routes if getattr(route, "path", "") == path)
