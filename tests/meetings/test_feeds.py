"""Private calendar addresses and links to answer by: what they show, to whom, and that they end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
from icalendar import Calendar
from sqlmodel import Session

from adapters.database import open_session
from duties.refusals import Refusal
from meetings import answers, feeds, links, schedule
from tests.cast import AT, Cast
from tests.meetings.sitting import letters, seat_everyone


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which everyone sits, and a season and a meeting are planned."""
    with cast.session() as made:
        seat_everyone(made, cast)
        by = cast.actor("coordinator")
        schedule.plan_season(
            made, "clinical", first=date(2026, 12, 2), last=date(2027, 3, 31), hour=time(9, 30), by=by, at=AT
        )
        schedule.plan_meetings(made, "steering", [datetime(2027, 1, 20, 13, 0)], by=by, at=AT)
        yield made


def test_a_feed_shows_ones_own_meetings_and_neither_who_comes_nor_what_is_talked_about(
    cast: Cast, session: Session
) -> None:
    calendar = Calendar.from_ical(feeds.calendar(session, cast.people["police"], "fr", at=AT))
    events = calendar.walk("VEVENT")
    assert str(calendar["method"]) == "PUBLISH"
    assert len(events) == 18
    assert {str(event["summary"]) for event in events} == {"Comité clinique"}
    for event in events:
        assert "attendee" not in event
        assert "organizer" not in event
    both = Calendar.from_ical(feeds.calendar(session, cast.people["coordinator"], "en", at=AT)).walk("VEVENT")
    assert {str(event["summary"]) for event in both} == {"Clinical Committee", "Steering Committee"}
    assert Calendar.from_ical(feeds.calendar(session, cast.people["officer"], "fr", at=AT)).walk("VEVENT") == []


def test_a_feed_is_the_same_bytes_until_something_changes(cast: Cast, session: Session) -> None:
    first = feeds.calendar(session, cast.people["manager_em"], "fr", at=AT)
    assert feeds.calendar(session, cast.people["manager_em"], "fr", at=AT + timedelta(hours=3)) == first
    (row,) = feeds.meetings_of(session, cast.people["manager_em"], since=AT, until=AT + timedelta(days=200))
    schedule.cancel_meeting(session, row["id"], reason="Tempête", by=cast.actor("coordinator"), at=AT)
    assert feeds.calendar(session, cast.people["manager_em"], "fr", at=AT) != first


def test_an_address_opens_before_a_program_is_known_and_no_more_once_it_is_ended(cast: Cast, session: Session) -> None:
    person, by = cast.people["police"], cast.actor("police")
    path = feeds.make(session, person, by=by, at=AT)
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    session.commit()
    with open_session(cast.database.engine) as anyone:
        found = feeds.look(anyone, token)
        assert found is not None
        assert (found.program_id, found.person_id) == (cast.program_id, person)
        assert feeds.look(anyone, token[:-1] + "A") is None or token.endswith("A")
    (row,) = feeds.feeds_of(session, person)
    assert token not in str(row)
    feeds.end(session, person, row["id"], by=by, at=AT)
    session.commit()
    with open_session(cast.database.engine) as anyone:
        assert feeds.look(anyone, token) is None
    with pytest.raises(Refusal):
        feeds.end(session, person, row["id"], by=by, at=AT)


def test_nobody_ends_anothers_address_and_there_are_a_few_at_most(cast: Cast, session: Session) -> None:
    by = cast.actor("police")
    for _ in range(feeds.MOST):
        feeds.make(session, cast.people["police"], by=by, at=AT)
    with pytest.raises(Refusal) as refused:
        feeds.make(session, cast.people["police"], by=by, at=AT)
    assert refused.value.code == "feed.many"
    first = feeds.feeds_of(session, cast.people["police"])[0]
    with pytest.raises(Refusal):
        feeds.end(session, cast.people["manager_em"], first["id"], by=cast.actor("manager_em"), at=AT)
    assert feeds.end_all(session, cast.people["police"], by=by, at=AT) == feeds.MOST


@pytest.mark.ci
def test_the_link_of_a_letter_asks_about_every_meeting_of_its_invitation_until_the_last_is_over(
    cast: Cast, session: Session
) -> None:
    session.commit()
    sent = next(one for one in letters(session) if one.person_id == cast.people["police"])
    token = sent.text.split("/answer/", 1)[1].split()[0]
    with open_session(cast.database.engine) as anyone:
        opened = links.look(anyone, token, at=AT)
        assert opened is not None
        assert links.look(anyone, token, at=datetime(2027, 4, 1, 12, tzinfo=AT.tzinfo)) is None
    person, asked = answers.asked_by(session, opened.invitation_id, at=AT)
    assert person == cast.people["police"]
    assert len(asked) == 18
    answers.answer(session, asked[0].meeting["id"], person, "accepted", means="link", by=cast.actor("police"), at=AT)
    _, again = answers.asked_by(session, opened.invitation_id, at=AT)
    assert again[0].answer is not None
    assert again[0].answer["answer"] == "accepted"
    links.end(session, [opened.invitation_id], at=AT)
    session.commit()
    with open_session(cast.database.engine) as anyone:
        assert links.look(anyone, token, at=AT) is None


def test_an_older_mail_does_not_undo_a_newer_answer(cast: Cast, session: Session) -> None:
    (row,) = feeds.meetings_of(session, cast.people["manager_em"], since=AT, until=AT + timedelta(days=200))
    person, by = cast.people["manager_em"], cast.actor("manager_em")
    answers.answer(session, row["id"], person, "accepted", means="mail", sequence=1, stamped_at=AT, by=by, at=AT)
    with pytest.raises(Refusal) as refused:
        answers.answer(
            session,
            row["id"],
            person,
            "declined",
            means="mail",
            sequence=1,
            stamped_at=AT - timedelta(minutes=1),
            by=by,
            at=AT + timedelta(minutes=5),
        )
    assert refused.value.code == "answer.stale"
