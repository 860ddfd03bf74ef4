"""The departures of the demonstration: a youth worker who leaves in nine days, half of whose work has found its hands.

Who follows in the role is named. One follow-up was taken over and summed up, and one is offered, with an answer to
come; what is written and returned last is still to do. Somebody else has gone already, and what was in their hands is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from demo.people import Happening, coordinator, organization, person, worker
from domain.casework import GivenProof, tasks
from domain.departure import departures, hand_overs, offers, settling, unopened
from domain.follow_ups import Summary, summaries
from domain.kernel import ENGINE, Actor, Calendar, col, every, of, only, scalars, surely
from flows.at_once import carry_at_once
from models.casework import Task
from models.follow_up import Assignment
from models.program import Tenure

#: Who leaves, from where; who follows in their role; who took over the follow-up that they shared, and who was asked
#: to take over the other.
_LEAVER, _PLACE = "elodie", "codim"
_FOLLOWS: Final = "naima"
_TAKES: Final = "emile"
_ASKED: Final = "noe"

_SUMMED_UP: Final = Summary(
    "Elle vit chez une parente et va bien. Elle veut reprendre ses cours à la session d’hiver.",
    "Elle a rencontré l’école deux fois et a pris elle-même rendez-vous à la clinique jeunesse.",
)


@dataclass
class DemonstratedDepartures:
    """What happened around the departure up to the day on which the demonstration is loaded, a local day."""

    session: Session
    calendar: Calendar
    today: date
    _case: UUID | None = None

    def happenings(self) -> Iterator[Happening]:
        """Each thing that was done, with the past working day on which somebody did it."""
        yield Happening(self._ago(6), self._open)
        yield Happening(self._ago(5), self._tell)
        yield Happening(self._ago(4), self._offer_the_shared)
        yield Happening(self._ago(3), self._take, takes_on=(_TAKES,))
        yield Happening(self._ago(2), self._agree)
        yield Happening(self._ago(2), self._sum_up)
        yield Happening(self._ago(1), self._name_who_follows)
        yield Happening(self._ago(1), self._offer_the_own, takes_on=(_ASKED,))
        yield Happening(self._ago(1), self._see_off_who_left)

    def _see_off_who_left(self, at: datetime) -> None:
        """As the worker does: whoever left with something in hand, as one did with a follow-up, has a departure."""
        for gone in unopened.left_behind(self.session, at):
            case_id = departures.open_departure(
                self.session,
                person_id=gone.person_id,
                organization_id=gone.organization_id,
                last_day=gone.ends_on,
                planned=False,
                by=Actor.system(ENGINE),
                at=at,
            )
            carry_at_once(self.session, case_id, at=at)

    def _ago(self, working_days: int) -> date:
        return self.calendar.add_working_days(self.today, -working_days)

    def _open(self, at: datetime) -> None:
        leaver = person(self.session, _LEAVER)
        place = organization(self.session, _PLACE)
        last_day = scalars(
            self.session,
            only(surely(Tenure.ends_on)).where(Tenure.person_id == leaver, Tenure.organization_id == place),
        ).one()
        self._case = departures.open_departure(
            self.session,
            person_id=leaver,
            organization_id=place,
            last_day=last_day,
            planned=True,
            by=coordinator(self.session, at),
            at=at,
        )
        self._carry(at)

    def _tell(self, at: datetime) -> None:
        for task in self._steps("tell_participant"):
            tasks.complete_task(self.session, task.id, by=worker(self.session, _LEAVER, at), at=at)
        self._carry(at)

    def _name_who_follows(self, at: datetime) -> None:
        """By the coordinator, since the manager who would has left too; what welcomes them is open by then."""
        (task,) = self._steps("find_successor")
        settling.settle_holding(
            self.session, task.id, successor_id=person(self.session, _FOLLOWS), by=coordinator(self.session, at), at=at
        )
        self._carry(at)

    def _offer_the_shared(self, at: datetime) -> None:
        task = self._hand_over("second")
        hand_overs.propose(
            self.session, task.id, person(self.session, _TAKES), way="call", by=coordinator(self.session, at), at=at
        )

    def _take(self, at: datetime) -> None:
        (offer,) = offers.offered_to(self.session, person(self.session, _TAKES))
        hand_overs.accept(self.session, offer.id, by=worker(self.session, _TAKES, at), at=at)
        self._carry(at)

    def _agree(self, at: datetime) -> None:
        item = self._hand_over("primary").item
        (task,) = (one for one in self._steps("agree_on_way") if one.item == item)
        tasks.complete_task(
            self.session, task.id, by=worker(self.session, _LEAVER, at), at=at, evidence=[GivenProof("way", "meeting")]
        )
        self._carry(at)

    def _sum_up(self, at: datetime) -> None:
        """The one that was taken over is summed up; that of the own follow-up is begun."""
        by, own = worker(self.session, _LEAVER, at), self._hand_over("primary").item
        for task in self._steps(summaries.WRITTEN):
            if task.state != "open":
                continue  # nothing is asked any more of a follow-up that ended before
            if task.item == own:
                begun = Summary("Son logement est stable depuis l’automne.")
                summaries.save_summary(self.session, task.id, begun, by=by, at=at)
            else:
                summaries.complete_summary(self.session, task.id, _SUMMED_UP, by=by, at=at)
        self._carry(at)

    def _offer_the_own(self, at: datetime) -> None:
        task = self._hand_over("primary")
        hand_overs.propose(self.session, task.id, person(self.session, _ASKED), by=coordinator(self.session, at), at=at)

    def _hand_over(self, kind: str) -> Task:
        """The step that hands over the follow-up in which the leaver has this part: an active one where there is."""
        parts = scalars(
            self.session,
            only(Assignment.id)
            .where(col(Assignment.person_id) == person(self.session, _LEAVER), Assignment.kind == kind)
            .order_by(col(Assignment.starts_on)),
        ).all()
        asked = {one.item: one for one in self._steps("hand_over_follow_ups")}
        return next(asked[part.hex] for part in parts if part.hex in asked)

    def _steps(self, step: str) -> list[Task]:
        return every(
            self.session,
            of(Task).where(Task.case_id == self._case, Task.step == step).order_by(col(Task.position), col(Task.item)),
        )

    def _carry(self, at: datetime) -> None:
        assert self._case is not None  # noqa: S101 - it is opened first
        carry_at_once(self.session, self._case, at=at)
