"""The year behind the demonstration's people: everything that was done in it, in order, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session

from demo.candidates import refer_some
from demo.cases import DemonstratedCases
from demo.cast import DemonstrationFile
from demo.departures import DemonstratedDepartures
from demo.follow_ups import DemonstratedFollowUps
from demo.meetings import DemonstratedMeetings
from demo.obligations import DemonstratedObligations
from demo.people import Happening
from demo.research import DemonstratedResearch
from demo.workbooks import send_workbooks
from domain.declarations import ProgramFile, Protocol

#: Acts of a day follow each other from here, in local time, some minutes apart.
_MORNING: Final = time(9, 10)
_BETWEEN_ACTS: Final = timedelta(minutes=7)


@dataclass(frozen=True)
class Year:
    """What the people of a demonstration did up to the local day on which it is loaded, `today`.

    Nothing of participants happens in a session without keys, by which they would be sealed.
    """

    session: Session
    program: ProgramFile
    demo: DemonstrationFile
    protocols: tuple[Protocol, ...]
    today: date

    def write(self, *, at: datetime) -> None:
        """Have all of it happen, the candidates of these days come in, and workbooks. Raises Refusal."""
        for moment, happening in self.plan():
            happening.happen(moment)
        if self._seals:
            refer_some(self.session, at=at)
            DemonstratedMeetings(self.session, self.program.calendar(), self.today).sit_now(at)
            send_workbooks(self.session, at=at)

    def plan(self) -> Iterator[tuple[datetime, Happening]]:
        """What happens before `today`, in order, each with its moment in UTC.

        On one day the steps of cases come first, since others rest on them: a worker whose onboarding comes far enough
        that day is given a follow-up after that.
        """
        zone, of_the_day = ZoneInfo(self.program.program.time_zone), Counter[date]()
        for one in sorted(self._happenings(), key=lambda one: one.day):
            if one.day < self.today:
                begun = datetime.combine(one.day, _MORNING, zone).astimezone(UTC)
                yield begun + of_the_day[one.day] * _BETWEEN_ACTS, one
                of_the_day[one.day] += 1

    def _happenings(self) -> Iterator[Happening]:
        where = (self.session, self.program.calendar(), self.today)
        yield from DemonstratedCases(*where, self.demo, {one.protocol: one for one in self.protocols}).happenings()
        if self._seals:
            yield from DemonstratedFollowUps(*where).happenings()
            yield from DemonstratedDepartures(*where).happenings()
            yield from DemonstratedResearch(*where).happenings()
        yield from DemonstratedMeetings(*where).happenings()
        yield from DemonstratedObligations(*where).happenings()

    @property
    def _seals(self) -> bool:
        return self.session.info.get("keys") is not None
