"""Offers of follow-ups: what waits for an answer, who did not answer in time, and what is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, bindparam, cast
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.accompaniment import barring, withdrawals
from domain.casework import assigning, hold_cases, wakeups
from domain.departure import hand_over_letters
from domain.departure.parts_left import part_of, ways_agreed
from domain.follow_ups import roles_for
from domain.kernel import (
    SHAPE,
    Actor,
    Question,
    also,
    both,
    built,
    col,
    every,
    first,
    in_program,
    joins,
    local_day,
    of,
    only,
    replaced,
    rewrite,
    same,
    scalar,
    scalars,
    select,
    surely,
)
from domain.mail import notices
from domain.record import events
from domain.roles import standing
from domain.terms import PRIMARY, TO_ACCOMPANY, circle_of
from locales import N_
from models.casework import Task
from models.departure import HandOver
from models.follow_up import FollowUp
from models.lifecycles import TASK
from models.participant import Barred

#: The coordinator's task about an offer without an answer.
SILENT: Final = "hand_over.silent"


class OfferedHandOver(HandOver):
    """An offer with the words of the step that makes it."""

    model_config = SHAPE
    title_fr: str = also(Task.title_fr)
    title_en: str = also(Task.title_en)
    item: str = also(Task.item)


def offered_to(session: Session, person_id: UUID) -> list[OfferedHandOver]:
    """The offers that wait for a person's answer, the most pressing first, each in the way agreed on."""
    rows = every(session, *asked_of_offers(person_id))
    agreed = {case_id: ways_agreed(session, case_id) for case_id in {row.case_id for row in rows}}
    return [replaced(row, way=agreed[row.case_id].get(row.item, row.way)) for row in rows]


def asked_of_offers(person_id: UUID) -> Question[SelectOfScalar[OfferedHandOver]]:
    """What `offered_to` asks first."""
    return Question(_OFFERED, {"person": person_id})


def last_offers(session: Session, case_id: UUID) -> dict[UUID, HandOver]:
    """The last offer of each follow-up that a departure hands over, by task: to which worker, by when, how answered."""
    rows = every(
        session,
        of(HandOver)
        .where(HandOver.case_id == case_id)
        .order_by(col(HandOver.proposed_at), col(HandOver.answered_at).asc().nulls_last()),
    )
    return {row.task_id: row for row in rows}


def taken_over(session: Session, follow_up_id: UUID) -> list[HandOver]:
    """The accepted hand-overs of a follow-up, the newest first: by which worker, to which, how and when."""
    return every(
        session,
        of(HandOver)
        .where(HandOver.follow_up_id == follow_up_id, HandOver.state == "accepted")
        .order_by(col(HandOver.answered_at).desc(), col(HandOver.id)),
    )


def lapse(session: Session, at: datetime, *, by: Actor) -> int:
    """Tell the coordinator, once each, of the offers whose day passed in silence; how many. They still stand.

    The question ends for an offer that was answered or withdrawn since, or whose follow-up was settled otherwise. Where
    such an offer has no answer, it is withdrawn.
    """
    today = local_day(session, at)
    _take_back_what_is_over(session, by=by, at=at)
    for task_id in _silence_that_is_over(session):
        assigning.call_off(session, task_id, by=by, at=at)
    rows = every(
        session,
        of(HandOver)
        .where(
            HandOver.state == "proposed",
            col(HandOver.lapsed_at).is_(None),
            col(HandOver.answer_by) < today,
            _still_asked(),
        )
        .order_by(col(HandOver.id))
        .with_for_update(),
    )
    for row in rows:
        task = task_of(session, row)
        title = both(_NOBODY_ANSWERED, what={"fr": task.title_fr, "en": task.title_en})
        assigning.assign_within(
            session, SILENT, str(row.id), title, notices.coordination_chain(session), within=1, by=by, at=at
        )
        rewrite(session, HandOver, row.id, lapsed_at=at)
        tell(session, row, "hand_over.silent", by=by, at=at)
    return len(rows)


def _take_back_what_is_over(session: Session, *, by: Actor, at: datetime) -> None:
    """Withdraw offers of follow-ups that another has meanwhile, that have no worker any more, or that are barred."""
    over = ~_still_asked()
    # The cases first, as in making or answering an offer.
    hold_cases(session, _cases_of_unanswered(session, over))
    take_all_back(session, over, by=by, at=at)


def _silence_that_is_over(session: Session) -> list[UUID]:
    """The coordinator's open tasks about offers that no longer wait for an answer."""
    over = (
        only(Task.id)
        .join(HandOver, and_(same(HandOver, Task), cast(col(HandOver.id), Text) == col(Task.item)))
        .where(
            Task.step == SILENT,
            col(Task.state).in_(TASK.open_to("cancel")),
            or_(HandOver.state != "proposed", ~_still_asked()),
        )
    )
    return list(scalars(session, over.order_by(col(Task.id))))


_NOBODY_ANSWERED = N_("No answer: %(what)s")


def take_all_back(session: Session, which: ColumnElement[bool], *, by: Actor, at: datetime) -> int:
    """Withdraw the unanswered offers for which `which` holds, and tell their workers; how many.

    As where a departure is cancelled, or a follow-up is settled otherwise. The caller has the cases locked.
    """
    rows = unanswered(session, which)
    for row in rows:
        take_back(session, row, by=by, at=at)
    return len(rows)


def offering_to(session: Session, person_id: UUID) -> list[UUID]:
    """The cases of the departures that offered this person a follow-up without an answer yet."""
    return _cases_of_unanswered(session, col(HandOver.to_id) == person_id)


def withdraw_from(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw the offers to a person who leaves themselves, so that they are made anew; returns how many."""
    return _withdraw(session, col(HandOver.to_id) == person_id, by=by, at=at)


@barring.withdraw_offers.owner
def withdraw_barred(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw the offers of a participant's follow-up to a person who is barred; returns how many.

    The person is not written to: from that moment on they find nothing of the participant. It is offered anew.
    """
    theirs = and_(
        HandOver.to_id == person_id,
        col(HandOver.follow_up_id).in_(only(FollowUp.id).where(FollowUp.participant_id == participant_id)),
    )
    # The cases first, as in making or answering an offer.
    hold_cases(session, _cases_of_unanswered(session, theirs))
    return _withdraw(session, theirs, by=by, at=at)


@withdrawals.withdraw_offers.owner
def withdraw_left_out(session: Session, participant_id: UUID, follow_up_id: UUID, *, by: Actor, at: datetime) -> int:
    """Withdraw a follow-up's offers where its participant does not share with the worker's organization; how many.

    They are told that nothing is left to answer. It is offered anew.
    """
    circle = circle_of(session, participant_id, local_day(session, at))
    today = standing(session, local_day(session, at))
    which = col(HandOver.follow_up_id) == follow_up_id
    hold_cases(session, _cases_of_unanswered(session, which))
    found = 0
    for row in unanswered(session, which):
        part = part_of(session, task_of(session, row))
        kind = PRIMARY if part is None else part.kind
        places = [held.organization_id for held in roles_for(today, row.to_id, kind)]
        if not any(circle.withholds_from(place, TO_ACCOMPANY, kind=kind) != "consent" for place in places):
            take_back(session, row, by=by, at=at)
            found += 1
    return found


def _withdraw(session: Session, which: ColumnElement[bool], *, by: Actor, at: datetime) -> int:
    """Withdraw, without a letter, the unanswered offers for which `which` holds; returns how many."""
    rows = unanswered(session, which)
    for row in rows:
        answer(session, row, "withdrawn", by=by, at=at)
    for case_id in sorted({row.case_id for row in rows}):
        wakeups.wake(session, case_id, at=at)
    return len(rows)


def _cases_of_unanswered(session: Session, which: ColumnElement[bool]) -> list[UUID]:
    """The cases of the departures that made the offers of `unanswered`; nothing is locked."""
    asked = only(HandOver.case_id).where(which, HandOver.state == "proposed")
    return list(scalars(session, asked.distinct()))


def unanswered(session: Session, which: ColumnElement[bool]) -> list[HandOver]:
    """The unanswered offers for which `which` holds, locked."""
    return every(
        session, of(HandOver).where(which, HandOver.state == "proposed").order_by(col(HandOver.id)).with_for_update()
    )


def take_back(session: Session, row: HandOver, *, by: Actor, at: datetime) -> None:
    """Withdraw a locked offer, and tell its worker that no answer is needed any more, unless they are barred."""
    answer(session, row, "withdrawn", by=by, at=at)
    if scalar(session, select(_is_barred()).where(in_program(HandOver), HandOver.id == row.id)):
        return
    hand_over_letters.offer_taken_back(session, task_of(session, row), row, by=by, at=at)


def task_of(session: Session, offer: HandOver) -> Task:
    """The step of a departure that hands over what was offered."""
    return surely(first(session, of(Task).where(Task.id == offer.task_id)))


def answer(session: Session, row: HandOver, state: str, *, by: Actor, at: datetime, reason: str = "") -> None:
    """Write down what became of a held offer: accepted, refused or withdrawn."""
    rewrite(session, HandOver, row.id, state=state, way=row.way, answered_at=at, reason=reason)
    tell(session, row, _TOLD[state], by=by, at=at)


_TOLD: Final[Mapping[str, str]] = {
    "accepted": "hand_over.accepted",
    "refused": "hand_over.refused",
    "withdrawn": "hand_over.withdrawn",
}


def tell(session: Session, row: HandOver, verb: str, *, by: Actor, at: datetime) -> None:
    """Write the line of the record on an offer, and the person that it was made to."""
    person = str(row.to_id)
    events.write(session, verb, "case", row.case_id, by=by, at=at, case_id=row.case_id, person=person)


def _still_asked() -> Any:
    """The condition on an offer that its follow-up is still to be handed over, to that worker: not settled otherwise.

    It fails where the participant barred them since: they are told nothing more of it.
    """
    asks = aliased(Task)  # beside the task whose words are read with the offer
    to_hand_over = select(asks.id).where(joins(HandOver.task_id, asks), asks.state == "open").exists()
    return and_(to_hand_over, ~_is_barred())


def _is_barred() -> ColumnElement[bool]:
    """The condition on an offer that its worker is barred by the participant."""
    return (
        select(Barred.id)
        .join(FollowUp, and_(same(FollowUp, Barred), FollowUp.participant_id == Barred.participant_id))
        .where(
            same(Barred, HandOver),
            Barred.person_id == HandOver.to_id,
            col(Barred.lifted_at).is_(None),
            FollowUp.id == HandOver.follow_up_id,
        )
        .correlate(HandOver)
        .exists()
    )


_OFFERED: Final = built(
    of(OfferedHandOver)
    .join(Task, joins(HandOver.task_id, Task))
    .where(col(HandOver.to_id) == bindparam("person", type_=Uuid()), HandOver.state == "proposed", _still_asked())
    .order_by(col(HandOver.answer_by), col(Task.title_en), col(HandOver.id))
)
