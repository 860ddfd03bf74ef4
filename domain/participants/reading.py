"""What pages show of referrals and candidates without opening anything sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, and_, case, or_

from domain.kernel import (
    AnySelect,
    col,
    every,
    in_program,
    joins,
    of,
    only,
    run,
    same,
    scalar,
    select,
    tuples,
    value_of,
)
from domain.participants.referring import LEFT_SINCE
from domain.terms import BEING_ADMITTED
from models.participant import CandidateWorker, Participant
from models.record import Event
from models.referral import Referral

#: Over how long the funnel looks back.
LOOKS_BACK: Final = timedelta(days=365)


@dataclass(frozen=True)
class Arrived:
    """A referral as lists show it, with its person by reference, and nothing that is sealed."""

    id: UUID
    participant_id: UUID
    state: str
    way: str
    result: str
    received_at: datetime
    version: int
    referred_by: UUID | None
    candidate_ref: str
    number: str | None
    participant_state: str
    recruiter: bool
    asked_at: datetime | None
    perhaps_known: bool = False


def to_triage(session: Session) -> list[Arrived]:
    """The referrals that wait for the triage, the longest waiting first."""
    return _read(session, _referrals().where(Referral.state == "received").order_by(*_IN_ORDER))


def under_way(session: Session) -> list[Arrived]:
    """The referrals of those being admitted, as `to_triage`: they wait for the committee, a meeting or the number."""
    return _read(
        session,
        _referrals()
        .where(
            Referral.state == "triaged",
            Referral.result != "refused",  # for a person who was referred again: the earlier one
            col(Participant.state).in_(BEING_ADMITTED),
        )
        .order_by(*_IN_ORDER),
    )


def no_further(session: Session, *, since: datetime) -> list[Arrived]:
    """The last referral of each person who was refused or declined, received since a moment, the newest first."""
    rows = _read(
        session,
        _referrals()
        .where(col(Participant.state).in_(["refused", "declined"]), col(Referral.received_at) >= since)
        .order_by(col(Referral.received_at).desc(), col(Referral.id)),
    )
    last: dict[UUID, Arrived] = {}
    for row in rows:
        last.setdefault(row.participant_id, row)
    return list(last.values())


_IN_ORDER: Final = (col(Referral.received_at), col(Referral.id))


def _referrals() -> AnySelect:
    return only(
        Referral.id,
        Referral.participant_id,
        Referral.state,
        Referral.way,
        Referral.result,
        Referral.received_at,
        Referral.version,
        Referral.referred_by,
        Participant.candidate_ref,
        Participant.number,
        Participant.state,
        Participant.recruiter,
        Referral.asked_at,
    ).join(Participant, joins(Referral.participant_id, Participant))


def _read(session: Session, asked: AnySelect) -> list[Arrived]:
    return [Arrived(*row) for row in tuples(session, asked)]


def referrals_of(session: Session, participant_id: UUID) -> list[Referral]:
    """The referrals of a person, the last one first; what they say stays sealed."""
    return every(
        session,
        of(Referral, without=(Referral.sealed, Referral.result_sealed))
        .where(Referral.participant_id == participant_id, Referral.state != "draft")
        .order_by(col(Referral.received_at).desc(), col(Referral.id)),
    )


class OwnReferral(NamedTuple):
    """A referral as its author knows it: by its own reference, where it stands, and whether something is asked."""

    state: str
    id: UUID
    reference: str
    stands: str
    offered: list[str]
    asked: list[str]
    begun_at: datetime
    saved_at: datetime
    received_at: datetime | None


def mine(session: Session, person_id: UUID) -> list[OwnReferral]:
    """What a person referred, or is writing: by its own reference, the days, and where it stands for its author.

    The referral of a person who is already known looks like any other: no reference, state or word tells its author.
    """
    theirs = (
        Referral.referred_by == person_id,
        col(Referral.state).not_in(_GONE),
        # What was left is the coordination's, also where a restore lost that, until it is decided.
        or_(and_(col(Referral.left_at).is_(None), ~LEFT_SINCE), Referral.state != "draft"),
    )
    newest = col(Referral.saved_at).desc(), col(Referral.id)  # of one moment: nothing moves one
    return _own(session, *theirs, order=newest)


def own(session: Session, referral_id: UUID) -> OwnReferral | None:
    """One referral that was sent, as its author knows it; None where there is none."""
    found = _own(session, Referral.id == referral_id, col(Referral.state).not_in([*_GONE, "draft"]))
    return found[0] if found else None


def own_by_link(session: Session, link_id: UUID) -> OwnReferral | None:
    """The referral that was sent by a link, as who sent it knows it; None where none was, or it is not kept."""
    found = _own(session, Referral.link_id == link_id, col(Referral.state).not_in([*_GONE, "draft"]))
    return found[0] if found else None


#: The states in which its author knows nothing of a referral any more.
_GONE: Final = ("abandoned", "destroyed")


def _own(session: Session, *which: Any, order: Any = ()) -> list[OwnReferral]:
    sent = value_of(case((col(Referral.state) == "draft", "draft"), else_="received"))
    asked = (
        select(
            sent,
            Referral.id,
            Referral.reference,
            Referral.stands,
            Referral.offered,
            Referral.asked,
            Referral.begun_at,
            Referral.saved_at,
            Referral.received_at,
        )
        .where(in_program(Referral), *which)
        .order_by(*order)
        .limit(50)
    )
    return [OwnReferral(*row) for row in tuples(session, asked)]


@dataclass(frozen=True)
class Funnel:
    """How many people are at each stage, and the median days that they waited, since a moment."""

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
    """The progress of those who were referred since a moment, exact, for the coordinator alone.

    It is not sent out: only the year's statement is, with no count that says less than five people (docs/adr/0012).
    """
    theirs = in_program(Referral), col(Referral.received_at) >= since
    received = scalar(session, select(func.count()).where(*theirs)) or 0
    triaged = scalar(session, select(func.count()).where(*theirs, Referral.state == "triaged")) or 0
    states: dict[str, int] = {
        row.state: row.people
        for row in run(
            session,
            select(Participant.state, func.count(col(Participant.id).distinct()).label("people"))
            .join(Referral, joins(Referral.participant_id, Participant))
            .where(*theirs)
            .group_by(col(Participant.state)),
        )
    }
    return Funnel(
        received=received,
        triaged=triaged,
        assigned=states.get("assigned", 0) + states.get("committed", 0),
        admitted=states.get("admitted", 0),
        refused=states.get("refused", 0),
        declined=states.get("declined", 0),
        days_to_triage=_median_days(session, select(Referral.received_at, Referral.triaged_at).where(*theirs)),
        days_to_worker=_median_days(
            session,
            select(Referral.received_at, first_named := func.min(col(CandidateWorker.named_at)))
            .join(
                CandidateWorker,
                same(CandidateWorker, Referral) & (CandidateWorker.participant_id == Referral.participant_id),
            )
            .where(*theirs)
            .group_by(col(Referral.id), col(Referral.received_at))
            .having(first_named >= col(Referral.received_at)),
        ),
        days_to_number=_median_days(
            session,
            select(Referral.received_at, func.max(col(Event.at)))
            .join(Event, in_program(Event) & (col(Event.subject_id) == col(Referral.participant_id)))
            .where(*theirs, Event.verb == "participant.admitted")
            .group_by(col(Referral.id), col(Referral.received_at)),
        ),
    )


def _median_days(session: Session, pairs: Any) -> float | None:
    """The median days between two moments of each row; None without rows."""
    found = sorted((until - since) / timedelta(days=1) for since, until in run(session, pairs) if until)
    return round(found[len(found) // 2], 1) if found else None
