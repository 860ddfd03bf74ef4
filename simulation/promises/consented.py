"""What participants are promised about their consent: with whom they are shared, and what follows a word of theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.accompaniment import FOLLOWS, OF_SECOND, REVIEWED, STOPPED, reviews
from domain.kernel import (
    SHAPE,
    also,
    col,
    every,
    inside,
    joins,
    local_day,
    moments_of,
    of,
    only,
    run,
    same,
    scalars,
    surely,
    tuples,
)
from domain.terms import PRIMARY, SECOND
from models.casework import Task
from models.consent import Consent, ConsentForm
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker
from models.program import Absence
from models.record import Event
from simulation.promises import promise, since

#: The round that sees to what a day changes runs once a day.
A_ROUND: Final = timedelta(days=1)


@promise("A second of another organization has a part while the participant agrees to it, or the coordinator is asked.")
def seconds_come_with_a_consent(session: Session, at: datetime) -> Iterable[str]:
    """Each part of a second that goes on without such a consent since more than a day's round, and nobody is asked."""
    seconds = every(session, _seconds())
    standing = _sharing_on(session, {one.participant_id for one in seconds}, local_day(session, at - A_ROUND))
    homes = _homes(session, {one.follow_up_id for one in seconds}, at - A_ROUND)
    asked = _asked_now(session, OF_SECOND)
    for second in seconds:
        at_home = (second.follow_up_id, second.organization_id) in homes
        holds = (second.participant_id, second.organization_id) in standing
        if not (at_home or holds or second.participant_id in asked):
            yield f"assignment {second.id}"


@promise("A consent that is taken back is asked about until the coordinator saw to what follows.")
def withdrawals_are_asked_about(session: Session, at: datetime) -> Iterable[str]:
    """Each consent that was taken back of somebody who was followed then, and of which nobody was asked anything."""
    rows = tuples(
        session,
        only(Consent.id, Consent.participant_id, Consent.purpose, surely(Consent.withdrawn_at))
        .join(FollowUp, and_(same(FollowUp, Consent), FollowUp.participant_id == Consent.participant_id))
        .where(
            col(Consent.withdrawn_at) >= since(session, at),
            FollowUp.state == "active",
            col(FollowUp.active_at) <= col(Consent.withdrawn_at),
        )
        .order_by(col(Consent.id)),
    )
    for consent_id, participant_id, purpose, withdrawn_at in rows:
        step = FOLLOWS if purpose == "program" else STOPPED
        if not any(_was_open(task, withdrawn_at) for task in _asked(session, step, participant_id)):
            yield f"consent {consent_id}"


@promise("A consent that was withdrawn holds again by a signature of that day or later, and by nothing else.")
def nothing_comes_back_without_a_signature(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each consent that stands, signed before the person withdrew the same, or of a form without a signature."""
    withdrawn = aliased(Consent, name="withdrawn")
    before = only(withdrawn.id).where(
        withdrawn.program_id == Consent.program_id,
        withdrawn.participant_id == Consent.participant_id,
        withdrawn.purpose == Consent.purpose,
        col(withdrawn.organization_id).is_not_distinct_from(col(Consent.organization_id)),
        col(withdrawn.withdrawn_on) > col(Consent.signed_on),
        col(withdrawn.withdrawn_at) < col(Consent.recorded_at),
    )
    stand = col(Consent.withdrawn_on).is_(None), col(Consent.replaced_at).is_(None)
    unsigned = col(ConsentForm.sealed).is_(None)
    rows = only(Consent.id).join(ConsentForm, joins(Consent.form_id, ConsentForm))
    found = scalars(session, rows.where(*stand, or_(before.exists(), unsigned)).order_by(col(Consent.id)))
    yield from (f"consent {consent_id}" for consent_id in found)


@promise("A consent that is somebody's own to give now is asked about until they signed it anew or took it back.")
def reviews_are_asked_about(session: Session, at: datetime) -> Iterable[str]:
    """Each consent that is to be looked at again, of somebody who is followed, and of which nobody is asked."""
    day = local_day(session, at)
    rows = tuples(
        session,
        only(Consent.id, Consent.participant_id)
        .join(FollowUp, and_(same(FollowUp, Consent), FollowUp.participant_id == Consent.participant_id))
        .where(
            col(Consent.review_since).is_not(None),
            col(Consent.withdrawn_on).is_(None),
            col(Consent.replaced_at).is_(None),
            or_(col(Consent.ends_on).is_(None), col(Consent.ends_on) >= day),
            col(FollowUp.state).in_(["active", "on_break"]),
        )
        .order_by(col(Consent.id)),
    )
    asked = _asked_now(session, REVIEWED)
    yield from (f"consent {consent_id}" for consent_id, participant_id in rows if participant_id not in asked)


@promise("A consent that was given for a child is found on the 14th birthday.")
def reviews_are_found(session: Session, at: datetime) -> Iterable[str]:
    """Each consent that was to be looked at again since a day's round and is not known to be. Opens who somebody is.

    Looks at nothing in a session that was given no keys. Who signed for themselves, by a form that says nothing of
    later birthdays, is looked at where all is: only another birth date than was known touches them.
    """
    if session.info.get("keys") is None:
        return
    day = local_day(session, at - A_ROUND)
    signed = only(Consent.id).where(
        Consent.participant_id == FollowUp.participant_id,
        col(Consent.review_since).is_(None),
        or_(Consent.signed_by != "self", col(Consent.again_at_18), since(session, at) < col(Consent.recorded_at)),
    )
    goes_on = only(FollowUp.participant_id).where(col(FollowUp.state).in_(["active", "on_break"]), signed.exists())
    followed = set(scalars(session, goes_on))
    for participant_id in reviews.to_look_at(session, day):
        if participant_id in followed:
            for consent_id in reviews.missed(session, participant_id, day, before=moments_of(session, day)[0]):
                yield f"consent {consent_id}"


@promise("Who reads the name by their part has that part; every other reader says what for.", stays=True)
def names_are_read_by_part_or_purpose(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each reading of who somebody is, by a part that its reader did not have, nor whom they acted for."""
    rows = tuples(
        session,
        only(Event.n, Event.subject_id, surely(Event.actor_id), Event.at)
        .where(
            Event.verb == "read",
            inside(Event.facts)["what"].astext == "identity",
            inside(Event.facts)["ground"].astext == "part",
        )
        .order_by(col(Event.n)),
    )
    for n, participant_id, reader_id, read_at in rows:
        people = {reader_id, *_acted_for(session, reader_id, read_at)}
        if not people & set(_with_a_part(session, participant_id, read_at)):
            yield f"event {n}"


# ------------------------------------------------------------------------------------------------------------ below


class _Second(Assignment):
    model_config = SHAPE
    participant_id: UUID = also(FollowUp.participant_id)


def _seconds() -> SelectOfScalar[_Second]:
    return (
        of(_Second)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(
            Assignment.kind == SECOND,
            col(Assignment.withdrawn_at).is_(None),
            col(Assignment.ended_at).is_(None),
            col(FollowUp.state).in_(["active", "on_break"]),
        )
        .order_by(col(Assignment.id))
    )


def _homes(session: Session, follow_up_ids: Collection[UUID], moment: datetime) -> set[tuple[UUID, UUID]]:
    """The organizations whose worker is the primary one, or was until after a moment, each with its follow-up."""
    return set(
        tuples(
            session,
            only(Assignment.follow_up_id, Assignment.organization_id).where(
                col(Assignment.follow_up_id).in_(follow_up_ids),
                Assignment.kind == PRIMARY,
                or_(col(Assignment.ended_at).is_(None), col(Assignment.ended_at) > moment),
            ),
        )
    )


def _sharing_on(session: Session, participant_ids: Collection[UUID], day: date) -> set[tuple[UUID, UUID]]:
    """With which partners these participants agree to be shared on a day, by what stands now."""
    return set(
        tuples(
            session,
            only(Consent.participant_id, surely(Consent.organization_id)).where(
                col(Consent.participant_id).in_(participant_ids),
                Consent.purpose == "sharing",
                col(Consent.withdrawn_at).is_(None),
                col(Consent.replaced_at).is_(None),
                or_(col(Consent.ends_on).is_(None), col(Consent.ends_on) >= day),
            ),
        )
    )


def _asked_now(session: Session, step: str) -> set[UUID]:
    """The participants of whom this is asked by an open task."""
    return {UUID(item) for item in scalars(session, only(Task.item).where(Task.step == step, Task.state == "open"))}


def _asked(session: Session, step: str, participant_id: UUID) -> list[Task]:
    return every(session, of(Task).where(Task.step == step, Task.item == str(participant_id)))


def _was_open(task: Task, at: datetime) -> bool:
    opened_at = surely(task.opened_at)
    return opened_at <= at and task.state != "cancelled" and (task.done_at is None or task.done_at >= at)


def _acted_for(session: Session, person_id: UUID, at: datetime) -> Iterator[UUID]:
    day = local_day(session, at)
    yield from scalars(
        session,
        only(Absence.person_id).where(
            Absence.deputy_id == person_id, col(Absence.starts_on) <= day, col(Absence.ends_on) >= day
        ),
    )


def _with_a_part(session: Session, participant_id: UUID, at: datetime) -> Iterator[UUID]:
    """Who had a part in somebody's follow-up on the day of a moment, or was to meet them at it."""
    day = local_day(session, at)
    yield from scalars(
        session,
        only(Assignment.person_id)
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .where(
            FollowUp.participant_id == participant_id,
            col(Assignment.starts_on) <= day,
            or_(col(Assignment.ended_at).is_(None), col(Assignment.ended_at) >= at, col(Assignment.ends_on) >= day),
        ),
    )
    for row in run(
        session,
        only(CandidateWorker.worker_id, CandidateWorker.second_id).where(
            CandidateWorker.participant_id == participant_id,
            col(CandidateWorker.named_at) <= at,
            or_(col(CandidateWorker.ended_at).is_(None), col(CandidateWorker.ended_at) >= at),
        ),
    ):
        yield from (person for person in row if person is not None)
