"""How the tests free a partner of a clause: proposed, decided by a committee that sits, endorsed, and recorded."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from domain.casework import asking
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day
from domain.obligations import attestations, waiving
from domain.roles.roles import standing
from meetings import agendas, attendance, deciding, decisions, running, schedule, waivers
from meetings.agenda_items import pool_of
from meetings.asked_partners import ENDORSE
from meetings.endorsing import endorse
from models.base import table_of
from models.meeting import Meeting
from tests.cast import AT, Cast
from tests.domain.obligations.signed import agreement_of
from tests.meetings.sitting import seat

_meeting = table_of(Meeting)

#: The seats of the Steering Committee whose people come: its quorum is there without any one of their organizations.
COME: Final = ("ccsmtl", "codim", "spvm", "en-marge", "anonyme")
_FIRST: Final = datetime(2026, 11, 23, 10, 30)  # noqa: DTZ001 - local
_MONTH: Final = timedelta(days=30)
WHY: Final = "Équipe en réorganisation."


def proposed(
    session: Session, cast: Cast, place: str, key: str, first: date, last: date, *, by: Actor | None = None
) -> UUID:
    """Propose to free a partner of a clause, under the coordinator's hat or another; the proposal's id."""
    return waivers.propose(
        session,
        agreement_of(session, cast, place),
        key,
        starts_on=first,
        ends_on=last,
        reason=WHY,
        by=by or cast.actor("coordinator"),
        at=AT,
    )


def sat_on(session: Session, cast: Cast, proposal_id: UUID, come: tuple[str, ...] = COME) -> UUID:
    """Have the Steering Committee sit on a proposal today, with these seats filled; the meeting's id."""
    return sitting(session, cast, proposal_id, come)


def sitting(session: Session, cast: Cast, proposal_id: UUID | None, come: tuple[str, ...] = COME) -> UUID:
    """A meeting of the Steering Committee that sits now, with a proposal before it or with none; the meeting's id.

    It has one meeting a day: the second one was to be held on the day before, and is held late.
    """
    by = cast.actor("coordinator")
    sat = select(func.count()).select_from(_meeting).where(_meeting.c.starts >= _FIRST - _MONTH)
    starts = _FIRST - timedelta(days=session.scalar(sat) or 0)
    schedule.plan_meetings(session, "steering", [starts], by=by, at=AT - _MONTH)
    meeting: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.program_id == cast.program_id, _meeting.c.starts == starts)
    ).one()
    if proposal_id is not None:
        pool = pool_of(session, _committee(session, meeting))
        (item,) = [one.id for one in pool if one.subject == str(proposal_id)]
        agendas.put_on(session, item, meeting, by=by, at=AT)
    running.open_meeting(session, meeting, by=by, at=AT)
    for key in come:
        attendance.record(session, meeting, seat(session, "steering", key), "present", by=by, at=AT)
    return meeting


def _committee(session: Session, meeting: UUID) -> UUID:
    found: UUID = session.scalars(select(_meeting.c.committee_id).where(_meeting.c.id == meeting)).one()
    return found


def endorsed(session: Session, decision_id: UUID) -> None:
    """Have every partner that is asked endorse a decision."""
    held = standing(session, local_day(session, AT))
    for asked in asking.open_ones(session, ENDORSE, decision_id):
        first = held.falls(asked.links).holders[0]
        by = Actor(first.role, first.person_id, first.organization_id, first.acting_for)
        endorse(session, decision_id, UUID(asked.links[0].at), "endorsed", by=by, at=AT)


def decided(
    session: Session, cast: Cast, place: str, key: str, first: date, last: date, *, by: Actor | None = None
) -> UUID:
    """Have the Steering Committee free a partner of a clause, and every partner endorse it; the decision's id."""
    proposal = proposed(session, cast, place, key, first, last, by=by)
    meeting = sat_on(session, cast, proposal)
    decision = waivers.decide(session, proposal, by=by or cast.actor("coordinator"), at=AT)
    endorsed(session, decision)
    running.close_meeting(session, meeting, carry_rest=True, by=cast.actor("coordinator"), at=AT)
    return decision


def freed(session: Session, cast: Cast, place: str, key: str, first: date, last: date) -> UUID:
    """As `decided`, and the waiver is recorded; the decision's id."""
    decision = decided(session, cast, place, key, first, last)
    recorded(session, cast, place, key, first, last, decision)
    return decision


def recorded(
    session: Session,
    cast: Cast,
    place: str,
    key: str,
    first: date,
    last: date,
    decision: UUID,
    *,
    by: Actor | None = None,
) -> UUID:
    """Record the waiver of a clause by a decision; its id."""
    return attestations.waive(
        session,
        agreement_of(session, cast, place),
        key,
        starts_on=first,
        ends_on=last,
        decision_id=decision,
        reason=WHY,
        by=by or cast.actor("coordinator"),
        at=AT,
    )


def withdrawn(session: Session, cast: Cast, *decision_ids: UUID, at: datetime = AT) -> None:
    """Have a later decision of the committee take these back."""
    by = cast.actor("coordinator")
    meeting = sitting(session, cast, None)
    numbers = [decisions.decision_of(session, one).number for one in decision_ids]
    words = "Elles ne tiennent plus."
    later = deciding.decide(session, meeting, None, text_fr=words, kind="management", takes_back=numbers, by=by, at=at)
    endorsed(session, later)
    running.close_meeting(session, meeting, by=by, at=at)


def proposals(session: Session, cast: Cast, place: str, key: str) -> list[UUID]:
    """The ids of what was proposed of a clause, the newest first."""
    return [one.id for one in waiving.proposals_of(session, agreement_of(session, cast, place), key)]
