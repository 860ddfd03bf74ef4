"""The end of a file: its retention runs out and nothing holds it, and what was sealed is destroyed in every copy.

The last day is counted from the end of the follow-up, or of the admission, by the program's own calendar (`keeping`).
On the day after it somebody who is entitled is asked; nothing is destroyed by itself unless the program says so. First
the database forgets, then the key goes: a key is destroyed once the row says so for good, so that nothing is lost where
the transaction is not kept. The worker does it within a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlmodel import Session

from duties import sealed_words
from duties.actors import Actor
from duties.casework import asking
from duties.declarations.program import Ended
from duties.here import local_day, many, one, program_of
from duties.mail.notices import coordination_chain
from duties.participants.held import change_participant, hold_participant, moved
from duties.participants.keeping import last_day
from duties.participants.referring import DRAFT_KEPT, destroy_draft
from duties.participants.sealing import keys_of
from duties.record import events
from duties.refusals import Refusal
from locales import N_
from models.base import table_of
from models.follow_up import FollowUp
from models.lifecycles import PARTICIPANT
from models.participant import DataKey, Participant
from models.record import Event
from models.referral import Referral

#: How long a key may lie without its row: no transaction takes that long.
WITHOUT_ROW: Final = timedelta(days=1)

#: What is asked once the last day of a file is over, and how soon it is due, in working days.
DESTROY: Final = "retention.destroy"
DAYS_TO_DESTROY: Final = 10
#: The states in which nobody accompanies a participant any more: from then on the retention is counted.
ENDED: Final = ("inactive", "completed")

_participant = table_of(Participant)
_event = table_of(Event)
_referral = table_of(Referral)
_key = table_of(DataKey)
_follow_up = table_of(FollowUp)


def retain_until(session: Session, participant_id: UUID, day: date, *, by: Actor, at: datetime) -> None:
    """Set another last day on which a file is kept, which answers whoever is asked to destroy it. Raises Refusal."""
    held = hold_participant(session, participant_id)
    if held["state"] in ("draft", "destroyed"):
        raise Refusal("participant.unknown", N_("There is no such candidate or participant."))
    if day < local_day(session, at):
        raise Refusal("retention.past", N_("The last day on which a file is kept lies ahead."))
    change_participant(session, held, retain_until=day)
    events.write(session, "retention.set", "participant", participant_id, by=by, at=at, day=day.isoformat())
    asking.answered(session, DESTROY, participant_id, by=by, at=at)


def count_from(session: Session, participant_id: UUID, ended: Ended, *, by: Actor, at: datetime) -> None:
    """A file has ended so today: it is kept until the day that the program's calendar says."""
    day = last_day(session, ended, local_day(session, at))
    change_participant(session, hold_participant(session, participant_id), retain_until=day)
    events.write(session, "retention.set", "participant", participant_id, by=by, at=at, day=day.isoformat())


def count_no_more(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """A follow-up is taken up again: its end lies ahead, and with it the last day on which the file is kept."""
    held = hold_participant(session, participant_id)
    if held["retain_until"] is None:
        return
    change_participant(session, held, retain_until=None)
    events.write(session, "retention.stopped", "participant", participant_id, by=by, at=at)
    asking.no_more(session, DESTROY, participant_id, by=by, at=at)


def count_what_was_missed(session: Session, *, by: Actor, at: datetime) -> int:
    """Set the last day of each file whose follow-up ended without one, from the day on which it ended; how many."""
    rows = many(
        session,
        select(_participant.c.id, _follow_up.c.state, _follow_up.c.state_since)
        .join(
            _follow_up,
            (_follow_up.c.program_id == _participant.c.program_id) & (_follow_up.c.participant_id == _participant.c.id),
        )
        .where(
            _participant.c.program_id == program_of(session),
            _participant.c.state == "admitted",
            _participant.c.retain_until.is_(None),
            _follow_up.c.state.in_(ENDED),
        )
        .order_by(_participant.c.id),
    )
    for row in rows:
        day = last_day(session, row["state"], row["state_since"])
        change_participant(session, row, retain_until=day)
        events.write(session, "retention.set", "participant", row["id"], by=by, at=at, day=day.isoformat())
    return len(rows)


def place_hold(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Keep a file whatever its retention says, because the law asks for it. Raises Refusal: it is held, or gone."""
    held = hold_participant(session, participant_id)
    if held["held"] or held["state"] in ("draft", "destroyed"):
        raise Refusal("retention.held", N_("This file is held already, or there is nothing left to hold."))
    change_participant(session, held, held=True, held_by=by.person_id, held_at=at)
    events.write(session, "retention.held", "participant", participant_id, by=by, at=at)
    asking.answered(session, DESTROY, participant_id, by=by, at=at)


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
    events.write(
        session,
        "participant.destroyed",
        "participant",
        participant_id,
        by=by,
        at=at,
        day=held["retain_until"].isoformat(),
    )
    asking.answered(session, DESTROY, participant_id, by=by, at=at)
    referrals = session.scalars(
        select(_referral.c.id)
        .where(_referral.c.program_id == program_of(session), _referral.c.participant_id == participant_id)
        .order_by(_referral.c.id)
    ).all()
    for item in (participant_id, *referrals):  # a question may be about one referral of theirs
        asking.nothing_more(session, item, by=by, at=at)


def ask_to_destroy(session: Session, participant_id: UUID, known_as: str, *, by: Actor, at: datetime) -> bool:
    """Ask whoever is entitled to destroy a file whose last day is over; whether it was not asked before."""
    return (
        asking.ask(
            session,
            DESTROY,
            participant_id,
            N_("Destroy the file of %(subject)s, or say why it is kept: its last day is over"),
            chain=coordination_chain(session),
            working_days=DAYS_TO_DESTROY,
            by=by,
            at=at,
            subject=known_as,
        )
        is not None
    )


@dataclass(frozen=True)
class Destruction:
    """The proof that a file is destroyed: by whom and under which last day, and where the record says so.

    `line` is the number of that line. `key_gone_at` is when the store of keys was seen to have its key no more; empty
    until the worker has been there, within a minute or so.
    """

    known_as: str
    destroyed_at: datetime
    by_id: UUID | None
    by_as: str
    kept_until: date | None
    line: int
    key_gone_at: datetime | None


def proof_of(session: Session, participant_id: UUID) -> Destruction | None:
    """The proof that a file is destroyed; None of one that is not, or that was joined to another or never sent."""
    row = one(
        session,
        select(
            func.coalesce(_participant.c.number, _participant.c.candidate_ref).label("known_as"),
            _participant.c.destroyed_at,
            _participant.c.retain_until,
            _key.c.gone_at,
            _event.c.n,
            _event.c.actor_id,
            _event.c.actor_as,
        )
        .join(_key, (_key.c.program_id == _participant.c.program_id) & (_key.c.participant_id == _participant.c.id))
        .join(
            _event,
            (_event.c.program_id == _participant.c.program_id)
            & (_event.c.subject_id == _participant.c.id)
            & (_event.c.verb == "participant.destroyed"),
        )
        .where(_participant.c.program_id == program_of(session), _participant.c.id == participant_id)
        .order_by(_event.c.n.desc())
        .limit(1),
    )
    if row is None:
        return None
    return Destruction(
        row["known_as"],
        row["destroyed_at"],
        row["actor_id"],
        row["actor_as"],
        row["retain_until"],
        row["n"],
        row["gone_at"],
    )


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
            _participant.c.state.in_(PARTICIPANT.open_to("destroy")),
            _participant.c.state != "draft",
            ~_participant.c.held,
            ~exists().where(
                _follow_up.c.program_id == _participant.c.program_id,
                _follow_up.c.participant_id == _participant.c.id,
                _follow_up.c.state.not_in(ENDED),
            ),
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


def destroy_keys(session: Session, *, at: datetime) -> int:
    """Destroy the keys that this program's rows say are destroyed; returns how many were still there.

    Each time all of them, since a store that is restored brings keys back. In a transaction of its own, so that only
    what is committed is read; then the row says since when the key is gone. Raises NoKeys.
    """
    here = program_of(session)
    rows = many(
        session,
        select(_key.c.participant_id, _key.c.gone_at).where(
            _key.c.program_id == here, _key.c.destroyed_at.is_not(None)
        ),
    )
    keys = keys_of(session)
    found = sum(keys.destroy(row["participant_id"]) for row in rows) + sealed_words.destroy_keys(session, at=at)
    session.execute(
        update(_key)
        .where(
            _key.c.program_id == here,
            _key.c.participant_id.in_([row["participant_id"] for row in rows if row["gone_at"] is None]),
        )
        .values(gone_at=at)
    )
    return found


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
        for key_id in (
            *session.scalars(select(_key.c.participant_id).where(_key.c.program_id == program_of(session))),
            *sealed_words.key_ids(session),
        )
    }
    return sum(keys.destroy(key_id) for key_id in sorted(old - known))
