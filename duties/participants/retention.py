"""The end of a file: its retention runs out and nothing holds it, and what was sealed is destroyed in every copy.

First the database forgets, then the key goes: a key is destroyed once the row says so for good, so that nothing is lost
where the transaction is not kept. The worker does it within a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session

from duties import events
from duties.actors import Actor
from duties.here import local_day, many, program_of
from duties.participants.held import change_participant, hold_participant, moved
from duties.participants.referring import DRAFT_KEPT, destroy_draft
from duties.participants.sealing import keys_of
from duties.refusals import Refusal
from locales import N_
from models.base import table_of
from models.follow_up import FollowUp
from models.participant import DataKey, Participant
from models.referral import Referral

#: How long a key may lie without its row: no transaction takes that long.
WITHOUT_ROW: Final = timedelta(days=1)

_participant = table_of(Participant)
_referral = table_of(Referral)
_key = table_of(DataKey)
_follow_up = table_of(FollowUp)


def retain_until(session: Session, participant_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Set the last day on which a file is kept, by the retention calendar. Raises Refusal."""
    held = hold_participant(session, participant_id)
    if held["state"] in ("draft", "destroyed"):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if day < local_day(session, at):
        raise Refusal("retention.past", N_("The last day on which a file is kept lies ahead."))
    change_participant(session, held, retain_until=day)
    events.write(session, "retention.set", "participant", participant_id, by=by, at=at, day=day.isoformat())


def place_hold(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Keep a file whatever its retention says, because the law asks for it. Raises Refusal: it is held, or gone."""
    held = hold_participant(session, participant_id)
    if held["held"] or held["state"] in ("draft", "destroyed"):
        raise Refusal("retention.held", N_("This file is held already, or there is nothing left to hold."))
    change_participant(session, held, held=True, held_by=by.person_id, held_at=at)
    events.write(session, "retention.held", "participant", participant_id, by=by, at=at)


def release_hold(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Let the retention of a file run again. Raises Refusal where it is not held."""
    held = hold_participant(session, participant_id)
    if not held["held"]:
        raise Refusal("retention.not_held", N_("This file is not held."))
    change_participant(session, held, held=False, held_by=None, held_at=None)
    events.write(session, "retention.released", "participant", participant_id, by=by, at=at)


def destroy(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Destroy what is known of a participant: their number and the days stay, nothing that says who they were.

    Guide and law: the retention calendar, with a legal hold. Raises Refusal: it is held, or its last day lies ahead.
    """
    held = hold_participant(session, participant_id)
    if held["held"]:
        raise Refusal("retention.hold", N_("A legal hold keeps this file. Release it first."))
    if held["retain_until"] is None or held["retain_until"] >= local_day(session, at):
        raise Refusal("retention.not_yet", N_("This file is destroyed after its retention has ended."))
    if is_followed(session, participant_id):
        raise Refusal(
            "retention.followed", N_("This participant is still followed: the file is needed."), source="FU-1"
        )
    change_participant(
        session,
        held,
        state=moved(held, "destroy"),
        destroyed_at=at,
        sealed=None,
        names=None,
        marks=[],
        languages=[],
        area="",
    )
    session.execute(
        update(_key)
        .where(_key.c.program_id == program_of(session), _key.c.participant_id == participant_id)
        .values(destroyed_at=at)
    )
    events.write(session, "participant.destroyed", "participant", participant_id, by=by, at=at)


def is_followed(session: Session, participant_id: UUID) -> bool:
    """Whether the follow-up of a participant is active, or on a break from which they come back."""
    return (
        session.scalar(
            select(_follow_up.c.id).where(
                _follow_up.c.program_id == program_of(session),
                _follow_up.c.participant_id == participant_id,
                _follow_up.c.state.in_(["active", "on_break"]),
            )
        )
        is not None
    )


def due(session: Session, day: date) -> list[dict[str, Any]]:
    """The files whose retention has ended on a local day and which nothing holds: for the coordinator to destroy."""
    return many(
        session,
        select(_participant.c.id, _participant.c.number, _participant.c.candidate_ref, _participant.c.retain_until)
        .where(
            _participant.c.program_id == program_of(session),
            _participant.c.retain_until < day,
            _participant.c.state != "destroyed",
            ~_participant.c.held,
        )
        .order_by(_participant.c.retain_until, _participant.c.id),
    )


def sweep_drafts(session: Session, *, by: Actor, at: datetime) -> int:
    """Destroy the drafts that nobody touched for two weeks; returns how many."""
    left = many(
        session,
        select(_referral)
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.state == "draft",
            _referral.c.saved_at < at - DRAFT_KEPT,
        )
        .with_for_update(skip_locked=True),
    )
    for held in left:
        destroy_draft(session, held, by=by, at=at)
    return len(left)


def destroy_keys(session: Session) -> int:
    """Destroy the keys that this program's rows say are destroyed; returns how many were still there.

    In a transaction of its own, so that only what is committed is read. Raises NoKeys.
    """
    gone = session.scalars(
        select(_key.c.participant_id).where(_key.c.program_id == program_of(session), _key.c.destroyed_at.is_not(None))
    ).all()
    keys = keys_of(session)
    return sum(keys.destroy(key_id) for key_id in gone)


def sweep_orphans(sessions: Sequence[Session], *, at: datetime) -> int:
    """Destroy the keys that no row of any program ever came for; returns how many.

    `sessions` is one of every program that uses the store. For an operator who knows that no other database does, and
    that no backup is still to be restored: a key of a row that is not here yet would go too. Raises NoKeys.
    """
    if not sessions:
        return 0
    keys = keys_of(sessions[0])
    # Listed before the rows are read: a key that is made meanwhile is not among them.
    old = keys.held(made_before=at - WITHOUT_ROW)
    known = {
        key_id
        for session in sessions
        for key_id in session.scalars(select(_key.c.participant_id).where(_key.c.program_id == program_of(session)))
    }
    return sum(keys.destroy(key_id) for key_id in sorted(old - known))
