"""A change without its line of the record fails the request: else what `tests.api.lines` holds would hold nothing."""

from __future__ import annotations

from datetime import datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.access.permissions import Action, asks, require, themselves, to_program
from api.access.session import InContext
from domain.record import events
from tests.api.application import ADDRESS, app_on, token_for
from tests.cast import AT, Cast

CHANGE = text("update person set phone = '514-555-0101' where id = :id")


def asked(cast: Cast, app: FastAPI, path: str) -> int:
    """The status of a page of someone signed in."""
    client = TestClient(app, base_url=ADDRESS, follow_redirects=False)
    client.cookies.set("spheres", token_for(cast.database, cast.people["coordinator"], at=AT))
    return client.get(path).status_code


@pytest.mark.parametrize(
    "act",
    [
        "update person set phone = '514-555-0101' where id = :id",
        # A line that is undone is none.
        "savepoint",
        "update browser_session set ended_at = now() where person_id = :id",
    ],
)
def test_a_change_that_is_not_written_down_fails(cast: Cast, act: str) -> None:
    app = app_on(cast.database)

    @app.get("/silent")
    @asks(Action.SEE_MY_WORK)
    def silent(context: InContext) -> None:
        """Change something and tell nobody."""
        require(Action.SEE_MY_WORK, to_program(context.asker))
        if act == "savepoint":
            context.session.execute(CHANGE, {"id": context.asker.person_id})
            with context.session.begin_nested() as undone:
                person = context.asker.person_id
                events.write(
                    context.session, "person.changed", "person", person, by=themselves(context.asker), at=context.at
                )
                undone.rollback()
        else:
            context.session.execute(text(act), {"id": context.asker.person_id})

    with pytest.raises(AssertionError, match="tells the record nothing"):
        asked(cast, app, "/silent")


def test_reading_and_being_seen_are_no_change(cast: Cast) -> None:
    later: datetime = AT.replace(minute=20)
    app = app_on(cast.database, at=later)
    assert asked(cast, app, "/") == 200
