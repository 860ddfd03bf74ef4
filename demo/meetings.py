"""The meetings of the demonstration: a season and a year of dates, planned, changed and answered by the real verbs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import cycle
from typing import Final
from uuid import UUID

from sqlmodel import Session

from demo.people import Happening, coordinator
from demo.sittings import DemonstratedSittings
from domain.kernel import Actor, Calendar, col, every, local_day, of, only, program, run
from domain.roles import standing
from meetings import (
    agendas,
    answers,
    assembling,
    attendance,
    drafting,
    freezing,
    minutes,
    posting,
    running,
    schedule,
    waivers,
)
from meetings.agenda_items import items_of, pool_of
from meetings.agenda_rules import TURN
from meetings.caseloads import case_lines
from meetings.committees import committee_of, membership
from meetings.invitees import invited_to
from meetings.local_times import local_of, moment_of
from models.meeting import Meeting
from models.obligation import WAIVER_ITEM
from models.program import Person

WEEKLY: Final = "clinical"
YEARLY: Final = "steering"

#: The season began so long ago, and goes on for so long.
_SINCE: Final = timedelta(weeks=3)
_LASTS: Final = timedelta(weeks=26)
_PLACE: Final = "Salle Boréale"
#: The Steering Committee met so many working days ago, at this hour.
_LAST_STEERING: Final = 30
_STEERING_AT: Final = time(13, 30)
#: What people say to the next meeting, one after the other.
_SAID: Final = (answers.ACCEPTED, answers.ACCEPTED, answers.DECLINED, answers.ACCEPTED, answers.TENTATIVE)


@dataclass
class DemonstratedMeetings:
    """What happened around the meetings up to the day on which the demonstration is loaded.

    `today` is a local day; each happening has the past working day on which somebody did it.
    """

    session: Session
    calendar: Calendar
    today: date
    _answers: Iterator[str] = field(default_factory=lambda: cycle(_SAID))

    def happenings(self) -> Iterator[Happening]:
        """Each thing that was done, with its day."""
        yield Happening(self._ago(_LAST_STEERING + 15), self._plan_steering)
        yield Happening(self._ago(_LAST_STEERING), self._sit_in_steering)
        before_season = self.calendar.add_working_days(self.today - _SINCE, -5)
        yield Happening(before_season, self._plan_season)
        yield Happening(before_season, self._plan_year)
        yield from self._sittings().happenings(self.today - _SINCE)
        yield Happening(self._ago(3), self._move)
        yield Happening(self._ago(3), self._cancel)
        yield Happening(self._ago(2), self._answer)
        yield Happening(self._ago(1), self._assemble)

    def _sittings(self) -> DemonstratedSittings:
        """The weekly committee's meetings that are over."""
        return DemonstratedSittings(self.session, lambda: committee_of(self.session, WEEKLY).id, self.today)

    def _ago(self, working_days: int) -> date:
        return self.calendar.add_working_days(self.today, -working_days)

    def _plan_season(self, at: datetime) -> None:
        first = self.today - _SINCE
        committee = committee_of(self.session, WEEKLY)
        dates = drafting.propose(self.session, committee.id, first, last=first + _LASTS)
        schedule.plan_season(
            self.session,
            WEEKLY,
            first=dates[0].original,
            last=dates[-1].original,
            hour=time.fromisoformat(committee.rhythm["at"]),
            place=_PLACE,
            without={one.original: one.reasons[0].in_words("fr") for one in dates if one.decision == "skip"},
            by=coordinator(self.session, at),
            at=at,
        )

    def _plan_steering(self, at: datetime) -> None:
        """The Steering Committee met once before the season: what partners owe it can be told by who came."""
        starts = datetime.combine(self._ago(_LAST_STEERING), _STEERING_AT)
        schedule.plan_meetings(self.session, YEARLY, [starts], place=_PLACE, by=coordinator(self.session, at), at=at)

    def _sit_in_steering(self, at: datetime) -> None:
        """One partner was absent, one was there by its alternate, and the others by whoever holds their seat."""
        by = coordinator(self.session, at)
        (meeting,) = every(
            self.session, of(Meeting).where(Meeting.committee_id == committee_of(self.session, YEARLY).id)
        )
        opened = meeting.starts_at + timedelta(minutes=2)
        asked = [one for one in pool_of(self.session, meeting.committee_id) if one.kind == WAIVER_ITEM]
        for item in asked:
            agendas.put_on(self.session, item.id, meeting.id, by=by, at=at)
        running.open_meeting(self.session, meeting.id, by=by, at=opened)
        named = attendance.alternates_of(self.session, meeting.id)
        owing = [one for one in attendance.attendance_of(self.session, meeting.id) if one.expected and one.seat.voting]
        absent, instead = owing[1], next(one for one in owing[2:] if named.get(one.seat.id))
        attendance.record(self.session, meeting.id, absent.seat.id, "absent", by=by, at=opened)
        attendance.record(
            self.session,
            meeting.id,
            instead.seat.id,
            "alternate",
            person_id=named[instead.seat.id][0],
            by=by,
            at=opened,
        )
        attendance.record_rest(self.session, meeting.id, by=by, at=opened)
        for item in asked:
            waivers.decide(self.session, UUID(item.subject), by=by, at=opened + timedelta(minutes=20))
        running.close_meeting(self.session, meeting.id, carry_rest=True, by=by, at=meeting.ends_at)
        minutes.circulate(self.session, meeting.id, by=by, at=meeting.ends_at + timedelta(hours=2))

    def _plan_year(self, at: datetime) -> None:
        first = self.today - _SINCE
        dates = drafting.propose(self.session, committee_of(self.session, YEARLY).id, first)
        starts = [one.starts for one in dates if one.decision != "skip"]
        schedule.plan_meetings(self.session, YEARLY, starts, place=_PLACE, by=coordinator(self.session, at), at=at)

    def _move(self, at: datetime) -> None:
        """The second meeting to come is a day later: the day before would be a day that may be over."""
        meeting = self._to_come()[1]
        schedule.move_meeting(
            self.session,
            meeting.id,
            meeting.starts + timedelta(days=1),
            reason="Salle prise ce jour-là",
            by=coordinator(self.session, at),
            at=at,
        )

    def _cancel(self, at: datetime) -> None:
        schedule.cancel_meeting(
            self.session,
            self._to_come()[3].id,
            reason="Journée de formation de l’équipe",
            by=coordinator(self.session, at),
            at=at,
        )

    def _answer(self, at: datetime) -> None:
        """Most of those who are invited to the next meeting have answered; who cannot come has named who does."""
        meeting = self._to_come()[0]
        invited = sorted(invited_to(self.session, meeting), key=lambda one: self._keys()[one])
        for person_id in invited[:-1]:
            (asked,) = answers.asked_of(self.session, person_id, [meeting])
            said = next(self._answers)
            instead = asked.alternates[0] if said == answers.DECLINED and asked.alternates else None
            answers.answer(
                self.session,
                meeting.id,
                person_id,
                said,
                means="link",
                alternate_id=instead,
                by=self._themselves(person_id, at),
                at=at,
            )

    def _assemble(self, at: datetime) -> None:
        assembling.assemble(self.session, self._to_come()[0].id, by=coordinator(self.session, at), at=at)

    def sit_now(self, at: datetime) -> None:
        """The weekly committee sits while the demonstration is loaded, at the turn of a worker who raises something.

        A meeting of that day comes to this hour. None in the last minute of a day, nor in an hour that comes twice.
        """
        zone = program(self.session).time_zone
        starts = local_of(at.replace(second=0, microsecond=0) + timedelta(minutes=1), zone)
        if starts.date() != self.today or moment_of(starts, zone) <= at:
            return
        by = coordinator(self.session, at)
        meeting_id = self._today_from(starts, by, at)
        assembling.assemble(self.session, meeting_id, by=by, at=at)
        posting.post(self.session, freezing.freeze(self.session, meeting_id, by=by, at=at), "frozen", at=at)
        running.open_meeting(self.session, meeting_id, by=by, at=at)
        self._sittings().attend(meeting_id, by, at)
        raised = {one.part.organization_id for one in case_lines(self.session, self.today) if one.brought and one.part}
        theirs = {
            one.id
            for one in membership(self.session, committee_of(self.session, WEEKLY).id).seats
            if one.organization_id in raised
        }
        turns = (one for one in items_of(self.session, meeting_id) if one.kind == TURN)
        first = next((one for one in turns if one.presenter_seat_id in theirs), None)
        if first is not None:
            running.take_up(self.session, first.id, by=by, at=at)

    def _today_from(self, starts: datetime, by: Actor, at: datetime) -> UUID:
        """The weekly committee's meeting of the day of the loading, from this hour on: the season's, or one more."""
        of_it = of(Meeting).where(Meeting.committee_id == committee_of(self.session, WEEKLY).id)
        planned = of_it.where(Meeting.state == "planned").order_by(col(Meeting.starts))
        for one in every(self.session, planned):
            if one.starts.date() == self.today:
                schedule.move_meeting(self.session, one.id, starts, reason="Salle libre à cette heure", by=by, at=at)
                return one.id
        schedule.plan_meetings(self.session, WEEKLY, [starts], place=_PLACE, by=by, at=at)
        (planned_now,) = every(self.session, of_it.where(Meeting.starts == starts))
        return planned_now.id

    def _to_come(self) -> list[Meeting]:
        """The weekly committee's meetings that are planned after the day of the loading, in order."""
        return every(
            self.session,
            of(Meeting)
            .where(
                Meeting.committee_id == committee_of(self.session, WEEKLY).id,
                Meeting.state == "planned",
                col(Meeting.starts) >= datetime.combine(self.today + timedelta(days=1), time.min),
            )
            .order_by(col(Meeting.starts)),
        )

    def _keys(self) -> Mapping[UUID, str]:
        rows = run(self.session, only(Person.id, Person.key))
        return {row.id: row.key or "" for row in rows}

    def _themselves(self, person_id: UUID, at: datetime) -> Actor:
        held = next(iter(standing(self.session, local_day(self.session, at)).roles_of(person_id)), None)
        return Actor(held.role if held else "", person_id, held.organization_id if held else None)
