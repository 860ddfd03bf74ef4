"""One thing that is being settled, and who may not have it: the leaver, who leaves too, who holds nothing it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypedDict
from uuid import UUID

from sqlmodel import Session

from domain.departure.departure_row import first_day_without
from domain.departure.successors import leaving_by, who_fits
from domain.holdings import candidates, duty, roles, seats
from domain.kernel import Actor, Refusal
from domain.roles import standing
from locales import N_
from models.casework import Case, Task
from models.departure import Departure


class Acted(TypedDict):
    """Who does something, and when."""

    by: Actor
    at: datetime


@dataclass(frozen=True)
class Settling:
    """One thing being settled: its task and departure, the successor or the ending, and the actor."""

    session: Session
    task: Task
    case: Case
    departure: Departure
    successor_id: UUID | None
    ended_as: str
    note: str
    by: Actor
    at: datetime

    @property
    def holding_id(self) -> UUID:
        """The thing's id."""
        return UUID(self.task.item)

    @property
    def leaver_id(self) -> UUID:
        """The person who leaves it."""
        return self.departure.person_id

    @property
    def after(self) -> date:
        """The first day on which the leaver is gone, or today where that is later."""
        return first_day_without(self.session, self.departure, self.at)

    @property
    def acted(self) -> Acted:
        """Who settles it, and when."""
        return {"by": self.by, "at": self.at}


def refuse_unfit(one_thing: Settling, successor_id: UUID) -> None:
    """Refuse a successor who is the leaver, holds nothing on that day, leaves too, or cannot have such a thing."""
    session = one_thing.session
    if successor_id == one_thing.leaver_id:
        raise Refusal("successor.leaver", N_("You cannot take over what you leave yourself."))
    kind = one_thing.task.holding
    if successor_id in leaving_by(session, one_thing.after):
        raise Refusal("successor.leaves_too", N_("This person leaves too: name someone who stays."))
    then = standing(session, one_thing.after)
    if kind == roles.TENURE and successor_id not in then.live and then.from_day(successor_id) is None:
        _refuse_newcomer(one_thing)
        return
    if kind != roles.TENURE and successor_id not in then.live:
        raise Refusal("successor.not_there", N_("This person holds no role then: name someone who does."))
    if successor_id not in who_fits(session, kind, one_thing.holding_id, one_thing.after, one_thing.at):
        code, sentence, source = _NOT_FOR[kind]
        raise Refusal(code, sentence, source=source)


def _refuse_newcomer(one_thing: Settling) -> None:
    """Refuse to give a role to a person without one, unless the actor appoints to it. Raises Refusal.

    Nothing else opens anything to such a person: the appointment alone does.
    """
    by, place = one_thing.by, one_thing.departure.organization_id
    if by.is_system or by.role == "coordinator" or (by.role == "manager" and by.organization_id == place):
        return
    raise Refusal(
        "successor.not_appointed",
        N_("This person holds no role yet: the coordinator, or a manager of the organization, appoints them."),
        source="AG-X2",
    )


def refuse_own_successor(one_thing: Settling) -> None:
    """Refuse a person who names themselves to follow in a role."""
    if one_thing.by.is_one_of(one_thing.successor_id):
        raise Refusal("successor.oneself", N_("You cannot appoint yourself: ask someone else to name you."))


#: The refusal for one who cannot have a thing of a kind: a code, a sentence, and the guide's reason.
_NOT_FOR: Final[Mapping[str, tuple[str, str, str]]] = {
    roles.TENURE: (
        "successor.not_for_the_role",
        N_(
            "A successor holds the same role, or one with the same access. If someone takes "
            "up other work, appoint them to it first, on their own page."
        ),
        "AG-X2",
    ),
    seats.SEAT: (
        "successor.not_for_the_seat",
        N_("A seat is for the holder of its role at its organization, or for its second representative."),
        "CM-2R",
    ),
    candidates.REFERRAL: (
        "successor.not_for_triage",
        N_("Only a coordinator triages: name the person who coordinates then."),
        "AD-R1",
    ),
    seats.DEPUTIZING: (
        "absence.unfit_deputy",
        N_(
            "This person may not act for them: a deputy holds the same role on these days, or one with the same access."
        ),
        "AG-X2",
    ),
    **dict.fromkeys(
        (duty.TASK, duty.APPROVAL, duty.DECISION),
        (
            "successor.not_for_this",
            N_(
                "This needs the role that owes it, at the same organization, or one with the "
                "same access. Name someone who can do it, or say how it ends."
            ),
            "",
        ),
    ),
}
