"""Calendars that take every message for the whole season keep all its other dates, once it is known that they do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.mail.envelopes import CalendarPart
from domain.people import calendar_readers, people
from meetings import replies, schedule
from models.base import table_of
from models.meeting import Meeting
from models.program import Person
from models.record import Event
from tests.cast import AT, Cast
from tests.meetings.attendee import Attendee, Shown, read
from tests.meetings.replying import POLICE, reply, season_uid
from tests.meetings.sitting import letters, seat_everyone

SABRE = "-//Sabre//Sabre VObject 4.5.4//EN"
HOUR = timedelta(hours=1)

_meeting = table_of(Meeting)
_event = table_of(Event)


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which ten Wednesdays of the Clinical Committee are planned, and told."""
    with cast.session() as made:
        seat_everyone(made, cast)
        schedule.plan_season(
            made,
            "clinical",
            first=date(2026, 12, 2),
            last=date(2027, 2, 3),
            hour=time(9, 30),
            by=cast.actor("coordinator"),
            at=AT,
        )
        yield made


def _said_on_the_page(session: Session, cast: Cast) -> None:
    person = session.get_one(Person, (cast.program_id, cast.people["police"]))
    people.update_person(
        session,
        person.id,
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email,
        phone=person.phone,
        language=person.language,
        calendar="replace",
        by=cast.actor("police"),
        at=AT,
    )


def _answered_by_mail(session: Session, cast: Cast) -> None:
    assert cast.members["police"].host == POLICE.partition("@")[2]
    assert replies.receive(session, reply(season_uid(session), program=SABRE), at=AT + HOUR).answered == 1


def _shows(session: Session, cast: Cast) -> list[Shown]:
    """What the police's calendar shows, of the kind that takes each message for the whole, after every letter."""
    calendar = Attendee(replaces=True)
    for sent in letters(session):
        if sent.person_id == cast.people["police"]:
            calendar.receive(read(CalendarPart(sent.method, sent.calendar.to_ical())))
    return calendar.shows()


def _on(session: Session, day: date) -> UUID:
    found: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.original == datetime.combine(day, time(9, 30)))
    ).one()
    return found


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("made_known", [_said_on_the_page, _answered_by_mail])
def test_a_date_that_is_off_takes_no_other_from_a_calendar_that_takes_each_message_for_the_whole(
    cast: Cast, session: Session, made_known: object
) -> None:
    assert callable(made_known)
    made_known(session, cast)
    assert len(_shows(session, cast)) == 10
    by, at = cast.actor("coordinator"), AT + 2 * HOUR
    schedule.cancel_meeting(session, _on(session, date(2026, 12, 9)), reason="Tempête", by=by, at=at)
    assert len(_shows(session, cast)) == 9
    moved = datetime(2026, 12, 17, 10, 0)
    schedule.move_meeting(session, _on(session, date(2026, 12, 16)), moved, by=by, at=at + HOUR)
    shown = _shows(session, cast)
    assert len(shown) == 9
    assert datetime(2026, 12, 17, 15, 0) in {one.starts.replace(tzinfo=None) for one in shown}


def test_without_knowing_such_a_calendar_would_lose_the_season(cast: Cast, session: Session) -> None:
    """So that the test above is one: the calendar that it asks is of the kind that loses it."""
    by = cast.actor("coordinator")
    schedule.cancel_meeting(session, _on(session, date(2026, 12, 9)), reason="Tempête", by=by, at=AT + HOUR)
    assert _shows(session, cast) == []


@pytest.mark.wide(8)
@pytest.mark.parametrize(
    ("program", "said", "known"),
    [
        (SABRE, None, "replace"),
        (SABRE, "merge", "merge"),  # what a person says of their own calendar stays
        ("Microsoft Exchange Server 2010", None, "unknown"),
        ("-//Google Inc//Google Calendar 70.9054//EN", "replace", "replace"),
    ],
)
def test_a_calendar_tells_its_kind_by_how_it_answers_and_what_was_said_of_it_stays(
    cast: Cast, session: Session, program: str, said: str | None, known: str
) -> None:
    who = cast.people["police"]
    if said:
        calendar_readers.keep(session, who, said)
    for minutes in (0, 1):
        mail = reply(season_uid(session), program=program, stamp=f"20261123T15{minutes:02}00Z")
        assert replies.receive(session, mail, at=AT + 2 * HOUR).answered == 1
    assert calendar_readers.readers_of(session, [who]) == {who: known}
    told = session.scalars(select(_event.c.facts).where(_event.c.verb == "person.updated")).all()
    assert list(told) == ([{"changed": ["calendar"]}] if program == SABRE and not said else []), "once"


def test_a_mail_that_is_not_taken_teaches_nothing_of_anybodys_calendar(cast: Cast, session: Session) -> None:
    forged = reply(season_uid(session), sender="somebody@elsewhere.example", program=SABRE)
    assert replies.receive(session, forged, at=AT + HOUR).stray == "from_differs"
    who = cast.people["police"]
    assert calendar_readers.readers_of(session, [who]) == {who: "unknown"}
