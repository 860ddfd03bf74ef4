"""Waivers at a committee: proposed as an item of its agenda, and decided while it sits on that item.

What is decided on the item frees the partner, in the program's own words: a committee that does not want it has the
item treated, and decides nothing. The waiver itself is recorded afterwards (`domain.obligations.attestations.waive`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlmodel import Session, and_

from domain.casework import needed_reason
from domain.declarations import clause_without_role
from domain.kernel import (
    Actor,
    Refusal,
    Span,
    add_row,
    col,
    first,
    joins,
    local_day,
    of,
    only,
    program_of,
    run,
    same,
    surely,
    tuples,
)
from domain.obligations import waivers, waiving
from domain.record import events
from locales import N_, say, show_day
from meetings import agendas, attendance, deciding
from meetings.agenda_items import TALKED_ABOUT
from meetings.committees import committee_of
from meetings.locking import lock_meeting
from models.agenda import AgendaItem, ItemReason
from models.agreement import Agreement, AgreementVersion, Obligation
from models.decision_kinds import MANAGEMENT
from models.meeting import Meeting
from models.obligation import WAIVER_ITEM, ObligationPeriod, WaiverProposal
from models.program import Organization

_TITLE: Final = N_("Grant %(organization)s a waiver of clause %(clause)s, from %(first)s to %(last)s")
_DECIDED: Final = N_("%(organization)s has a waiver of clause %(clause)s from %(first)s to %(last)s: %(duty)s")
_PROPOSED: Final = N_("It was proposed on %(day)s; the page of the clause says why.")


def propose(
    session: Session,
    agreement_id: UUID,
    key: str,
    *,
    starts_on: date,
    ends_on: date,
    reason: str,
    by: Actor,
    at: datetime,
) -> UUID:
    """Ask the committee that the agreement names to free a partner of a clause, on these days; the proposal's id.

    Both days are local and inclusive. The item waits for the committee's next agenda. Raises Refusal.
    """
    clause = _clause(session, agreement_id, key)
    if ends_on < starts_on:
        raise Refusal("waiver.in_order", N_("The last day comes before the first."))
    reason = needed_reason(reason)
    waiving.refuse_who_owes(session, agreement_id, key, Span(starts_on, ends_on), by=by, at=at)
    assert by.person_id is not None  # noqa: S101 - refused above
    days = Span(starts_on, ends_on)
    if any(days.within(Span(one.starts_on, one.ends_on)) for one in waivers(session, agreement_id, key)):
        raise Refusal("waiver.twice", N_("The partner already has a waiver of this clause on some of these days."))
    if any(
        one.item_state in ("pool", "scheduled") and days.within(Span(one.starts_on, one.ends_on))
        for one in waiving.proposals_of(session, agreement_id, key)
    ):
        raise Refusal("waiver.proposed_already", N_("This is already proposed, and waits for the committee."))
    committee = waiving.committee_for(session, agreement_id, key)
    proposal = WaiverProposal(
        program_id=program_of(session),
        agreement_id=agreement_id,
        key=key,
        committee_id=committee_of(session, committee).id,
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason,
        proposed_by=by.person_id,
        proposed_as=by.role,
        proposed_for=by.acting_for,
        proposed_at=at,
    )
    add_row(session, proposal)
    agendas.ask(
        session,
        committee,
        WAIVER_ITEM,
        str(proposal.id),
        title_fr=_said(_TITLE, "fr", clause, key, days),
        title_en=_said(_TITLE, "en", clause, key, days),
        reasons=[ItemReason("waiver_proposed", _PROPOSED, {"day": local_day(session, at).isoformat()})],
        purpose="decision",
        by=by,
        at=at,
    )
    facts = {"clause": key, "starts_on": starts_on.isoformat(), "ends_on": ends_on.isoformat(), "committee": committee}
    events.write(session, "obligation.waiver_proposed", "agreement", agreement_id, by=by, at=at, case_id=None, **facts)
    return proposal.id


def decide(session: Session, proposal_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> UUID:
    """Record that the committee frees the partner, as proposed, while it sits on the item; the decision's id.

    It is a decision on management (GV-4), in the program's own words. The quorum is there also without the votes of the
    partner that is freed. Raises Refusal.
    """
    item = item_under_way(session, proposal_id)
    if item is not None:
        lock_meeting(session, surely(item.meeting_id))
        item = item_under_way(session, proposal_id)  # as whoever held the meeting before left it
    proposal = first(session, of(WaiverProposal).where(WaiverProposal.id == proposal_id))
    if proposal is None or item is None:
        raise Refusal("waiver.not_sitting", N_("The committee decides this once, during a meeting."))
    waiving.refuse_other_committee(session, proposal, item.committee_id)
    days = Span(proposal.starts_on, proposal.ends_on)
    waiving.refuse_who_owes(session, proposal.agreement_id, proposal.key, days, by=by, at=at)
    clause = _clause(session, proposal.agreement_id, proposal.key)
    for without in (None, clause.organization_id):
        if not attendance.quorum_now(session, surely(item.meeting_id), at, without=without).is_met:
            raise waiving.no_quorum()
    return deciding.decide(
        session,
        surely(item.meeting_id),
        item.id,
        text_fr=_said(_DECIDED, "fr", clause, proposal.key, days),
        text_en=_said(_DECIDED, "en", clause, proposal.key, days),
        kind=MANAGEMENT.key,
        by=by,
        at=at,
        seen=seen,
        in_its_act=True,
    )


def item_under_way(session: Session, proposal_id: UUID) -> AgendaItem | None:
    """The item of a proposal on which a committee sits now, and of which nothing is recorded; None where none is."""
    sat_on = of(AgendaItem).join(Meeting, joins(AgendaItem.meeting_id, Meeting)).where(Meeting.state == "under_way")
    mine = sat_on.where(AgendaItem.kind == WAIVER_ITEM, col(AgendaItem.subject) == str(proposal_id))
    return first(session, mine.where(col(AgendaItem.state).in_(TALKED_ABOUT), AgendaItem.outcome == "").limit(1))


def periods_on(session: Session, meeting_id: UUID) -> dict[UUID, UUID]:
    """The newest period of the clause of which each item of a meeting would free a partner, by the item."""
    of_clause = and_(
        same(ObligationPeriod, WaiverProposal),
        ObligationPeriod.agreement_id == WaiverProposal.agreement_id,
        ObligationPeriod.key == WaiverProposal.key,
    )
    proposed = only(AgendaItem.id, ObligationPeriod.id).join(WaiverProposal, waiving.OF_PROPOSAL)
    periods = proposed.join(ObligationPeriod, of_clause).where(AgendaItem.meeting_id == meeting_id)
    return dict(tuples(session, periods.order_by(col(ObligationPeriod.starts_on))))


class _Clause(NamedTuple):
    text_fr: str
    text_en: str
    organization_id: UUID
    organization: str


def _clause(session: Session, agreement_id: UUID, key: str) -> _Clause:
    """A clause's partner and words, by its last version. Raises Refusal where the agreement never had it.

    The agreement is held as its own verbs hold it, so that two who propose at once take turns.
    """
    run(session, only(Agreement.id).where(Agreement.id == agreement_id).with_for_update(key_share=True))
    found = run(
        session,
        only(Obligation.text_fr, Obligation.text_en, Agreement.organization_id, Organization.short_name)
        .join(AgreementVersion, joins(Obligation.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .join(Organization, joins(Agreement.organization_id, Organization))
        .where(Obligation.key == key, Agreement.id == agreement_id)
        .order_by(col(AgreementVersion.n).desc())
        .limit(1),
    ).first()
    if found is None:
        raise Refusal("obligation.unknown", N_("There is no such obligation."))
    return _Clause(*found)


def _said(words: str, language: str, clause: _Clause, key: str, days: Span) -> str:
    return say(
        language,
        words,
        organization=clause.organization,
        clause=clause_without_role(key),
        first=show_day(language, days.starts_on),
        last=show_day(language, surely(days.ends_on)),
        duty=clause.text_fr if language == "fr" else clause.text_en,
    )
