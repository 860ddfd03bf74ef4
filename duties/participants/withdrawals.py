"""What follows once a consent to the program is taken back, or has ended by its day: it is asked, and blocks nothing.

The worker speaks with the participant, the coordinator sees what it means for the team. Either the follow-up ends, or a
consent is signed anew, or it goes on with what the withdrawal leaves; nobody asks why it was taken back (AD-R11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from duties.actors import Actor
from duties.casework import asking
from duties.follow_ups.assigning import on_day
from duties.follow_ups.parts import PRIMARY
from duties.here import local_day, many, moments_of, one, program_of
from duties.mail.notices import coordination_chain
from duties.participants import workers
from duties.participants.admission import BEING_ADMITTED
from duties.record import events
from duties.refusals import Refusal
from duties.roles import Link
from locales import N_
from models.base import table_of
from models.casework import Task
from models.consent import Consent
from models.follow_up import FollowUp
from models.participant import Participant

#: The worker's task: speak with the participant. And the coordinator's: see what follows.
SPEAK: Final = "consent.speak"
FOLLOWS: Final = "consent.follows"
#: How soon each is due, in working days.
DAYS_TO_SPEAK: Final = 2
DAYS_TO_SETTLE: Final = 5

_participant = table_of(Participant)
_consent = table_of(Consent)
_task = table_of(Task)
_follow_up = table_of(FollowUp)


@dataclass(frozen=True)
class Asked:
    """Who is still asked what follows: the worker, the coordinator, or both."""

    worker: bool
    coordinator: bool


def ask_what_follows(session: Session, participant_id: UUID, *, by: Actor, at: datetime, ended: bool = False) -> None:
    """Ask the worker and the coordinator what follows a consent that was taken back, or has `ended` by its day.

    Again, nothing changes.

    Where nobody accompanies the person, the coordinator alone is asked. Somebody of whom nothing is under way is asked
    about no more than once it is over.
    """
    row = one(
        session,
        select(
            _participant.c.state,
            _participant.c.number,
            _participant.c.candidate_ref,
            _follow_up.c.state.label("stands"),
        )
        .outerjoin(
            _follow_up,
            (_follow_up.c.program_id == _participant.c.program_id) & (_follow_up.c.participant_id == _participant.c.id),
        )
        .where(_participant.c.program_id == program_of(session), _participant.c.id == participant_id),
    )
    if row is None or row["state"] not in (*BEING_ADMITTED, "admitted") or row["stands"] in ("inactive", "completed"):
        return
    known_as = row["number"] or row["candidate_ref"]
    coordination = coordination_chain(session)
    worker = whose(session, participant_id, at=at)
    if worker is not None:
        asking.ask(
            session,
            SPEAK,
            participant_id,
            _SPEAK_OF_ITS_END if ended else _SPEAK,
            chain=[worker, *coordination],
            working_days=DAYS_TO_SPEAK,
            by=by,
            at=at,
            subject=known_as,
        )
    asking.ask(
        session,
        FOLLOWS,
        participant_id,
        _FOLLOWS_ITS_END if ended else _FOLLOWS,
        chain=coordination,
        working_days=DAYS_TO_SETTLE,
        by=by,
        at=at,
        subject=known_as,
    )


def ask_of_the_ended(session: Session, *, by: Actor, at: datetime) -> int:
    """Ask about each participant who is followed, and whose consent to the program has ended by its day; how many.

    Once for each end: what was answered since is not asked again.
    """
    here, day = program_of(session), local_day(session, at)
    rows = many(
        session,
        select(_consent.c.participant_id, _consent.c.ends_on)
        .join(
            _follow_up,
            (_follow_up.c.program_id == _consent.c.program_id)
            & (_follow_up.c.participant_id == _consent.c.participant_id),
        )
        .where(
            _consent.c.program_id == here,
            _consent.c.purpose == "program",
            _consent.c.ends_on < day,
            _consent.c.withdrawn_on.is_(None),
            _consent.c.replaced_at.is_(None),
            _follow_up.c.state.in_(["active", "on_break"]),
        )
        .order_by(_consent.c.ends_on, _consent.c.participant_id),
    )
    found = 0
    for row in rows:
        since = moments_of(session, row["ends_on"])[1]
        asked_since = select(_task.c.id).where(
            _task.c.program_id == here,
            _task.c.step == FOLLOWS,
            _task.c.item == str(row["participant_id"]),
            _task.c.opened_at >= since,
        )
        if session.scalar(asked_since.limit(1)) is None:
            ask_what_follows(session, row["participant_id"], by=by, at=at, ended=True)
            found += 1
    return found


def go_on(session: Session, participant_id: UUID, *, for_everyone: bool, by: Actor, at: datetime) -> None:
    """The participant wants to go on with what the withdrawal leaves: whoever was asked has their answer.

    The coordinator answers `for_everyone`, a worker for themselves: the coordinator then sees to the rest. Raises
    Refusal where nobody is asked (any more).
    """
    spoken = asking.answered(session, SPEAK, participant_id, by=by, at=at)
    settled = for_everyone and asking.answered(session, FOLLOWS, participant_id, by=by, at=at)
    if not (spoken or settled):
        raise Refusal("consent.nothing_asked", N_("Nobody is asked what follows a withdrawal, or it was said already."))
    events.write(session, "consent.goes_on", "participant", participant_id, by=by, at=at)


def settle(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """What follows is known: the follow-up or the admission ended, or a consent was signed anew."""
    for step in (SPEAK, FOLLOWS):
        asking.answered(session, step, participant_id, by=by, at=at)


def asked(session: Session, participant_id: UUID) -> Asked | None:
    """Who is still asked what follows; None where nobody is."""
    worker, coordinator = (bool(asking.open_ones(session, step, participant_id)) for step in (SPEAK, FOLLOWS))
    return Asked(worker, coordinator) if worker or coordinator else None


def ask_who_has_it_now(session: Session, *, by: Actor, at: datetime, only: UUID | None = None) -> int:
    """Ask the worker of today where the one who was asked has the participant no more; how many changed.

    `only` looks at one participant alone.
    """

    def ask_anew(participant_id: UUID, now: Link | None) -> None:
        if now is not None:
            ask_what_follows(session, participant_id, by=by, at=at)

    return asking.ask_who_has_it_now(
        session, SPEAK, whose=partial(whose, session, at=at), ask_anew=ask_anew, by=by, at=at, only=only
    )


def whose(session: Session, participant_id: UUID, *, at: datetime) -> Link | None:
    """Whoever accompanies a participant today, or is to meet a candidate; None where nobody does."""
    here, day = program_of(session), local_day(session, at)
    follow_up_id = session.scalar(
        select(_follow_up.c.id).where(_follow_up.c.program_id == here, _follow_up.c.participant_id == participant_id)
    )
    parts = on_day(session, day, follow_up_ids=[follow_up_id]) if follow_up_id is not None else []
    found: Any = next((part for part in parts if part["kind"] == PRIMARY), None)
    if found is None:
        row = workers.named(session, participant_id)
        if row is None:
            return None
        found = {"person_id": row["worker_id"], "organization_id": row["organization_id"]}
    return {"role": "youth_worker", "at": str(found["organization_id"]), "person": str(found["person_id"])}


_SPEAK: Final = N_("Speak with %(subject)s, who took the consent back: end, sign anew, or go on with what it leaves")
_SPEAK_OF_ITS_END: Final = N_(
    "Speak with %(subject)s, whose consent has ended: end, sign anew, or go on with what it leaves"
)
_FOLLOWS_ITS_END: Final = N_("See what follows: the consent of %(subject)s to the program has ended")
_FOLLOWS: Final = N_("See what follows: %(subject)s took the consent to the program back")
