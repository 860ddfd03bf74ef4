"""Bars a worker from a participant's file, at the participant's wish: at once, in reading and in assignment."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, or_

from domain.accompaniment import asked_today, workers
from domain.follow_ups import part_with
from domain.kernel import (
    MATTER,
    Actor,
    Refusal,
    changes,
    col,
    every,
    fact_of_matter,
    hook,
    in_program,
    is_undecided,
    of,
    only,
    program_of,
    scalar,
    select,
)
from domain.participants import hold_participant
from domain.record import events
from locales import N_
from models.follow_up import FollowUp
from models.participant import Barred
from models.program import Person


def bar(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Bar a person from a participant's file, at once and without a reason. Repeating it changes nothing.

    A bar that a restore placed becomes the participant's own, and stays whatever is decided of what it waited for.
    A candidate they were to meet, or a participant they followed, then has no worker. In the same transaction, a task
    asks the coordinator to find someone else. Where they were the second of a pair, the first stays. What a departure
    offered them of this follow-up is withdrawn, to be offered anew. Raises Refusal.
    """
    held = hold_participant(session, participant_id)
    if held.state in ("draft", "destroyed"):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    here = program_of(session)
    if not scalar(session, only(Person.id).where(Person.id == person_id)):
        raise Refusal("person.unknown", N_("There is no such person."))
    made = scalar(
        session,
        insert(Barred)
        .values(
            program_id=here,
            id=uuid4(),
            participant_id=participant_id,
            person_id=person_id,
            recorded_by=by.person_id,
            recorded_at=at,
        )
        .on_conflict_do_nothing(
            index_elements=["program_id", "participant_id", "person_id"], index_where=col(Barred.lifted_at).is_(None)
        )
        .returning(col(Barred.id)),
    )
    if made is None and not _take_over(session, participant_id, person_id, by=by, at=at):
        return
    events.write(session, "participant.barred", "participant", participant_id, by=by, at=at, person=str(person_id))
    named = workers.named(session, participant_id)
    if named is not None and person_id == named.worker_id:
        workers.take_back(session, held, "barred", by=by, at=at)
    elif named is not None and person_id == named.second_id:
        workers.change_second(session, participant_id, None, by=by, at=at)
    withdraw_offers(session, participant_id, person_id, by=by, at=at)
    part_with(session, participant_id, person_id, by=by, at=at)
    asked_today.ask_who_has_them_now(session, participant_id, by=by, at=at)


def _take_over(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Make a bar that a restore placed the participant's own word; whether it was such a one."""
    placed = changes(Barred).where(*_standing(participant_id, person_id), col(Barred.recorded_by).is_(None))
    taken = placed.values(recorded_by=by.person_id, recorded_at=at).returning(col(Barred.id))
    return scalar(session, taken) is not None


@hook
def withdraw_offers(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Withdraw what was offered of the participant's follow-up to the person who is now barred."""


def lift(session: Session, participant_id: UUID, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """Let a person near the file again, at the participant's wish.

    Raises Refusal: they were not barred, or a restore left it to be decided whether they may read the file.
    """
    _refuse_undecided(session, participant_id, person_id)
    lifted = scalar(
        session,
        changes(Barred)
        .where(*_standing(participant_id, person_id))
        .values(lifted_at=at, lifted_by=by.person_id)
        .returning(col(Barred.id)),
    )
    if lifted is None:
        raise Refusal("barred.not", N_("This person is not barred from this file."))
    events.write(session, "participant.bar_lifted", "participant", participant_id, by=by, at=at, person=str(person_id))
    asked_today.ask_who_has_them_now(session, participant_id, by=by, at=at)


def _refuse_undecided(session: Session, participant_id: UUID, person_id: UUID) -> None:
    """Refuse to let a person near a file while that waits after a restore: another decides it."""
    follow_ups = only(FollowUp.id).where(FollowUp.participant_id == participant_id)
    if is_undecided(
        session,
        "restriction",
        or_(MATTER.subject_id == participant_id, col(MATTER.subject_id).in_(follow_ups)),
        or_(MATTER.person_id == person_id, fact_of_matter("worker") == str(person_id)),
    ):
        raise Refusal(
            "barred.undecided",
            N_(
                "The program was restored from a copy, and it is still to be decided whether this person may read the "
                "file. The privacy officer decides first, on the page “After a restore”."
            ),
        )


def is_barred(session: Session, participant_id: UUID, person_id: UUID) -> bool:
    """Whether a participant has barred this person."""
    return scalar(session, select(Barred.id).where(*_standing(participant_id, person_id)).limit(1)) is not None


def barred_of(session: Session, participant_id: UUID) -> list[Barred]:
    """The people that a participant has barred, in the order in which it was said."""
    return every(
        session,
        of(Barred)
        .where(Barred.participant_id == participant_id, col(Barred.lifted_at).is_(None))
        .order_by(col(Barred.recorded_at)),
    )


def _standing(participant_id: UUID, person_id: UUID) -> tuple[Any, ...]:
    return (
        in_program(Barred),
        col(Barred.participant_id) == participant_id,
        col(Barred.person_id) == person_id,
        col(Barred.lifted_at).is_(None),
    )
