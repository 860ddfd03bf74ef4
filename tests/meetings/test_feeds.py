"""Private calendar addresses and links to answer by: what they show, to whom, and that they end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar
from recurring_ical_events import of as occurring  # type: ignore[import-untyped]
from sqlalchemy import update
from sqlmodel import Session

from adapters.database import open_session
from domain.kernel.refusals import Refusal
from domain.kernel.rows import col, every, of, surely
from meetings import answers, feeds, invitations, links, schedule
from meetings.answers import Stamp
from meetings.invitees import invitees_of
from models.base import table_of
from models.committee import SeatHolder
from models.invitation import MeetingLink
from models.meeting import Meeting
from tests.cast import AT, Cast
from tests.meetings.sitting import give, letters, seat, seat_everyone

_holder, _link = table_of(SeatHolder), table_of(MeetingLink)

HOUR = timedelta(hours=1)


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


def _meetings_of(session: Session, person_id: UUID, *, since: datetime, until: datetime) -> list[Meeting]:
    """The meetings between two moments that invite a person, in order."""
    found = of(Meeting).where(col(Meeting.ends_at) > since, col(Meeting.starts_at) < until)
    rows = every(session, found.order_by(col(Meeting.starts_at), col(Meeting.id)))
    invitees = invitees_of(session, rows)
    return [row for row in rows if person_id in invitees.of(row)]


def _calendar(session: Session, cast: Cast, who: str, language: str = "fr", at: datetime = AT) -> Any:
    assert language in ("fr", "en")
    return Calendar.from_ical(feeds.calendar(session, cast.people[who], language, at=at))  # type: ignore[arg-type]


def _events(session: Session, cast: Cast, who: str, at: datetime = AT) -> list[Any]:
    """What is published of each season and meeting: its rule, then its dates that are otherwise."""
    return list(_calendar(session, cast, who, at=at).walk("VEVENT"))


def _days(calendar: Any) -> list[date]:
    shown = occurring(calendar).between((2026, 1, 1), (2028, 1, 1))
    return sorted(one["dtstart"].dt.date() for one in shown if one.get("status") != "CANCELLED")


def test_a_feed_shows_ones_own_meetings_and_neither_who_comes_nor_what_is_talked_about(
    cast: Cast, session: Session
) -> None:
    calendar = _calendar(session, cast, "police")
    events = calendar.walk("VEVENT")
    assert str(calendar["method"]) == "PUBLISH"
    assert len(_days(calendar)) == 18
    assert {str(event["summary"]) for event in events} == {"Comité clinique"}
    for event in events:
        assert "attendee" not in event
    both = _events_in(_calendar(session, cast, "coordinator", "en"))
    assert {str(event["summary"]) for event in both} == {"Clinical Committee", "Steering Committee"}
    assert _events(session, cast, "officer") == []


def _events_in(calendar: Any) -> list[Any]:
    return list(calendar.walk("VEVENT"))


@pytest.mark.ci
def test_a_feed_has_the_uid_the_sequence_and_the_organizer_of_the_invitation_before_and_after_a_move(
    cast: Cast, session: Session
) -> None:
    by, who = cast.actor("coordinator"), "manager_em"
    for hours in (0, 1, 2):
        if hours:
            (row,) = _meetings_of(session, cast.people[who], since=AT, until=AT + timedelta(days=200))
            starts = datetime(2027, 1, 20 + hours, 13, 0)
            schedule.move_meeting(session, row.id, starts, by=by, at=AT + timedelta(hours=hours))
        told = [one for one in letters(session) if one.person_id == cast.people[who]][-1].events[0]
        (shown,) = _events(session, cast, who, AT + timedelta(hours=hours))
        assert int(shown["sequence"]) == int(told["sequence"]) == hours
        for name in ("uid", "organizer", "dtstart", "dtend"):
            assert shown[name] == told[name], name
        assert shown["last-modified"].dt == told["dtstamp"].dt == AT + timedelta(hours=hours)


@pytest.mark.ci
def test_a_date_of_a_season_is_published_as_its_invitation_has_it_moved_or_taken_out(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    rows = _meetings_of(session, cast.people["police"], since=AT, until=AT + timedelta(days=200))
    schedule.move_meeting(session, rows[1].id, datetime(2026, 12, 10, 10, 0), by=by, at=AT + timedelta(hours=1))
    schedule.cancel_meeting(session, rows[2].id, reason="Tempête", by=by, at=AT + timedelta(hours=2))
    calendar = _calendar(session, cast, "police")
    rule, moved = calendar.walk("VEVENT")
    told = [one for one in letters(session) if one.person_id == cast.people["police"]]
    assert {str(one["uid"]) for one in (rule, moved)} == {str(one.events[0]["uid"]) for one in told}
    assert {int(one["sequence"]) for one in (rule, moved)} == {int(told[-1].events[0]["sequence"])} == {2}
    assert moved["recurrence-id"].dt == told[-2].events[0]["recurrence-id"].dt
    days = _days(calendar)
    assert date(2026, 12, 10) in days
    assert not {date(2026, 12, 9), date(2026, 12, 16)} & set(days)


def test_a_meeting_that_was_cancelled_stays_as_cancelled_for_as_long_as_one_that_was_held(
    cast: Cast, session: Session
) -> None:
    by, who = cast.actor("coordinator"), "manager_em"
    (row,) = _meetings_of(session, cast.people[who], since=AT, until=AT + timedelta(days=200))
    schedule.change_place(session, row.id, place="", online_url="https://meet.example/1", by=by, at=AT)
    (before,) = _events(session, cast, who)
    assert (str(before["status"]), str(before["conference"])) == ("CONFIRMED", "https://meet.example/1")
    assert dict(before["conference"].params) == {"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": "Rejoindre en ligne"}
    schedule.cancel_meeting(session, row.id, reason="Tempête", by=by, at=AT + timedelta(hours=1))
    (after,) = _events(session, cast, who)
    assert (str(after["uid"]), str(after["status"])) == (str(before["uid"]), "CANCELLED")
    assert int(after["sequence"]) == int(before["sequence"]) + 1
    assert "conference" not in after
    assert "meet.example" not in str(after.to_ical()), "nobody is to wait behind a link"
    (told,) = [one for one in letters(session) if one.person_id == cast.people[who]][-1].events
    assert (str(told["status"]), "meet.example" in str(told.to_ical())) == ("CANCELLED", False)
    assert "Tempête" not in str(after)
    assert len(_events(session, cast, who, row.ends_at + feeds.BACK - timedelta(minutes=1))) == 1
    assert _events(session, cast, who, row.ends_at + feeds.BACK) == []
    give(session, cast, "steering", "en-marge", "researcher", since=date(2027, 1, 18), kind="alternate")
    held = _holder.c.seat_id == seat(session, "steering", "en-marge")
    gone = {"ends_on": date(2027, 1, 17)}
    session.execute(update(_holder).where(held, _holder.c.kind == "principal").values(**gone))
    assert _events(session, cast, "researcher") == [], "who never heard of it hears nothing of it now"


def test_a_feed_shows_no_more_what_others_meet_at_without_ones_seat(cast: Cast, session: Session) -> None:
    held = seat(session, "clinical", "spvm")
    session.execute(update(_holder).where(_holder.c.seat_id == held).values(ends_on=date(2026, 12, 9)))
    invitations.tell_all(session, at=AT + timedelta(hours=1))
    assert _days(_calendar(session, cast, "police")) == [date(2026, 12, 2), date(2026, 12, 9)]


def test_a_season_that_goes_on_at_another_hour_is_published_once_under_each_of_its_uids(
    cast: Cast, session: Session
) -> None:
    rows = _meetings_of(session, cast.people["police"], since=AT, until=AT + timedelta(days=200))
    schedule.change_hour(
        session,
        surely(rows[0].series_id),
        since=date(2027, 1, 6),
        hour=time(14, 0),
        by=cast.actor("coordinator"),
        at=AT + timedelta(hours=1),
    )
    calendar = _calendar(session, cast, "police")
    days = _days(calendar)
    assert len(days) == len(set(days)) == 18
    (told,) = (one for one in letters(session)[-5:] if one.person_id == cast.people["police"])
    of_letter = {str(one.walk("VEVENT")[0]["uid"]) for one in told.calendars}
    assert {str(one["uid"]) for one in calendar.walk("VEVENT")} == of_letter
    assert len(of_letter) == 2


def test_a_feed_is_the_same_bytes_until_something_changes(cast: Cast, session: Session) -> None:
    first = feeds.calendar(session, cast.people["manager_em"], "fr", at=AT)
    assert feeds.calendar(session, cast.people["manager_em"], "fr", at=AT + timedelta(hours=3)) == first
    (row,) = _meetings_of(session, cast.people["manager_em"], since=AT, until=AT + timedelta(days=200))
    schedule.cancel_meeting(session, row.id, reason="Tempête", by=cast.actor("coordinator"), at=AT)
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
    feeds.end(session, person, row.id, by=by, at=AT)
    session.commit()
    with open_session(cast.database.engine) as anyone:
        assert feeds.look(anyone, token) is None
    with pytest.raises(Refusal):
        feeds.end(session, person, row.id, by=by, at=AT)


def test_nobody_ends_anothers_address_and_there_are_a_few_at_most(cast: Cast, session: Session) -> None:
    by = cast.actor("police")
    for _ in range(feeds.MOST):
        feeds.make(session, cast.people["police"], by=by, at=AT)
    with pytest.raises(Refusal) as refused:
        feeds.make(session, cast.people["police"], by=by, at=AT)
    assert refused.value.code == "feed.many"
    first = feeds.feeds_of(session, cast.people["police"])[0]
    with pytest.raises(Refusal):
        feeds.end(session, cast.people["manager_em"], first.id, by=cast.actor("manager_em"), at=AT)
    assert len(feeds.feeds_of(session, cast.people["police"])) == feeds.MOST


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
    answers.answer(session, asked[0].meeting.id, person, "accepted", means="link", by=cast.actor("police"), at=AT)
    _, again = answers.asked_by(session, opened.invitation_id, at=AT)
    assert again[0].answer is not None
    assert again[0].answer.answer == "accepted"
    session.execute(update(_link).values(ended_at=AT))
    session.commit()
    with open_session(cast.database.engine) as anyone:
        assert links.look(anyone, token, at=AT) is None


def test_an_older_mail_does_not_undo_a_newer_answer(cast: Cast, session: Session) -> None:
    (row,) = _meetings_of(session, cast.people["manager_em"], since=AT, until=AT + timedelta(days=200))
    person, by = cast.people["manager_em"], cast.actor("manager_em")
    answers.record(session, row.id, person, "accepted", means="mail", stamp=Stamp(1, AT), by=by, at=AT)
    with pytest.raises(Refusal) as refused:
        answers.record(
            session,
            row.id,
            person,
            "declined",
            means="mail",
            stamp=Stamp(1, AT - timedelta(minutes=1)),
            by=by,
            at=AT + timedelta(minutes=5),
        )
    assert refused.value.code == "answer.stale"


def test_what_changed_for_others_alone_is_published_to_nobody_else_under_the_number_of_their_invitation(
    cast: Cast, session: Session
) -> None:
    held = seat(session, "clinical", "spvm")
    session.execute(update(_holder).where(_holder.c.seat_id == held).values(ends_on=date(2026, 12, 16)))
    invitations.tell_all(session, at=AT + timedelta(hours=1))
    before = feeds.calendar(session, cast.people["police"], "fr", at=AT)
    rows = _meetings_of(session, cast.people["worker_codim"], since=AT, until=AT + timedelta(days=200))
    later = next(row.id for row in rows if row.starts.date() == date(2027, 2, 3))
    where = {"place": "Salle B", "online_url": "https://meet.example/1", "following": True}
    schedule.change_place(session, later, **where, by=cast.actor("coordinator"), at=AT + timedelta(hours=2))  # type: ignore[arg-type]
    assert feeds.calendar(session, cast.people["police"], "fr", at=AT) == before
    assert "meet.example" in str(_calendar(session, cast, "worker_codim").to_ical())


@pytest.mark.ci
def test_a_date_that_was_held_is_not_published_as_standing_under_the_number_of_a_cancellation_of_all(
    cast: Cast, session: Session
) -> None:
    rows = _meetings_of(session, cast.people["worker_em"], since=AT, until=AT + timedelta(days=200))
    by, later = cast.actor("worker_em"), AT + timedelta(days=12)
    for at, row in ((AT, rows[0]), (later, rows[8])):
        answers.answer(
            session, row.id, cast.people["worker_em"], "declined", means="page",
            alternate_id=cast.people["deputy"], by=by, at=at,
        )  # fmt: skip
    (rule,) = _events(session, cast, "deputy", later)
    assert str(rule["status"]) == "CONFIRMED"
    answers.answer(session, rows[8].id, cast.people["worker_em"], "accepted", means="page", by=by, at=later + HOUR)
    told = letters(session)[-1]
    assert (told.person_id, told.method) == (cast.people["deputy"], "CANCEL")
    assert _events(session, cast, "deputy", later + HOUR) == []
    answers.answer(
        session, rows[9].id, cast.people["worker_em"], "declined", means="page",
        alternate_id=cast.people["deputy"], by=by, at=later + 2 * HOUR,
    )  # fmt: skip
    anew = letters(session)[-1].events[0]
    (shown,) = _events(session, cast, "deputy", later + 2 * HOUR)
    assert [shown[name] for name in ("uid", "sequence", "dtstart")] == [
        anew[name] for name in ("uid", "sequence", "dtstart")
    ]
    assert anew["dtstart"].dt.date() == rows[9].starts.date(), "no date that is past"
