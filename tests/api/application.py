"""The web as the tests ask it: the application on a test's database, and someone signed in to it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlmodel import select as select_model

from adapters.database import open_session, program_session
from api.access.request_rates import Requests
from api.access.session import Installation, sign_in
from api.app import create_app
from models.base import table_of
from models.program import Person, Program
from tests.api import lines, once_keys
from tests.cast import AT, KEYS, letter_templates
from tests.conftest import Database

#: What the tests call the web. Not https, so that the client gives the cookie back.
ADDRESS = "http://testserver"


#: What the program is called in a test that serves it to a real browser, on whichever port is free.
SERVED: Final = "http://127.0.0.1"


def installation_of(
    database: Database,
    *,
    demonstration: bool = False,
    at: datetime = AT,
    base_url: str = ADDRESS,
    letters_leave: bool = True,
    most_requests: int | None = None,
) -> Installation:
    """The web's means on a test's database, at one moment."""
    return Installation(
        database.engine,
        letter_templates(),
        base_url,
        demonstration,
        clock=lambda: at,
        keys=KEYS,
        letters_leave=letters_leave,
        # The tests' clock stands still: a whole walk through the program is one quarter of an hour.
        requests=Requests(most=1_000_000 if most_requests is None else most_requests),
    )


def app_on(
    database: Database,
    *,
    demonstration: bool = False,
    at: datetime = AT,
    base_url: str = ADDRESS,
    letters_leave: bool = True,
) -> FastAPI:
    """The application, at one moment. It answers to the name in `base_url` alone: see `SERVED`."""
    installation = installation_of(
        database, demonstration=demonstration, at=at, base_url=base_url, letters_leave=letters_leave
    )
    return watched(create_app(installation))


def watched(app: FastAPI) -> FastAPI:
    """An application that fails where a promise of every request is broken: see `lines` and `once_keys`."""
    lines.watch(app.state.installation.engine)
    app.add_middleware(lines.Watched)
    app.add_middleware(once_keys.Keyed, addresses=once_keys.done_once(app))
    return app


def nobody(
    database: Database, *, demonstration: bool = False, at: datetime = AT, letters_leave: bool = True
) -> TestClient:
    """A browser in which nobody is signed in. It speaks English, and shows a redirection as it is."""
    return TestClient(
        app_on(database, demonstration=demonstration, at=at, letters_leave=letters_leave),
        base_url=ADDRESS,
        headers={"Accept-Language": "en"},
        follow_redirects=False,
    )


def client_for(
    database: Database, person_id: UUID, *, demonstration: bool = False, at: datetime = AT, letters_leave: bool = True
) -> TestClient:
    """A browser in which this person is signed in."""
    client = nobody(database, demonstration=demonstration, at=at, letters_leave=letters_leave)
    client.cookies.set("spheres", token_for(database, person_id, at=at))
    return client


def token_for(database: Database, person_id: UUID, *, at: datetime = AT) -> str:
    """The cookie of a sign-in of this person, by the very function that signs people in."""
    answer = Response()
    sign_in(installation_of(database, at=at), program_of(database, person_id), person_id, answer)
    return answer.headers["set-cookie"].partition(";")[0].partition("=")[2]


def program_of(database: Database, person_id: UUID) -> UUID:
    """The program that a person belongs to: no wall lets a session look into all of them at once."""
    with open_session(database.engine) as session:
        programs: list[UUID] = list(session.scalars(select(table_of(Program).c.id)))
    for program_id in programs:
        with program_session(database.engine, program_id) as session:
            if session.exec(select_model(Person).where(Person.id == person_id)).first():
                return program_id
    msg = "no program has this person"
    raise LookupError(msg)
