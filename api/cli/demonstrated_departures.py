"""The departure of the demonstration: a youth worker who leaves in nine days, half of whose work has found its hands.

One follow-up was taken over and one is offered, with an answer to come; what is written and returned last is still to
do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from duties import departures, hand_overs, tasks
from duties.actors import Actor
from duties.calendars import Calendar
from duties.here import local_day, many, program_of
from duties.proofs import Proof
from duties.roles import standing
from flows.at_once import carry_at_once
from models.base import table_of
from models.casework import Task
from models.follow_up import Assignment
from models.program import Organization, Person, Tenure

Happening = tuple[date, Callable[[datetime], None]]

#: Who leaves, from where; who took over the follow-up that they shared, and who was asked to take over the other.
_LEAVER, _PLACE = "elodie", "codim"
_TAKES: Final = "emile"
_ASKED: Final = "noe"

_person = table_of(Person)
_organization = table_of(Organization)
_tenure = table_of(Tenure)
_task = table_of(Task)
_assignment = table_of(Assignment)


@dataclass
class DemonstratedDepartures:
    """What happened around the departure up to the day on which the demonstration is loaded, a local day."""

    session: Session
    calendar: Calendar
    today: date
    _case: list[UUID] = field(default_factory=list)

    def happenings(self) -> Iterator[Happening]:
        """Each thing that was done, with the past working day on which somebody did it."""
        yield self._ago(6), self._open
        yield self._ago(5), self._tell
        yield self._ago(4), self._offer_the_shared
        yield self._ago(3), self._take
        yield self._ago(2), self._agree
        yield self._ago(1), self._offer_the_own

    def _ago(self, working_days: int) -> date:
        return self.calendar.add_working_days(self.today, -working_days)

    def _open(self, at: datetime) -> None:
        here = program_of(self.session)
        place = self.session.scalars(
            select(_organization.c.id).where(_organization.c.program_id == here, _organization.c.key == _PLACE)
        ).one()
        last_day = self.session.scalars(
            select(_tenure.c.ends_on).where(
                _tenure.c.program_id == here,
                _tenure.c.person_id == self._who(_LEAVER),
                _tenure.c.organization_id == place,
            )
        ).one()
        self._case.append(
            departures.open_departure(
                self.session,
                person_id=self._who(_LEAVER),
                organization_id=place,
                last_day=last_day,
                planned=True,
                by=self._coordinator(at),
                at=at,
            )
        )
        self._carry(at)

    def _tell(self, at: datetime) -> None:
        for task in self._steps("tell_participant"):
            tasks.complete_task(self.session, task["id"], by=self._leaver(at), at=at)
        self._carry(at)

    def _offer_the_shared(self, at: datetime) -> None:
        task = self._hand_over("second")
        hand_overs.propose(self.session, task["id"], self._who(_TAKES), way="call", by=self._coordinator(at), at=at)

    def _take(self, at: datetime) -> None:
        (offer,) = hand_overs.offered_to(self.session, self._who(_TAKES))
        hand_overs.accept(self.session, offer["id"], by=self._worker(_TAKES, at), at=at)
        self._carry(at)

    def _agree(self, at: datetime) -> None:
        item = self._hand_over("primary")["item"]
        (task,) = (one for one in self._steps("agree_on_way") if one["item"] == item)
        tasks.complete_task(self.session, task["id"], by=self._leaver(at), at=at, evidence=[Proof("way", "meeting")])
        self._carry(at)

    def _offer_the_own(self, at: datetime) -> None:
        task = self._hand_over("primary")
        hand_overs.propose(self.session, task["id"], self._who(_ASKED), by=self._coordinator(at), at=at)

    def _hand_over(self, kind: str) -> dict[str, Any]:
        """The step that hands over the follow-up in which the leaver has this part: an active one where there is."""
        parts = self.session.scalars(
            select(_assignment.c.id)
            .where(
                _assignment.c.program_id == program_of(self.session),
                _assignment.c.person_id == self._who(_LEAVER),
                _assignment.c.kind == kind,
            )
            .order_by(_assignment.c.starts_on)
        ).all()
        asked = {one["item"]: one for one in self._steps("hand_over_follow_ups")}
        return next(asked[part.hex] for part in parts if part.hex in asked)

    def _steps(self, step: str) -> list[dict[str, Any]]:
        return many(
            self.session,
            select(_task)
            .where(
                _task.c.program_id == program_of(self.session), _task.c.case_id == self._case[0], _task.c.step == step
            )
            .order_by(_task.c.position, _task.c.item),
        )

    def _carry(self, at: datetime) -> None:
        carry_at_once(self.session, self._case[0], at=at)

    def _who(self, key: str) -> UUID:
        found: UUID = self.session.scalars(
            select(_person.c.id).where(_person.c.program_id == program_of(self.session), _person.c.key == key)
        ).one()
        return found

    def _leaver(self, at: datetime) -> Actor:
        return self._worker(_LEAVER, at)

    def _worker(self, key: str, at: datetime) -> Actor:
        held = standing(self.session, local_day(self.session, at)).falls([{"role": "youth_worker", "at": "*"}])
        holder = held.on(self._who(key))
        assert holder is not None  # noqa: S101 - each is a worker of the demonstration by then
        return Actor(holder.role, holder.person_id, holder.organization_id)

    def _coordinator(self, at: datetime) -> Actor:
        falls = standing(self.session, local_day(self.session, at)).falls([{"role": "coordinator", "at": "*"}])
        first = falls.holders[0]
        return Actor(first.role, first.person_id, first.organization_id, first.acting_for)
