"""Meetings that people were told of after the copy: what calendars show once somebody decided, read by six kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.kernel import Refusal
from domain.mail import CalendarPart
from domain.restored import deciding, matters
from meetings import invitations, schedule, seating, told_since
from meetings.committees import committee_of
from models.meeting import Meeting
from tests.cast import AT
from tests.meetings.attendee import Attendee, attendees, read
from tests.meetings.meeting_room import LOCAL, meeting
from tests.meetings.sitting import letters, seat, seat_everyone
from tests.restored import Installed, installed

__all__ = ["installed"]

HOUR: Final = timedelta(hours=1)
LATER, NOW = AT + HOUR, AT + timedelta(days=1)
MOVED: Final = LOCAL + timedelta(days=1)
OTHER: Final = datetime(2027, 3, 10, 13, 0)
#: The first date of the season of these tests.
WEEKLY: Final = datetime(2027, 1, 13, 9, 30)

pytestmark = pytest.mark.ci


@dataclass
class Life:
    """An installation whose letters arrive: calendars keep what they were told, whatever becomes of the database."""

    house: Installed
    calendars: dict[UUID, list[Attendee]] = field(default_factory=lambda: defaultdict(attendees))
    read: set[bytes] = field(default_factory=set)

    def begin(self, act: Callable[[Session], object]) -> None:
        """Seat everyone, and do something."""
        with self.house.session() as session:
            seat_everyone(session, self.house.cast)
            act(session)
        self.arrive()

    def do(self, act: Callable[[Session], object]) -> None:
        """Do something, and have its letters arrive."""
        with self.house.session() as session:
            act(session)
        self.arrive()

    def arrive(self) -> int:
        """Every letter that has not come yet comes; how many."""
        with self.house.session() as session:
            new = [one for one in letters(session) if one.message.as_bytes() not in self.read]
        for one in new:
            self.read.add(one.message.as_bytes())
            for calendar in self.calendars[one.person_id]:
                for file in one.calendars:
                    calendar.receive(read(CalendarPart(str(file["method"]), file.to_ical())))
        return len(new)

    def restore(self, copy: str) -> None:
        self.house.put_back(copy)
        self.house.start()

    def shown(self) -> set[frozenset[datetime]]:
        """The local times that calendars show: one set where all are of one mind."""
        return {
            frozenset(one.starts.replace(tzinfo=None) for one in calendar.shows())
            for of_one in self.calendars.values()
            for calendar in of_one
        }

    def decide(self, how: Callable[..., int]) -> int:
        """Decide of the one meeting that waits; how many people it concerns."""
        with self.house.session() as session:
            (one,) = told_since.told_since(session, matters.waiting(session))
            n = how(session, one.last.id, by=self.house.actor("coordinator"), at=NOW)
            assert matters.waiting(session) == []
        return n


def utc(local: datetime) -> datetime:
    """A time of winter in Montréal, in UTC."""
    return local + timedelta(hours=5)


@pytest.fixture
def life(installed: Installed) -> Life:
    return Life(installed)


def plan(life: Life, local: datetime, at: datetime) -> Callable[[Session], object]:
    by = life.house.actor("coordinator")
    return lambda session: schedule.plan_meetings(session, "steering", [local], by=by, at=at)


def move(life: Life) -> Callable[[Session], object]:
    by = life.house.actor("coordinator")
    return lambda session: schedule.move_meeting(session, meeting(session), MOVED, by=by, at=LATER)


def call_off(life: Life, at: datetime = LATER) -> Callable[[Session], object]:
    by = life.house.actor("coordinator")
    return lambda session: schedule.cancel_meeting(session, meeting(session), reason="Tempête", by=by, at=at)


def season(session: Session, life: Life, at: datetime) -> None:
    by, day = life.house.actor("coordinator"), WEEKLY.date()
    schedule.plan_season(
        session, "clinical", first=day, last=day + timedelta(days=28), hour=WEEKLY.time(), by=by, at=at
    )


def nothing(_: Session) -> None:
    """Nothing is planned before the copy."""


def planned_since(life: Life) -> None:
    life.begin(nothing)
    copy = life.house.copy()
    life.do(plan(life, LOCAL, LATER))
    life.restore(copy)
    assert life.shown() == {frozenset({utc(LOCAL)})}


def moved_since(life: Life) -> None:
    life.begin(plan(life, LOCAL, AT))
    copy = life.house.copy()
    life.do(move(life))
    life.restore(copy)
    assert life.shown() == {frozenset({utc(MOVED)})}


def test_a_meeting_that_was_planned_after_the_copy_goes_from_every_calendar(life: Life) -> None:
    planned_since(life)
    n = life.decide(told_since.cancel)
    assert n == life.arrive() > 0
    assert life.shown() == {frozenset()}


def test_a_meeting_that_was_planned_after_the_copy_stays_in_calendars_where_it_is_kept(life: Life) -> None:
    planned_since(life)
    assert life.decide(told_since.keep) == life.arrive() == 0
    assert life.shown() == {frozenset({utc(LOCAL)})}


def test_a_meeting_that_was_moved_after_the_copy_is_told_again_as_it_stands(life: Life) -> None:
    moved_since(life)
    assert life.decide(told_since.keep) == life.arrive() > 0
    assert life.shown() == {frozenset({utc(LOCAL)})}


def test_a_meeting_that_was_moved_after_the_copy_is_cancelled_for_all(life: Life) -> None:
    moved_since(life)
    life.decide(told_since.cancel)
    life.arrive()
    assert life.shown() == {frozenset()}
    assert life.house.rows("select state from meeting") == [{"state": "cancelled"}]


def test_a_meeting_that_was_cancelled_after_the_copy_is_told_again_where_it_is_kept(life: Life) -> None:
    life.begin(plan(life, LOCAL, AT))
    copy = life.house.copy()
    life.do(call_off(life))
    life.restore(copy)
    assert life.shown() == {frozenset()}
    life.decide(told_since.keep)
    life.arrive()
    assert life.shown() == {frozenset({utc(LOCAL)})}


def test_a_meeting_that_waits_is_not_changed_before_it_is_decided_and_then_the_news_are_newer(life: Life) -> None:
    """A calendar would take no other: `Attendee` refuses a message that is already old."""
    moved_since(life)
    with pytest.raises(Refusal) as refused:
        life.do(call_off(life, at=NOW))
    assert refused.value.code == "meeting.undecided"
    assert life.shown() == {frozenset({utc(MOVED)})}
    life.decide(told_since.keep)
    life.arrive()
    life.do(call_off(life, at=NOW + HOUR))
    assert life.shown() == {frozenset()}


def test_a_meeting_that_was_cancelled_after_the_copy_and_is_again_is_told_to_no_one_twice(life: Life) -> None:
    life.begin(plan(life, LOCAL, AT))
    copy = life.house.copy()
    life.do(call_off(life))
    life.restore(copy)
    life.decide(told_since.cancel)
    assert life.arrive() == 0
    assert life.shown() == {frozenset()}


def test_after_a_meeting_was_taken_out_it_can_be_planned_again_and_restored_again(life: Life) -> None:
    planned_since(life)
    copy = life.house.copy()
    life.decide(told_since.cancel)
    life.arrive()
    life.restore(copy)
    assert life.decide(told_since.cancel) == 0
    assert life.arrive() == 0
    life.do(plan(life, OTHER, NOW + HOUR))
    assert life.shown() == {frozenset({utc(OTHER)})}


def test_a_season_that_was_planned_after_the_copy_goes_from_every_calendar(life: Life) -> None:
    life.begin(nothing)
    copy = life.house.copy()
    life.do(lambda session: season(session, life, at=LATER))
    assert life.shown() != {frozenset()}
    life.restore(copy)
    life.decide(told_since.cancel)
    life.arrive()
    assert life.shown() == {frozenset()}


def test_a_season_that_stands_is_kept_and_told_again_but_not_cancelled_here(life: Life) -> None:
    life.begin(lambda session: season(session, life, at=AT))
    before = life.shown()
    copy = life.house.copy()

    def one_off(session: Session) -> None:
        from sqlmodel import select  # noqa: PLC0415

        one = session.scalars(select(Meeting.id).where(Meeting.original == WEEKLY + timedelta(days=7))).one()
        schedule.cancel_meeting(session, one, reason="Tempête", by=life.house.actor("coordinator"), at=LATER)

    life.do(one_off)
    assert life.shown() != before
    life.restore(copy)
    with pytest.raises(Refusal) as refused:
        life.decide(told_since.cancel)
    assert refused.value.code == "restored.season"
    life.decide(told_since.keep)
    life.arrive()
    assert life.shown() == before


OFF, ELSEWHERE = WEEKLY + timedelta(days=7), WEEKLY + timedelta(days=14)


def _changed_since(life: Life) -> set[frozenset[datetime]]:
    """Of a season one date was cancelled after the copy, and one moved; what calendars showed before."""
    life.begin(lambda session: season(session, life, at=AT))
    before = life.shown()
    copy = life.house.copy()
    by = life.house.actor("coordinator")
    life.do(lambda session: schedule.cancel_meeting(session, _of(session, OFF), reason="Tempête", by=by, at=LATER))
    new = ELSEWHERE + timedelta(days=1, hours=4)
    life.do(lambda session: schedule.move_meeting(session, _of(session, ELSEWHERE), new, by=by, at=LATER + HOUR))
    life.restore(copy)
    return before


def _of(session: Session, original: datetime) -> UUID:
    from sqlmodel import select  # noqa: PLC0415

    return session.scalars(select(Meeting.id).where(Meeting.original == original)).one()


def test_a_season_of_which_dates_were_changed_is_kept_by_one_letter_a_person_that_says_which_dates_hold(
    life: Life,
) -> None:
    before = _changed_since(life)
    with life.house.session() as session:
        assert invitations.tell_all(session, at=NOW) == ()
        n = len(letters(session))
    people = life.decide(told_since.keep)
    with life.house.session() as session:
        written = letters(session)[n:]
        assert invitations.tell_all(session, at=NOW + HOUR) == ()
    readers = [one.person_id for one in written]
    assert len(readers) == len(set(readers))
    assert len(readers) in (people, people - 1), "but for one without an address"
    (ours,) = [one.text for one in written if one.person_id == life.house.person("coordinator")]
    assert "20 janvier 2027" in ours
    assert "Au lieu du jeudi 28 janvier 2027" in ours
    assert "copie plus ancienne" in ours
    assert life.arrive() == len(written)
    assert life.shown() == before


def test_a_season_that_waits_says_each_date_that_people_were_told_otherwise(life: Life) -> None:
    _changed_since(life)
    with life.house.session() as session:
        (one,) = told_since.told_since(session, matters.waiting(session))
        assert len(told_since.each_once(matters.waiting(session))) == 1
    told = {(date.original, date.starts) for _, dates in one.told_dates() for date in dates}
    assert told == {(OFF, None), (ELSEWHERE, ELSEWHERE + timedelta(days=1, hours=4))}


def test_a_season_of_which_a_date_was_held_elsewhere_says_where_it_is(life: Life) -> None:
    life.begin(lambda session: season(session, life, at=AT))
    copy = life.house.copy()
    by = life.house.actor("coordinator")
    life.do(lambda session: schedule.change_place(session, _of(session, OFF), place="Salle B", by=by, at=LATER))
    life.restore(copy)
    with life.house.session() as session:
        n = len(letters(session))
    assert life.decide(told_since.keep) > 0
    with life.house.session() as session:
        assert all("copie plus ancienne" in one.text or "older copy" in one.text for one in letters(session)[n:])
    life.arrive()


def _leave(life: Life) -> Callable[[Session], object]:
    """The worker of En Marge leaves their seat, and their alternate comes instead."""
    by, who = life.house.actor("coordinator"), life.house.person("worker_em")

    def end(session: Session) -> object:
        clinical, where = committee_of(session, "clinical").id, seat(session, "clinical", "en-marge")
        return seating.end_seat(session, clinical, where, who, last_day=LATER.date(), by=by, at=LATER)

    return end


def test_who_left_a_seat_and_who_comes_instead_hear_nothing_twice_by_the_keeping_of_a_season(life: Life) -> None:
    life.begin(lambda session: season(session, life, at=AT))
    copy = life.house.copy()
    life.do(_leave(life))
    life.restore(copy)
    with life.house.session() as session:
        n = len(letters(session))
        (told,) = told_since.told_since(session, matters.waiting(session))
        told_since.keep(session, told.last.id, by=life.house.actor("coordinator"), at=NOW)
        assert invitations.tell_all(session, at=NOW) == ()
        assert len(letters(session)) == n
        (waits,) = matters.waiting(session)
        deciding.leave_undone(session, waits.id, reason="Non", by=life.house.actor("coordinator"), at=NOW)
        heard = invitations.tell_all(session, at=NOW)
    people = {life.house.person("worker_em"): "invitation", life.house.person("deputy"): "removed"}
    assert {one.person_id: one.kind for one in heard} == people
