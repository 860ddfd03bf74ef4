"""What a waiver rests on: who may have a hand in it, the committee that decides it, and the proposal it was decided on.

A waiver is proposed to the committee that the agreement names, as an item of its agenda; what that committee decides on
the item frees the partner. Nobody who owes the clause proposes it, records the decision, or records the waiver.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, cast, false, literal, select, true, union
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import local_day, many, one, program, program_of
from domain.kernel.spans import Span
from domain.obligations.owing import EVER, acts_among, on_day, who_owes
from locales import N_
from models.agenda import AgendaItem
from models.agreement import Agreement, AgreementVersion, Obligation
from models.base import refers, table_of
from models.committee import Committee
from models.minutes import Decision
from models.obligation import WAIVER_ITEM, ObligationPeriod, Waiver, WaiverProposal
from models.program import Person

_proposal = table_of(WaiverProposal)
_waiver = table_of(Waiver)
_item = table_of(AgendaItem)
_decision = table_of(Decision)
_committee = table_of(Committee)
_agreement = table_of(Agreement)
_period = table_of(ObligationPeriod)
_version = table_of(AgreementVersion)
_obligation = table_of(Obligation)
_person = table_of(Person)

#: The condition that an item of an agenda asks what a proposal proposes.
OF_PROPOSAL: Final = (
    (_item.c.program_id == _proposal.c.program_id)
    & (_item.c.kind == WAIVER_ITEM)
    & (_item.c.subject == cast(_proposal.c.id, Text))
)


def committee_for(session: Session, agreement_id: UUID, key: str) -> str:
    """The key of the committee that frees the partner of a clause: as the last version that has the clause names it.

    Where that names none, it is the one by which the program decides on its coordination (GV-4).
    """
    named = session.scalar(
        select(_version.c.terms["oversight"]["waivers"].astext)
        .join(_obligation, refers(_obligation.c.agreement_version_id, _version))
        .where(
            _version.c.program_id == program_of(session),
            _version.c.agreement_id == agreement_id,
            _version.c.state.in_(["in_force", "ended"]),
            _obligation.c.key == key,
        )
        .order_by(_version.c.starts_on.desc())
        .limit(1)
    )
    return str(named or program(session).coordination["decisions"]["committee"])


def decided_on(session: Session, decision_id: UUID) -> dict[str, Any] | None:
    """The proposal on whose item a decision was taken, with `committee`, `decided_in`, `decided_by` and `decided_at`.

    None for a decision on anything else, or outside the items.
    """
    return one(
        session,
        select(
            _proposal,
            _decision.c.committee_id.label("decided_in"),
            _decision.c.recorded_by.label("decided_by"),
            _decision.c.decided_at,
        )
        .select_from(_decision)
        .join(_item, refers(_decision.c.item_id, _item))
        .join(_proposal, OF_PROPOSAL)
        .where(_decision.c.program_id == program_of(session), _decision.c.id == decision_id),
    )


def freed_by(session: Session, decision_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The clauses of which each of these decisions frees a partner: by a waiver that rests on it, or a proposal.

    Each row has `decision_id`, `agreement_id`, `key`, `starts_on`, `ends_on`, `is_recorded` (of a waiver), and the
    partner's `organization_id`. Of no decisions it asks too: who may not read one is answered as where there is none.
    """
    names = ("agreement_id", "key", "starts_on", "ends_on")
    these = any_(literal(sorted(decision_ids), ARRAY(Uuid())))  # one question, of however many
    recorded = select(
        _waiver.c.program_id, _waiver.c.decision_id, true().label("is_recorded"), *(_waiver.c[name] for name in names)
    ).where(_waiver.c.program_id == program_of(session), _waiver.c.decision_id == these)
    proposed = (
        select(_proposal.c.program_id, _decision.c.id, false(), *(_proposal.c[name] for name in names))
        .select_from(_decision)
        .join(_item, refers(_decision.c.item_id, _item))
        .join(_proposal, OF_PROPOSAL)
        .where(_decision.c.program_id == program_of(session), _decision.c.id == these)
    )
    freed = union(recorded, proposed).subquery()
    return many(
        session,
        select(*(freed.c[name] for name in ("decision_id", "is_recorded", *names)), _agreement.c.organization_id)
        .join(_agreement, refers(freed.c.agreement_id, _agreement))
        .order_by(*(freed.c[name] for name in (*names, "decision_id"))),
    )


def owing_freed(session: Session, freed: Iterable[Mapping[str, Any]], *, at: datetime) -> frozenset[UUID]:
    """The people who owe these clauses on the days on which they are freed of them or today.

    Nobody is among them for being named the deputy of one: else who owes would take the word from another partner by
    naming its people. `freed` are rows as `freed_by` has them.
    """
    today = on_day(local_day(session, at))
    days = {(row["agreement_id"], row["key"], Span(row["starts_on"], row["ends_on"])) for row in freed}
    return frozenset().union(
        *(_who_owes(session, agreement_id, key, [span, today], acting=None) for agreement_id, key, span in days)
    )


def partner_of(session: Session, proposal: Mapping[str, Any]) -> UUID:
    """The partner that a proposal would free."""
    found: UUID = session.scalars(
        select(_agreement.c.organization_id).where(
            _agreement.c.program_id == program_of(session), _agreement.c.id == proposal["agreement_id"]
        )
    ).one()
    return found


def freed_period(session: Session, decision_id: UUID) -> UUID | None:
    """The newest period of the clause of which a decision frees a partner; None for a decision on anything else."""
    found: UUID | None = session.scalar(
        select(_period.c.id)
        .select_from(_decision)
        .join(_item, refers(_decision.c.item_id, _item))
        .join(_proposal, OF_PROPOSAL)
        .join(
            _period,
            (_period.c.program_id == _proposal.c.program_id)
            & (_period.c.agreement_id == _proposal.c.agreement_id)
            & (_period.c.key == _proposal.c.key),
        )
        .where(_decision.c.program_id == program_of(session), _decision.c.id == decision_id)
        .order_by(_period.c.starts_on.desc())
        .limit(1)
    )
    return found


def proposals_of(session: Session, agreement_id: UUID, key: str) -> list[dict[str, Any]]:
    """What was proposed for a clause, the newest first, with who proposed it, its item and what was decided on it.

    `item_state` and `outcome` are those of the item that was asked for last; `decision_id` and `decision` are None
    where nothing was decided.
    """
    # What is carried over keeps the moment at which it was asked for.
    last = (_item.c.asked_at.desc(), _item.c.times_seen.desc(), _item.c.id)
    latest = select(_item).where(OF_PROPOSAL).order_by(*last).limit(1).lateral("latest")
    taken = (
        select(_decision.c.id, _decision.c.number)
        .join(_item, refers(_decision.c.item_id, _item))
        .where(OF_PROPOSAL)
        .order_by(_decision.c.decided_at.desc())
        .limit(1)
        .lateral("taken")
    )
    return many(
        session,
        select(
            _proposal,
            _committee.c.key.label("committee"),
            _committee.c.title_fr,
            _committee.c.title_en,
            _person.c.given_name,
            _person.c.family_name,
            latest.c.id.label("item_id"),
            latest.c.state.label("item_state"),
            latest.c.outcome,
            latest.c.meeting_id,
            taken.c.id.label("decision_id"),
            taken.c.number.label("decision"),
        )
        .join(_committee, refers(_proposal.c.committee_id, _committee))
        .join(_person, refers(_proposal.c.proposed_by, _person))
        .outerjoin(latest, latest.c.program_id == _proposal.c.program_id)
        .outerjoin(taken, taken.c.id.is_not(None))
        .where(
            _proposal.c.program_id == program_of(session),
            _proposal.c.agreement_id == agreement_id,
            _proposal.c.key == key,
        )
        .order_by(_proposal.c.proposed_at.desc(), _proposal.c.id),
    )


def refuse_while_being_taken_back(session: Session, decision_id: UUID) -> None:
    """Refuse to record a waiver while a later decision that takes its decision back waits for the partners.

    Else recording it would take the word from the partner that was asked about that one. Raises Refusal.
    """
    freeing, later = _decision.alias("freeing"), _decision
    number: str | None = session.scalar(
        select(later.c.number)
        .join(freeing, (freeing.c.program_id == later.c.program_id) & (freeing.c.number == any_(later.c.takes_back)))
        .where(
            freeing.c.program_id == program_of(session),
            freeing.c.id == decision_id,
            later.c.has_quorum,  # without one it takes nothing back
            later.c.endorsement.in_(["pending", "objected"]),
            later.c.state != "withdrawn",
        )
        .order_by(later.c.number)
        .limit(1)
    )
    if number is not None:
        raise Refusal(
            "waiver.being_taken_back",
            N_("Decision %(number)s revokes this one, and waits for the partners: its outcome comes first."),
            source="GV-4",
            number=number,
        )


def refuse_other_committee(session: Session, proposal: Mapping[str, Any]) -> None:
    """Refuse what another committee decided than the one that the agreement names. Raises Refusal."""
    named = session.scalar(
        select(_committee.c.id).where(
            _committee.c.program_id == program_of(session),
            _committee.c.key == committee_for(session, proposal["agreement_id"], proposal["key"]),
        )
    )
    if proposal["decided_in"] != named:
        raise Refusal(
            "waiver.other_committee", N_("Another committee grants waivers of this clause: the agreement names it.")
        )


def no_quorum() -> Refusal:
    """Too few sit to free a partner of a clause, or would without that partner."""
    return Refusal(
        "waiver.no_quorum",
        N_("A waiver is granted by a committee that has its quorum, also without that partner."),
    )


def own() -> Refusal:
    """Who owes a clause would have a part in its waiver."""
    return Refusal(
        "waiver.own",
        N_("You take no part in the waiver of a clause that you owe, or that a person whom you replace owes."),
    )


def refuse_who_owes(
    session: Session,
    agreement_id: UUID,
    key: str,
    days: Span,
    *,
    by: Actor,
    at: datetime,
    proposal: Mapping[str, Any] | None = None,
) -> None:
    """Refuse a hand in a waiver to who owes the clause, or acts for them, under whichever hat. Raises Refusal.

    They are those of the days that are to be waived, of today and, with a `proposal`, of the days on which it was
    proposed and decided; who proposed it and recorded the decision is asked as well.
    """
    today = local_day(session, at)
    asked = [days, on_day(today)]
    if proposal is not None:
        asked += [on_day(local_day(session, proposal[name])) for name in ("proposed_at", "decided_at")]
    owing = _who_owes(session, agreement_id, key, asked, acting=EVER)
    if by.person_id is None or acts_among(by, owing):
        raise own()
    if proposal is None:
        return
    if {proposal["proposed_by"], proposal["proposed_for"], proposal["decided_by"]} & owing:
        raise Refusal(
            "waiver.own_proposal",
            N_(
                "This waiver was proposed, or its decision recorded, by a person who owes the "
                "clause: have it decided again."
            ),
        )


def _who_owes(
    session: Session, agreement_id: UUID, key: str, days: list[Span], *, acting: Span | None
) -> frozenset[UUID]:
    """Who owes a clause by any of the versions that had it, or acts for one who does, as `who_owes` has it."""
    rows = session.execute(
        select(_obligation.c.owed_by, _agreement.c.organization_id)
        .distinct()
        .join(_version, refers(_obligation.c.agreement_version_id, _version))
        .join(_agreement, refers(_version.c.agreement_id, _agreement))
        .where(
            _obligation.c.program_id == program_of(session), _obligation.c.key == key, _agreement.c.id == agreement_id
        )
    )
    return frozenset().union(
        *(who_owes(session, row.owed_by, row.organization_id, days, acting=acting) for row in rows)
    )
