"""What participants are promised about their consent: with whom they are shared, and what follows a word of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlmodel import Session

from domain.accompaniment import reviews
from domain.accompaniment.reviews import REVIEWED
from domain.accompaniment.withdrawals import FOLLOWS, OF_SECOND, STOPPED
from domain.kernel.scope import local_day, many, moments_of, program_of
from domain.terms.parts import PRIMARY, SECOND
from models.base import refers, table_of
from models.casework import Task
from models.consent import Consent
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker
from models.program import Absence
from models.record import Event
from simulation.promises import promise

_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_consent = table_of(Consent)
_task = table_of(Task)
_event = table_of(Event)
_named = table_of(CandidateWorker)
_absence = table_of(Absence)

#: The round that sees to what a day changes runs once a day.
A_ROUND: Final = timedelta(days=1)


@promise("A second of another organization has a part while the participant agrees to it, or the coordinator is asked.")
def seconds_come_with_a_consent(session: Session, at: datetime) -> Iterable[str]:
    """Each part of a second that goes on without such a consent since more than a day's round, and nobody is asked."""
    seen_to = local_day(session, at - A_ROUND)
    for row in many(session, _seconds(session)):
        consents = _sharing_with(session, row["participant_id"], row["organization_id"])
        home = _homes(session, row["follow_up_id"])
        holds = any(_is_standing(one) and (one["ends_on"] is None or one["ends_on"] >= seen_to) for one in consents)
        asked = any(task["state"] == "open" for task in _asked(session, OF_SECOND, row["participant_id"]))
        if row["organization_id"] not in home and not (holds or asked):
            yield f"assignment {row['id']}"


@promise("A consent that is taken back is asked about until the coordinator saw to what follows.")
def withdrawals_are_asked_about(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each consent that was taken back of somebody who was followed then, and of which nobody was asked anything."""
    rows = many(
        session,
        select(_consent.c.id, _consent.c.participant_id, _consent.c.purpose, _consent.c.withdrawn_at)
        .join(
            _follow_up,
            and_(
                _follow_up.c.program_id == _consent.c.program_id,
                _follow_up.c.participant_id == _consent.c.participant_id,
            ),
        )
        .where(
            _consent.c.program_id == program_of(session),
            _consent.c.withdrawn_at.is_not(None),
            _follow_up.c.state == "active",
            _follow_up.c.active_at <= _consent.c.withdrawn_at,
        )
        .order_by(_consent.c.id),
    )
    for row in rows:
        step = FOLLOWS if row["purpose"] == "program" else STOPPED
        asked = _asked(session, step, row["participant_id"])
        if not any(_was_open(task, row["withdrawn_at"]) for task in asked):
            yield f"consent {row['id']}"


@promise("A consent that is somebody's own to give now is asked about until they signed it anew or took it back.")
def reviews_are_asked_about(session: Session, at: datetime) -> Iterable[str]:
    """Each consent that is to be looked at again, of somebody who is followed, and of which nobody is asked."""
    day = local_day(session, at)
    rows = many(
        session,
        select(_consent.c.id, _consent.c.participant_id)
        .join(
            _follow_up,
            and_(
                _follow_up.c.program_id == _consent.c.program_id,
                _follow_up.c.participant_id == _consent.c.participant_id,
            ),
        )
        .where(
            _consent.c.program_id == program_of(session),
            _consent.c.review_since.is_not(None),
            _consent.c.withdrawn_on.is_(None),
            _consent.c.replaced_at.is_(None),
            or_(_consent.c.ends_on.is_(None), _consent.c.ends_on >= day),
            _follow_up.c.state.in_(["active", "on_break"]),
        )
        .order_by(_consent.c.id),
    )
    for row in rows:
        if not any(task["state"] == "open" for task in _asked(session, REVIEWED, row["participant_id"])):
            yield f"consent {row['id']}"


@promise("A consent that was given for a child is found on the 14th birthday.")
def reviews_are_found(session: Session, at: datetime) -> Iterable[str]:
    """Each consent that was to be looked at again since a day's round and is not known to be. Opens who somebody is.

    Looks at nothing in a session that was given no keys.
    """
    if session.info.get("keys") is None:
        return
    since = local_day(session, at - A_ROUND)
    for participant_id in reviews.to_look_at(session, since):
        followed = session.scalar(
            select(_follow_up.c.id).where(
                _follow_up.c.program_id == program_of(session),
                _follow_up.c.participant_id == participant_id,
                _follow_up.c.state.in_(["active", "on_break"]),
            )
        )
        if followed is not None:
            for consent_id in reviews.missed(session, participant_id, since, before=moments_of(session, since)[0]):
                yield f"consent {consent_id}"


@promise("Who reads the name by their part has that part; every other reader says what for.")
def names_are_read_by_part_or_purpose(session: Session, at: datetime) -> Iterable[str]:  # noqa: ARG001
    """Each reading of who somebody is, by a part that its reader did not have, nor whom they acted for."""
    rows = many(
        session,
        select(_event.c.n, _event.c.subject_id, _event.c.actor_id, _event.c.at)
        .where(
            _event.c.program_id == program_of(session),
            _event.c.verb == "read",
            _event.c.facts["what"].astext == "identity",
            _event.c.facts["ground"].astext == "part",
        )
        .order_by(_event.c.n),
    )
    for row in rows:
        people = {row["actor_id"], *_acted_for(session, row["actor_id"], row["at"])}
        if not people & set(_with_a_part(session, row["subject_id"], row["at"])):
            yield f"event {row['n']}"


# ------------------------------------------------------------------------------------------------------------ below


def _seconds(session: Session) -> Select[Any]:
    return (
        select(
            *(_assignment.c[name] for name in ("id", "follow_up_id", "organization_id")),
            _follow_up.c.participant_id,
        )
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .where(
            _assignment.c.program_id == program_of(session),
            _assignment.c.kind == SECOND,
            _assignment.c.withdrawn_at.is_(None),
            _assignment.c.ended_at.is_(None),
            _follow_up.c.state.in_(["active", "on_break"]),
        )
        .order_by(_assignment.c.id)
    )


def _homes(session: Session, follow_up_id: UUID) -> frozenset[UUID]:
    """The organizations whose worker is the primary one."""
    return frozenset(
        session.scalars(
            select(_assignment.c.organization_id).where(
                _assignment.c.program_id == program_of(session),
                _assignment.c.follow_up_id == follow_up_id,
                _assignment.c.kind == PRIMARY,
                _assignment.c.ended_at.is_(None),
            )
        )
    )


def _sharing_with(session: Session, participant_id: UUID, organization_id: UUID) -> list[dict[str, Any]]:
    return many(
        session,
        select(_consent).where(
            _consent.c.program_id == program_of(session),
            _consent.c.participant_id == participant_id,
            _consent.c.purpose == "sharing",
            _consent.c.organization_id == organization_id,
        ),
    )


def _is_standing(consent: Mapping[str, Any]) -> bool:
    return consent["withdrawn_at"] is None and consent["replaced_at"] is None


def _asked(session: Session, step: str, participant_id: UUID) -> list[dict[str, Any]]:
    return many(
        session,
        select(_task.c.state, _task.c.opened_at, _task.c.done_at).where(
            _task.c.program_id == program_of(session), _task.c.step == step, _task.c.item == str(participant_id)
        ),
    )


def _was_open(task: Mapping[str, Any], at: datetime) -> bool:
    return (
        task["opened_at"] <= at and task["state"] != "cancelled" and (task["done_at"] is None or task["done_at"] >= at)
    )


def _acted_for(session: Session, person_id: UUID, at: datetime) -> Iterator[UUID]:
    day = local_day(session, at)
    yield from session.scalars(
        select(_absence.c.person_id).where(
            _absence.c.program_id == program_of(session),
            _absence.c.deputy_id == person_id,
            _absence.c.starts_on <= day,
            _absence.c.ends_on >= day,
        )
    )


def _with_a_part(session: Session, participant_id: UUID, at: datetime) -> Iterator[UUID]:
    """Who had a part in somebody's follow-up on the day of a moment, or was to meet them at it."""
    day, here = local_day(session, at), program_of(session)
    yield from session.scalars(
        select(_assignment.c.person_id)
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .where(
            _assignment.c.program_id == here,
            _follow_up.c.participant_id == participant_id,
            _assignment.c.starts_on <= day,
            or_(_assignment.c.ended_at.is_(None), _assignment.c.ended_at >= at, _assignment.c.ends_on >= day),
        )
    )
    for row in session.execute(
        select(_named.c.worker_id, _named.c.second_id).where(
            _named.c.program_id == here,
            _named.c.participant_id == participant_id,
            _named.c.named_at <= at,
            or_(_named.c.ended_at.is_(None), _named.c.ended_at >= at),
        )
    ):
        yield from (person for person in row if person is not None)
