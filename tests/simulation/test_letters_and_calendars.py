"""What letters and calendars promise, broken in the rows on purpose: each check finds it, and where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session

from meetings import freezing, posting, schedule
from simulation.promises import broken
from tests.cast import AT, Cast
from tests.meetings.sitting import give, seat_everyone

WHEN = datetime.fromisoformat("2027-01-20T13:00")


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A meeting of the Steering Committee, planned, and moved an hour later."""
    with cast.session() as made:
        seat_everyone(made, cast)
        by = cast.actor("coordinator")
        schedule.plan_meetings(made, "steering", [WHEN], by=by, at=AT)
        meeting = made.scalar(text("select id from meeting where series_id is null"))
        schedule.move_meeting(made, meeting, WHEN + timedelta(days=1), by=by, at=AT + timedelta(hours=1))
        yield made


def _broken(session: Session) -> set[tuple[str, str]]:
    found = broken(session, AT + timedelta(hours=2))
    return {(one.sentence, one.where) for one in found}


@pytest.mark.ci
def test_two_letters_of_one_act_and_an_older_version_that_comes_later_are_found(cast: Cast, session: Session) -> None:
    assert _broken(session) == set()
    first, second = session.scalars(
        text("select id from notice where person_id = :who and thread = 'meetings' order by n"),
        {"who": cast.people["manager_em"]},
    ).all()
    session.execute(
        text("update notice set created_at = (select created_at from notice where id = :one) where id = :two"),
        {"one": first, "two": second},
    )
    doubled = {where for sentence, where in _broken(session) if "one letter to a person" in sentence}
    assert doubled == {f"notice {second}"}
    session.execute(
        text("update notice set message = (select message from notice where id = :one) where id = :two"),
        {"one": first, "two": second},
    )
    stale = {where for sentence, where in _broken(session) if "newer than the one before" in sentence}
    assert stale == {f"notice {second}"}


def test_a_letter_that_says_again_what_was_said_and_a_season_that_goes_on_as_it_was_are_found(
    cast: Cast, session: Session
) -> None:
    by = cast.actor("coordinator")
    first = datetime.fromisoformat("2026-12-02T09:30")
    last = date(2027, 1, 20)
    schedule.plan_season(session, "clinical", first=first.date(), last=last, hour=first.time(), by=by, at=AT)
    meeting = session.scalar(text("select id from meeting where series_id is not null order by starts limit 1"))
    move = first + timedelta(days=1)
    for hours, starts in ((1, move), (2, first), (3, move)):
        schedule.move_meeting(session, meeting, starts, by=by, at=AT + timedelta(hours=hours))
    season = session.scalar(text("select id from meeting_series"))
    schedule.change_hour(session, season, since=date(2026, 12, 9), hour=time(14, 0), by=by, at=AT + timedelta(hours=4))
    assert _broken(session) == set()
    *_, before, last = session.scalars(
        text("select id from notice where person_id = :who and thread = 'meetings' order by n"),
        {"who": cast.people["police"]},
    ).all()
    session.execute(
        text("update notice set message = (select message from notice where id = :one) where id = :two"),
        {"one": before, "two": last},
    )
    assert {where for sentence, where in _broken(session) if "tells a change" in sentence} == {f"notice {last}"}
    session.execute(text("update meeting_series set at = '14:00' where follows_id is null"))
    follows = session.scalar(text("select id from meeting_series where follows_id is not null"))
    assert {where for sentence, where in _broken(session) if "goes on" in sentence} == {f"meeting_series {follows}"}


@pytest.mark.ci
def test_a_person_who_was_told_something_newer_than_what_is_kept_is_found(cast: Cast, session: Session) -> None:
    kept = session.scalar(
        text("update invitation set sequence = 0 where person_id = :who returning id"),
        {"who": cast.people["manager_em"]},
    )
    assert {where for sentence, where in _broken(session) if "the newest of it" in sentence} == {f"invitation {kept}"}


@pytest.mark.ci
def test_an_agenda_that_went_past_a_second_representative_is_found(cast: Cast, session: Session) -> None:
    by = cast.actor("coordinator")
    meeting = session.scalar(text("select id from meeting where series_id is null"))
    outgoing = freezing.freeze(session, meeting, by=by, at=AT + timedelta(hours=1))
    posting.post(session, outgoing, "frozen", at=AT + timedelta(hours=1))
    assert _broken(session) == set()
    give(session, cast, "steering", "codim", "worker_codim", "alternate")  # recorded before the agenda went out
    found = {where for sentence, where in _broken(session) if "second representative" in sentence}
    assert found == {f"meeting {meeting}"}
