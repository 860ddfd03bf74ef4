"""Keeps the steps of a case that are done for each thing a person has in hand: new things join the list.

Such a case asks for a thing until a person says who takes it over or how it ends. Where the thing leaves their hands
otherwise, as a task that they finished, its step is settled automatically, and asked again if it returns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from domain.casework import Instance, add_steps, cases, hold_case, instance_of, judges, of_case, scheduling
from domain.casework import locking as held_tasks
from domain.declarations import Protocol, Step
from domain.departure.asking_steps import ask_again, come_to_rest, let_go, settle_again
from domain.departure.departure_row import departure_of
from domain.departure.settlements import settled_elsewhere, settled_in
from domain.holdings import KINDS, Holding, holdings_of
from domain.kernel import Actor, Refusal, col, every, local_day, only, scalars, select, surely
from domain.record import events
from locales import N_
from models.casework import Case, Task
from models.departure import Departure
from models.program import LANGUAGES


def in_hand(session: Session, case: Case, at: datetime, *, kinds: Collection[str] = tuple(KINDS)) -> list[Holding]:
    """What the person of such a case has in hand: today, or on their last day after that is past."""
    departure = departure_of(session, case.id)
    if departure is None:
        return holdings_of(session, surely(case.subject_id), surely(case.organization_id), at, kinds=kinds)
    return holdings_of(
        session,
        departure.person_id,
        departure.organization_id,
        at,
        kinds=kinds,
        last_day=departure.last_day,
        known_on=local_day(session, case.opened_at),
        roles_left=_roles_left(session, departure),
    )


def _roles_left(session: Session, departure: Departure) -> frozenset[UUID]:
    """The roles that a departure is about, whenever they ended, without those settled in another one in force."""
    mine = frozenset(departure.was_to_end)
    return mine - settled_elsewhere(session, departure, mine)


def left(session: Session, case: Case, at: datetime) -> list[Holding]:
    """What is in hand that neither passes to another automatically nor was settled by a person in this case."""
    return [one for one in unsettled(session, case, at) if not one.goes_to]


def unsettled(session: Session, case: Case, at: datetime) -> list[Holding]:
    """What is in hand and was not settled in this case."""
    settled = settled_in(session, case.id)
    return [one for one in in_hand(session, case, at) if (one.kind, one.id) not in settled]


@cases.gather.owner
def gather(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> int:
    """Make an open case ask for everything that is in its person's hands now; returns how many steps joined or changed.

    Where a thing passes to another by their role after its holder is gone, nothing is asked.
    """
    case = hold_case(session, case_id, seen=None)
    if case.state != "open" or not case.gathers:
        return 0
    protocol = scheduling.pinned_protocol(session, case.protocol_version_id)
    over = {step.id: step.for_each.over for step in protocol.steps if step.for_each and step.for_each.over}
    found = in_hand(session, case, at, kinds=set(over.values()))
    asked = every(session, select(Task).where(of_case(case_id), col(Task.step).in_(over)))
    settled = settled_in(session, case_id)
    unsettled = [one for one in found if (one.kind, one.id) not in settled]
    return (
        _join(session, case, protocol, _not_asked(protocol, over, unsettled, asked), by=by, at=at)
        + ask_again(session, asked, unsettled, by=by, at=at)
        + settle_again(session, asked, settled, by=by, at=at)
        + come_to_rest(session, asked, found, by=by, at=at)
        + let_go(session, case_id, over, by=by, at=at)
    )


def _not_asked(
    protocol: Protocol, over: Mapping[str, str], unsettled: Sequence[Holding], asked: Sequence[Task]
) -> dict[str, list[Holding]]:
    """The things that each step is to be done for and is not yet, by the step. `over` is the kind of each step."""
    known = {(row.step, row.item) for row in asked}

    def is_asked_for(step: Step, one: Holding) -> bool:
        goes_by_itself = step.settles and one.goes_to
        return one.kind == over[step.id] and not goes_by_itself and (step.id, one.item) not in known

    steps = [step for step in protocol.steps if step.id in over]
    return {step.id: [one for one in unsettled if is_asked_for(step, one)] for step in steps}


def _join(
    session: Session,
    case: Case,
    protocol: Protocol,
    joining: Mapping[str, Sequence[Holding]],
    *,
    by: Actor,
    at: datetime,
) -> int:
    """Add to a held case the steps for the things that join it, by the step that is done for each; how many."""
    count = sum(map(len, joining.values()))
    if not count:
        return 0

    def instances(step: Step) -> list[Instance]:
        return [instance_of(step, one.item, one.title) for one in joining.get(step.id, ())]

    add_steps(session, case, protocol, instances)
    events.write(session, "holdings.joined", "case", case.id, by=by, at=at, case_id=case.id, count=count)
    asked = scalars(session, only(Task.id).where(of_case(case.id), Task.state == "open")).all()
    held_tasks.postpone_those_waiting(session, asked, by=by, at=at)
    held_tasks.open_ready(session, case, by=by, at=at)
    return count


@judges("empty_hands")
def refuse_unless_over(session: Session, case: Case, at: datetime) -> None:
    """Refuse to call a departure over before its last day, or while anything is in hand; the refusal lists it."""
    departure = departure_of(session, case.id)
    if departure is not None and departure.called_off_at is None and departure.ended_at is None:
        raise Refusal(
            "departure.not_over",
            N_("The last day is %(day)s: a departure is over once it is past and access has ended."),
            day=departure.last_day.isoformat(),
        )
    refuse_while_in_hand(session, case, at)


@cases.refuse_while_in_hand.owner
def refuse_while_in_hand(session: Session, case: Case, at: datetime) -> None:
    """Refuse while a leaver has anything in hand that no one took over and whose end was not stated."""
    still = left(session, case, at)
    if still:
        raise Refusal(
            "departure.in_hand",
            N_("A departure does not close while anything is in hand: %(count)s left. %(holdings)s."),
            source="DP-03",
            count=len(still),
            holdings={language: "; ".join(one.title.in_language(language) for one in still) for language in LANGUAGES},
        )
