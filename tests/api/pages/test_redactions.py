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
from tests.api.pages.test_incidents import enter
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


def away(cast: Cast, name: str, deputy: str | None) -> str:
    """Have one of the cast be away for three days, and say until when."""
    last = END.date() + timedelta(days=3)
    with cast.session() as session:
        record_absence(
            session,
            person_id=cast.people[name],
            starts_on=END.date(),
            ends_on=last,
            deputy_id=cast.people[deputy] if deputy else None,
            by=cast.actor(name),
            at=END,
        )
    return show_day("en", last)


def asked_of_an_incident(cast: Cast, name: str) -> str:
    """Where the request stands that words of a new incident are taken out."""
    asker = client_for(cast.database, cast.people[name], at=END)
    place = enter(asker, cast, circumstances=f"{NAME} was named in a letter.", words_seen="yes")
    asked = asker.post(f"{place}/redactions", data={"others": NAME})
    return str(asked.headers["location"])


@pytest.mark.parametrize(
    ("deputy", "said"),
    [
        (None, "Waits for {officer}, away until {day}: no one stands in for them"),
        ("director_ccsmtl", "Waits for {deputy}, for {officer}, who is away until {day}"),
    ],
)
def test_the_page_says_that_who_answers_is_away_until_when_and_who_stands_in(
    cast: Cast, deputy: str | None, said: str
) -> None:
    meeting_id = held_with_a_name(cast)
    coordinator = client_for(cast.database, cast.people["coordinator"], at=END)
    asked = coordinator.post(f"/meetings/{meeting_id}/redactions", data={"others": NAME, "kind": "name"})
    place, officer = asked.headers["location"], cast.members["privacy_officer"].name
    assert f"Waits for {officer}" in text_of(coordinator.get(place).text)
    facts = {"officer": officer, "deputy": deputy and cast.members[deputy].name}
    facts["day"] = away(cast, "privacy_officer", deputy)
    shown = text_of(coordinator.get(place).text)
    assert said.format_map(facts) in shown
    assert "vacant" not in shown


def test_the_page_says_where_a_deputy_asked_and_cannot_answer(cast: Cast) -> None:
    """The director stands in for the privacy officer, who asks, and for the coordinator, who answers."""
    away(cast, "privacy_officer", "director_ccsmtl")
    day = away(cast, "coordinator", "director_ccsmtl")
    place = asked_of_an_incident(cast, "director_ccsmtl")
    shown = text_of(client_for(cast.database, cast.people["director_ccsmtl"], at=END).get(place).text)
    name = cast.members["coordinator"].name
    assert f"Waits for {name}, away until {day}: their deputy asked for it, and cannot confirm it" in shown


def test_what_the_coordinator_asks_of_an_incident_while_the_officer_is_away_waits_for_the_officer(cast: Cast) -> None:
    """Nobody else may answer: it said that the role is vacant, and could never be confirmed."""
    day = away(cast, "privacy_officer", None)
    coordinator = client_for(cast.database, cast.people["coordinator"], at=END)
    assert "The privacy officer confirms." in text_of(coordinator.get(enter(coordinator, cast)).text)
    place = asked_of_an_incident(cast, "coordinator")
    shown = text_of(coordinator.get(place).text)
    officer = cast.members["privacy_officer"].name
    assert f"Waits for {officer}, away until {day}: no one stands in for them" in shown
    assert "vacant" not in shown
    assert coordinator.post(f"{place}/confirmation", data={"seen": 1}).status_code == 404
    back = client_for(cast.database, cast.people["privacy_officer"], at=END + timedelta(days=4))
    assert NAME in text_of(back.get(place).text)
    assert back.post(f"{place}/confirmation", data={"seen": 1}).status_code == 303
    assert NAME not in text_of(back.get("/privacy/incidents").text)


def test_what_the_privacy_officer_asks_of_an_incident_waits_for_the_coordinator(cast: Cast) -> None:
    place = asked_of_an_incident(cast, "privacy_officer")
    officer, coordinator = (
        client_for(cast.database, cast.people[name], at=END) for name in ("privacy_officer", "coordinator")
    )
    assert f"Waits for {cast.members['coordinator'].name}" in text_of(officer.get(place).text)
    assert officer.post(f"{place}/confirmation", data={"seen": 1}).status_code == 404
    assert coordinator.post(f"{place}/confirmation", data={"seen": 1}).status_code == 303
