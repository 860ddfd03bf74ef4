"""The pages by which words are taken out: who asks may take that back, and nobody else does so in their place."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.people.absences import record_absence
from locales import show_day
from models.base import table_of
from models.redaction import Redaction
from tests.api.application import client_for
from tests.api.pages.gathered import END
from tests.api.pages.looking import text_of
from tests.cast import Cast
from tests.meetings.test_redacting import NAME, held_with_a_name

_redaction = table_of(Redaction)


@pytest.mark.ci
def test_who_asked_for_words_of_a_meeting_to_go_takes_that_back_and_nobody_else(cast: Cast) -> None:
    meeting_id = held_with_a_name(cast)
    coordinator = client_for(cast.database, cast.people["coordinator"], at=END)
    nothing = coordinator.post(f"/meetings/{meeting_id}/redactions", data={"others": "", "kind": "name"})
    assert nothing.status_code == 422
    asked = coordinator.post(f"/meetings/{meeting_id}/redactions", data={"others": NAME, "kind": "name"})
    assert asked.status_code == 303
    place = asked.headers["location"]
    officer = client_for(cast.database, cast.people["privacy_officer"], at=END)
    with cast.session() as session:
        seen = session.scalars(select(_redaction.c.version)).one()
    assert officer.post(f"{place}/taking-back", data={"seen": seen}).status_code == 409
    stranger = client_for(cast.database, cast.people["manager_codim"], at=END)
    assert stranger.post(f"{place}/taking-back", data={"seen": seen}).status_code == 404
    assert coordinator.post(f"{place}/confirmation", data={"seen": seen}).status_code in (404, 409)
    assert coordinator.post(f"{place}/taking-back", data={"seen": seen}).status_code == 303
    assert "Request withdrawn" in text_of(coordinator.get(place).text)
    with cast.session() as session:
        assert session.scalars(select(_redaction.c.state)).one() == "taken_back"


def test_the_page_says_whom_it_waits_for_and_what_would_help_where_they_are_away(cast: Cast) -> None:
    meeting_id = held_with_a_name(cast)
    coordinator = client_for(cast.database, cast.people["coordinator"], at=END)
    place = coordinator.post(f"/meetings/{meeting_id}/redactions", data={"others": NAME, "kind": "name"}).headers[
        "location"
    ]
    name = cast.members["privacy_officer"].name
    assert f"Waits for {name}" in text_of(coordinator.get(place).text)
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people["privacy_officer"],
            starts_on=END.date(),
            ends_on=END.date() + timedelta(days=3),
            deputy_id=cast.people["coordinator"],
            by=cast.actor("privacy_officer"),
            at=END,
        )
    shown = text_of(coordinator.get(place).text)
    assert f"Waits for {name}, away until {show_day('en', END.date() + timedelta(days=3))}" in shown
    assert "their deputy asked for it, and cannot confirm it" in shown
