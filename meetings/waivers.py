"""Waivers at a committee: proposed as an item of its agenda, and decided while it sits on that item.

What is decided on the item frees the partner, in the program's own words: a committee that does not want it has the
item treated, and decides nothing. The waiver itself is recorded afterwards (`domain.obligations.attestations.waive`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import and_, insert, select
from sqlmodel import Session

from domain.casework.tasks import needed_reason
from domain.declarations.program_agreements import clause_without_role
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, one, program_of
from domain.kernel.spans import Span
from domain.obligations import waiving
from domain.obligations.clauses import waivers
from domain.record import events
from locales import N_, say, show_day
from meetings import agendas, attendance, decisions
from meetings.agenda_items import TALKED_ABOUT
from meetings.committees import committee_of
from meetings.locking import lock_meeting
from meetings.reasons import Reason
from models.agenda import AgendaItem
from models.agreement import Agreement, AgreementVersion, Obligation
from models.base import refers, table_of
from models.meeting import Meeting
from models.obligation import WAIVER_ITEM, ObligationPeriod, WaiverProposal
from models.program import Organization

_proposal = table_of(WaiverProposal)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_obligation = table_of(Obligation)
_organization = table_of(Organization)
_item = table_of(AgendaItem)
_meeting = table_of(Meeting)
_period = table_of(ObligationPeriod)

_TITLE: Final = N_("Grant %(organization)s a waiver of clause %(clause)s, from %(first)s to %(last)s")
_DECIDED: Final = N_("%(organization)s has a waiver of clause %(clause)s from %(first)s to %(last)s: %(duty)s")
_PROPOSED: Final = Reason("waiver_proposed", N_("It was proposed on %(day)s; the page of the clause says why."))


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

    Both days are local and inclusive. The item waits for the committee's next agenda. Raises Refusal: no such clause,
    days in disorder, no reason, by one who owes the clause, or these days are waived or proposed already.
    """
    clause = _clause(session, agreement_id, key)
    if ends_on < starts_on:
        raise Refusal("waiver.in_order", N_("The last day comes before the first."))
    reason = needed_reason(reason)
    waiving.refuse_who_owes(session, agreement_id, key, Span(starts_on, ends_on), by=by, at=at)
    assert by.person_id is not None  # noqa: S101 - refused above
    days = Span(starts_on, ends_on)
    if any(days.within(Span(one["starts_on"], one["ends_on"])) for one in waivers(session, agreement_id, key)):
        raise Refusal("waiver.twice", N_("The partner already has a waiver of this clause on some of these days."))
    if any(
        one["item_state"] in ("pool", "scheduled") and days.within(Span(one["starts_on"], one["ends_on"]))
        for one in waiving.proposals_of(session, agreement_id, key)
    ):
        raise Refusal("waiver.proposed_already", N_("This is already proposed, and waits for the committee."))
    committee = waiving.committee_for(session, agreement_id, key)
    proposal_id = uuid4()
    session.execute(
        insert(_proposal).values(
            program_id=program_of(session),
            id=proposal_id,
            agreement_id=agreement_id,
            key=key,
            committee_id=committee_of(session, committee)["id"],
            starts_on=starts_on,
            ends_on=ends_on,
            reason=reason,
            proposed_by=by.person_id,
            proposed_as=by.role,
            proposed_for=by.acting_for,
            proposed_at=at,
        )
    )
    facts = {**clause, "starts_on": starts_on, "ends_on": ends_on, "key": key}
    agendas.ask(
        session,
        committee,
        WAIVER_ITEM,
        str(proposal_id),
        title_fr=_said(_TITLE, "fr", facts),
        title_en=_said(_TITLE, "en", facts),
        reasons=[Reason(_PROPOSED.code, _PROPOSED.sentence, {"day": local_day(session, at).isoformat()})],
        purpose="decision",
        by=by,
        at=at,
    )
    events.write(
        session,
        "obligation.waiver_proposed",
        "agreement",
        agreement_id,
        by=by,
        at=at,
        clause=key,
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
        committee=committee,
    )
    return proposal_id


def decide(session: Session, proposal_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> UUID:
    """Record that the committee frees the partner, as proposed, while it sits on the item; the decision's id.

    It is a decision on management (GV-4), in the program's own words. The quorum is there also without the votes of the
    partner that is freed. Raises Refusal: the committee does not sit on it now, it is another than the agreement names,
    there is no quorum, something was recorded of the item, or by one who owes the clause.
    """
    proposal = one(
        session, select(_proposal).where(_proposal.c.program_id == program_of(session), _proposal.c.id == proposal_id)
    )
    item = item_under_way(session, proposal_id) if proposal is not None else None
    if proposal is None or item is None:
        raise Refusal("waiver.not_sitting", N_("The committee decides this once, during a meeting."))
    lock_meeting(session, item["meeting_id"])
    item = item_under_way(session, proposal_id)  # as whoever held the meeting before left it
    if item is None:
        raise Refusal("waiver.not_sitting", N_("The committee decides this once, during a meeting."))
    waiving.refuse_other_committee(session, {**proposal, "decided_in": item["committee_id"]})
    days = Span(proposal["starts_on"], proposal["ends_on"])
    waiving.refuse_who_owes(session, proposal["agreement_id"], proposal["key"], days, by=by, at=at)
    clause = _clause(session, proposal["agreement_id"], proposal["key"])
    for without in (None, clause["organization_id"]):
        if not attendance.quorum_now(session, item["meeting_id"], at, without=without).is_met:
            raise waiving.no_quorum()
    facts = {**clause, **proposal}
    return decisions.decide(
        session,
        item["meeting_id"],
        item["id"],
        text_fr=_said(_DECIDED, "fr", facts),
        text_en=_said(_DECIDED, "en", facts),
        kind=decisions.ENDORSED_KIND,
        by=by,
        at=at,
        seen=seen,
        in_its_act=True,
    )


def item_under_way(session: Session, proposal_id: UUID) -> dict[str, Any] | None:
    """The item of a proposal on which a committee sits now, and of which nothing is recorded; None where none is."""
    return one(
        session,
        select(*(_item.c[name] for name in ("id", "version", "meeting_id", "committee_id")))
        .join(_meeting, refers(_item.c.meeting_id, _meeting))
        .where(
            _item.c.program_id == program_of(session),
            _item.c.kind == WAIVER_ITEM,
            _item.c.subject == str(proposal_id),
            _item.c.state.in_(TALKED_ABOUT),
            _item.c.outcome == "",
            _meeting.c.state == "under_way",
        )
        .limit(1),
    )


def periods_on(session: Session, meeting_id: UUID) -> dict[UUID, UUID]:
    """The newest period of the clause of which each item of a meeting would free a partner, by the item."""
    rows = session.execute(
        select(_item.c.id, _period.c.id.label("period_id"))
        .join(_proposal, waiving.OF_PROPOSAL)
        .join(
            _period,
            and_(
                _period.c.program_id == _proposal.c.program_id,
                _period.c.agreement_id == _proposal.c.agreement_id,
                _period.c.key == _proposal.c.key,
            ),
        )
        .where(_item.c.program_id == program_of(session), _item.c.meeting_id == meeting_id)
        .order_by(_period.c.starts_on)
    )
    return {row.id: row.period_id for row in rows}


def _clause(session: Session, agreement_id: UUID, key: str) -> dict[str, Any]:
    """A clause's partner and words, by its last version. Raises Refusal where the agreement never had it.

    The agreement is held as its own verbs hold it, so that two who propose at once take turns.
    """
    here = program_of(session)
    session.execute(
        select(_agreement.c.id)
        .where(_agreement.c.program_id == here, _agreement.c.id == agreement_id)
        .with_for_update(key_share=True)
    )
    found = one(
        session,
        select(_obligation.c.text_fr, _obligation.c.text_en, _agreement.c.organization_id, _organization.c.short_name)
        .join(_version, refers(_obligation.c.agreement_version_id, _version))
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .join(_organization, refers(_agreement.c.organization_id, _organization))
        .where(_obligation.c.program_id == here, _obligation.c.key == key, _agreement.c.id == agreement_id)
        .order_by(_version.c.n.desc())
        .limit(1),
    )
    if found is None:
        raise Refusal("obligation.unknown", N_("There is no such obligation."))
    return found


def _said(words: str, language: str, facts: Mapping[str, Any]) -> str:
    return say(
        language,
        words,
        organization=facts["short_name"],
        clause=clause_without_role(facts["key"]),
        first=show_day(language, facts["starts_on"]),
        last=show_day(language, facts["ends_on"]),
        duty=facts[f"text_{language}"],
    )
