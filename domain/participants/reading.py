"""What the pages show of referrals and candidates without opening anything that is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlmodel import Session

from domain.kernel.scope import many, program_of
from domain.terms.admission import BEING_ADMITTED
from models.base import refers, table_of
from models.participant import CandidateWorker, Participant
from models.record import Event
from models.referral import Referral

#: Over how long the funnel looks back.
LOOKS_BACK: Final = timedelta(days=365)

_participant = table_of(Participant)
_referral = table_of(Referral)
_event = table_of(Event)
_named = table_of(CandidateWorker)


def to_triage(session: Session) -> list[dict[str, Any]]:
    """The referrals that wait for the triage, the longest waiting first, each with whom it is about by reference."""
    return many(session, _referrals().where(_here(session), _referral.c.state == "received").order_by(*_IN_ORDER))


def under_way(session: Session) -> list[dict[str, Any]]:
    """The referrals of who is being admitted, as `to_triage`: who waits for the committee, a meeting or the number."""
    return many(
        session,
        _referrals()
        .where(
            _here(session),
            _referral.c.state == "triaged",
            _referral.c.result != "refused",  # of somebody who was referred again: the one of before
            _participant.c.state.in_(BEING_ADMITTED),
        )
        .order_by(*_IN_ORDER),
    )


def no_further(session: Session, *, since: datetime) -> list[dict[str, Any]]:
    """The last referral of each who was refused or said no, of those received since a moment, the newest first."""
    rows = many(
        session,
        _referrals()
        .where(_here(session), _participant.c.state.in_(["refused", "declined"]), _referral.c.received_at >= since)
        .order_by(_referral.c.received_at.desc(), _referral.c.id),
    )
    last: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        last.setdefault(row["participant_id"], row)
    return list(last.values())


_IN_ORDER: Final = (_referral.c.received_at, _referral.c.id)


def _here(session: Session) -> ColumnElement[bool]:
    return _referral.c.program_id == program_of(session)


def _referrals() -> Select[Any]:
    return select(
        *(_referral.c[name] for name in ("id", "participant_id", "state", "way", "result", "received_at")),
        _referral.c.version,
        _referral.c.referred_by,
        _participant.c.candidate_ref,
        _participant.c.number,
        _participant.c.state.label("participant_state"),
        _participant.c.recruiter,
    ).join(_participant, refers(_referral.c.participant_id, _participant))


def referrals_of(session: Session, participant_id: UUID) -> list[dict[str, Any]]:
    """The referrals of somebody, the last one first, without what they say."""
    return many(
        session,
        select(
            *(_referral.c[name] for name in ("id", "state", "way", "result", "received_at", "triaged_at", "version")),
            _referral.c.referred_by,
        )
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.participant_id == participant_id,
            _referral.c.state != "draft",
        )
        .order_by(_referral.c.received_at.desc(), _referral.c.id),
    )


def mine(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What somebody referred, or is writing: the days, and whether it was sent. Nothing of what became of it.

    The referral of somebody who is known already is as any other: its author learns it by no state.
    """
    sent = case((_referral.c.state == "draft", "draft"), else_="received").label("state")
    return many(
        session,
        select(sent, *(_referral.c[name] for name in ("id", "begun_at", "saved_at", "received_at")))
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.referred_by == person_id,
            _referral.c.state != "abandoned",
            or_(_referral.c.left_at.is_(None), _referral.c.state != "draft"),  # what was left is the coordination's
        )
        .order_by(_referral.c.saved_at.desc(), _referral.c.id)  # of one moment: nothing moves one
        .limit(50),
    )


@dataclass(frozen=True)
class Funnel:
    """How many people stand where, and how many days the middle one of them waited, since a moment."""

    received: int
    triaged: int
    assigned: int
    admitted: int
    refused: int
    declined: int
    days_to_triage: float | None
    days_to_worker: float | None
    days_to_number: float | None


def funnel(session: Session, *, since: datetime) -> Funnel:
    """The way of those who were referred since a moment, for the coordinator alone: exact, and so nothing that leaves.

    What leaves is the year's statement, with no count that says less than five people (docs/adr/0012).
    """
    here = program_of(session)
    theirs = _referral.c.program_id == here, _referral.c.received_at >= since
    received = session.scalar(select(func.count()).where(*theirs)) or 0
    triaged = session.scalar(select(func.count()).where(*theirs, _referral.c.state == "triaged")) or 0
    states: dict[str, int] = {
        row.state: row.people
        for row in session.execute(
            select(_participant.c.state, func.count(_participant.c.id.distinct()).label("people"))
            .join(_referral, refers(_referral.c.participant_id, _participant))
            .where(*theirs)
            .group_by(_participant.c.state)
        )
    }
    first_named = (
        select(_named.c.participant_id, func.min(_named.c.named_at).label("at"))
        .where(_named.c.program_id == here)
        .group_by(_named.c.participant_id)
        .subquery()
    )
    return Funnel(
        received=received,
        triaged=triaged,
        assigned=states.get("assigned", 0) + states.get("committed", 0),
        admitted=states.get("admitted", 0),
        refused=states.get("refused", 0),
        declined=states.get("declined", 0),
        days_to_triage=_median_days(session, select(_referral.c.received_at, _referral.c.triaged_at).where(*theirs)),
        days_to_worker=_median_days(
            session,
            select(_referral.c.received_at, first_named.c.at)
            .join(first_named, first_named.c.participant_id == _referral.c.participant_id)
            .where(*theirs, first_named.c.at >= _referral.c.received_at),
        ),
        days_to_number=_median_days(
            session,
            select(_referral.c.received_at, func.max(_event.c.at))
            .join(_event, (_event.c.program_id == here) & (_event.c.subject_id == _referral.c.participant_id))
            .where(*theirs, _event.c.verb == "participant.admitted")
            .group_by(_referral.c.id, _referral.c.received_at),
        ),
    )


def _median_days(session: Session, pairs: Any) -> float | None:
    """The days between two moments of each row, in the middle; None of none."""
    found = sorted((until - since) / timedelta(days=1) for since, until in session.execute(pairs) if until)
    return round(found[len(found) // 2], 1) if found else None
