"""What a waiver rests on: who may take part in it, the committee that decides, and the proposal that it decided.

A waiver is proposed to the committee that the agreement names, as an item of its agenda. What that committee decides on
the item frees the partner. Those who owe the clause do not propose it, record the decision, or record the waiver.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, cast, false, true, union
from sqlalchemy.orm import aliased
from sqlmodel import Session

from domain.kernel import (
    SHAPE,
    Actor,
    AnySelect,
    Refusal,
    Span,
    also,
    built,
    col,
    every,
    first,
    in_program,
    inside,
    joins,
    local_day,
    of,
    only,
    program,
    run,
    same,
    scalar,
    scalars,
    select,
    tuples,
    value_of,
)
from domain.obligations.owing import EVER, acts_among, on_day, who_owes
from locales import N_
from models.agenda import AgendaItem
from models.agreement import Agreement, AgreementVersion, Obligation
from models.committee import Committee
from models.minutes import Decision
from models.obligation import WAIVER_ITEM, ObligationPeriod, Waiver, WaiverProposal
from models.program import Person

#: The condition that an item of an agenda asks what a proposal proposes.
OF_PROPOSAL: Final = (
    same(AgendaItem, WaiverProposal)
    & (col(AgendaItem.kind) == WAIVER_ITEM)
    & (col(AgendaItem.subject) == cast(col(WaiverProposal.id), Text))
)


def committee_for(session: Session, agreement_id: UUID, key: str) -> str:
    """The key of the committee that waives a clause for a partner: as the last version that has the clause names it.

    Where that names none, it is the one by which the program decides on its coordination (GV-4).
    """
    named = scalar(
        session,
        select(inside(AgreementVersion.terms)["oversight"]["waivers"].astext)
        .join(Obligation, joins(Obligation.agreement_version_id, AgreementVersion))
        .where(
            in_program(AgreementVersion),
            AgreementVersion.agreement_id == agreement_id,
            col(AgreementVersion.state).in_(["in_force", "ended"]),
            Obligation.key == key,
        )
        .order_by(col(AgreementVersion.starts_on).desc())
        .limit(1),
    )
    return str(named or program(session).coordination.decisions.committee)


class DecidedOn(WaiverProposal):
    """A proposal with the decision on it: by which committee, when, and who recorded it."""

    model_config = SHAPE

    decided_in: UUID = also(Decision.committee_id)
    decided_by: UUID | None = also(Decision.recorded_by)
    decided_at: datetime = also(Decision.decided_at)


def decided_on(session: Session, decision_id: UUID) -> DecidedOn | None:
    """The proposal on whose item a decision was taken; None for one on anything else, or outside the items."""
    return first(
        session,
        of(DecidedOn)
        .select_from(Decision)
        .join(AgendaItem, joins(Decision.item_id, AgendaItem))
        .join(WaiverProposal, OF_PROPOSAL)
        .where(in_program(Decision), Decision.id == decision_id),
    )


class FreedBy(NamedTuple):
    """A clause that a decision waives for a partner, by a waiver on record or by a proposal.

    `stake` is what the partner has at stake in a decision that is asked about (`meetings.freeing`).
    """

    decision_id: UUID
    is_recorded: bool
    agreement_id: UUID
    key: str
    starts_on: date
    ends_on: date
    organization_id: UUID
    stake: str = ""


def freed_by(session: Session, decision_ids: Collection[UUID]) -> list[FreedBy]:
    """The clauses that each of these decisions waives for a partner: by a waiver that rests on it, or a proposal.

    It runs without decisions too: a reader who may not read one is answered as where there is none.
    """
    return [FreedBy(*row) for row in tuples(session, _FREED, {"freeing": sorted(decision_ids)})]


def owing_freed(session: Session, freed: Iterable[FreedBy], *, at: datetime) -> frozenset[UUID]:
    """The people who owe these clauses, on the days on which they are waived or today.

    A deputy is not among them: otherwise those who owe would take the word from another partner by naming its people.
    """
    today = on_day(local_day(session, at))
    days = {(row.agreement_id, row.key, Span(row.starts_on, row.ends_on)) for row in freed}
    return frozenset().union(
        *(_who_owes(session, agreement_id, key, [span, today], acting=None) for agreement_id, key, span in days)
    )


def _freed() -> AnySelect:
    names = ("agreement_id", "key", "starts_on", "ends_on")
    these = any_(bindparam("freeing", type_=ARRAY(Uuid())))  # one question, of however many
    recorded = only(
        Waiver.program_id,
        Waiver.decision_id,
        value_of(true().label("is_recorded")),
        *(col(getattr(Waiver, name)) for name in names),
    ).where(Waiver.decision_id == these)
    proposed = (
        select(
            WaiverProposal.program_id,
            Decision.id,
            value_of(false()),
            *(col(getattr(WaiverProposal, name)) for name in names),
        )
        .select_from(Decision)
        .join(AgendaItem, joins(Decision.item_id, AgendaItem))
        .join(WaiverProposal, OF_PROPOSAL)
        .where(in_program(Decision), Decision.id == these)
    )
    freed = union(recorded, proposed).subquery()
    return (
        select(*(freed.c[name] for name in ("decision_id", "is_recorded", *names)), Agreement.organization_id)
        .join(Agreement, joins(freed.c.agreement_id, Agreement))
        .order_by(*(freed.c[name] for name in (*names, "decision_id")))
    )


_FREED: Final = built(_freed())


def partner_of(session: Session, proposal: WaiverProposal) -> UUID:
    """The partner that a proposal would free."""
    found: UUID = scalars(session, only(Agreement.organization_id).where(Agreement.id == proposal.agreement_id)).one()
    return found


def freed_period(session: Session, decision_id: UUID) -> UUID | None:
    """The newest period of the clause that a decision waives; None for a decision on anything else."""
    found: UUID | None = scalar(
        session,
        select(ObligationPeriod.id)
        .select_from(Decision)
        .join(AgendaItem, joins(Decision.item_id, AgendaItem))
        .join(WaiverProposal, OF_PROPOSAL)
        .join(
            ObligationPeriod,
            same(ObligationPeriod, WaiverProposal)
            & (col(ObligationPeriod.agreement_id) == col(WaiverProposal.agreement_id))
            & (col(ObligationPeriod.key) == col(WaiverProposal.key)),
        )
        .where(in_program(Decision), Decision.id == decision_id)
        .order_by(col(ObligationPeriod.starts_on).desc())
        .limit(1),
    )
    return found


#: The item that was asked for last: what is carried over keeps the moment at which it was asked for.
_latest = aliased(
    AgendaItem,
    select(AgendaItem)
    .where(OF_PROPOSAL)
    .order_by(col(AgendaItem.asked_at).desc(), col(AgendaItem.times_seen).desc(), col(AgendaItem.id))
    .limit(1)
    .lateral("latest"),
)
_taken = aliased(
    Decision,
    select(Decision)
    .join(AgendaItem, joins(Decision.item_id, AgendaItem))
    .where(OF_PROPOSAL)
    .order_by(col(Decision.decided_at).desc())
    .limit(1)
    .lateral("taken"),
)


class Proposed(WaiverProposal):
    """A proposal with its author, the item that was last requested for it, and the decision on it, if any."""

    model_config = SHAPE

    committee: str = also(Committee.key)
    title_fr: str = also(Committee.title_fr)
    title_en: str = also(Committee.title_en)
    given_name: str = also(Person.given_name)
    family_name: str = also(Person.family_name)
    item_state: str | None = also(_latest.state)
    outcome: str | None = also(_latest.outcome)
    decision_id: UUID | None = also(_taken.id)
    decision: str | None = also(_taken.number)


def proposals_of(session: Session, agreement_id: UUID, key: str) -> list[Proposed]:
    """The proposals for a clause, the newest first."""
    return every(
        session,
        of(Proposed)
        .join(Committee, joins(WaiverProposal.committee_id, Committee))
        .join(Person, joins(WaiverProposal.proposed_by, Person))
        .outerjoin(_latest, same(_latest, WaiverProposal))
        .outerjoin(_taken, col(_taken.id).is_not(None))
        .where(WaiverProposal.agreement_id == agreement_id, WaiverProposal.key == key)
        .order_by(col(WaiverProposal.proposed_at).desc(), col(WaiverProposal.id)),
    )


def refuse_while_being_taken_back(session: Session, decision_id: UUID) -> None:
    """Refuse to record a waiver while a later decision that revokes its decision waits for the partners.

    Otherwise recording it would take the word from the partner that was asked about that one. Raises Refusal.
    """
    freeing, later = aliased(Decision, name="freeing"), Decision
    number: str | None = scalar(
        session,
        select(later.number)
        .join(freeing, same(freeing, later) & (col(freeing.number) == any_(col(later.takes_back))))
        .where(
            in_program(freeing),
            freeing.id == decision_id,
            col(later.has_quorum),  # without one it takes nothing back
            col(later.endorsement).in_(["pending", "objected"]),
            later.state != "withdrawn",
        )
        .order_by(col(later.number))
        .limit(1),
    )
    if number is not None:
        raise Refusal(
            "waiver.being_taken_back",
            N_("Decision %(number)s revokes this one, and waits for the partners: its outcome comes first."),
            source="GV-4",
            number=number,
        )


def refuse_other_committee(session: Session, proposal: WaiverProposal, decided_in: UUID) -> None:
    """Refuse a decision of another committee than the one that the agreement names. Raises Refusal."""
    named = scalar(
        session,
        only(Committee.id).where(col(Committee.key) == committee_for(session, proposal.agreement_id, proposal.key)),
    )
    if decided_in != named:
        raise Refusal(
            "waiver.other_committee", N_("Another committee grants waivers of this clause: the agreement names it.")
        )


def no_quorum() -> Refusal:
    """The refusal that too few sit to waive a clause for a partner, or would without that partner."""
    return Refusal(
        "waiver.no_quorum", N_("A waiver is granted by a committee that has its quorum, also without that partner.")
    )


def own() -> Refusal:
    """The refusal that one who owes a clause would take part in its waiver."""
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
    proposal: DecidedOn | None = None,
) -> None:
    """Refuse that those who owe the clause, or act for them, take part in its waiver, in any role. Raises Refusal.

    They are those of the days to be waived, of today and, with a `proposal`, of the days on which it was proposed and
    decided. Its author and the one who recorded the decision are checked as well.
    """
    today = local_day(session, at)
    asked = [days, on_day(today)]
    if proposal is not None:
        asked += [on_day(local_day(session, one)) for one in (proposal.proposed_at, proposal.decided_at)]
    owing = _who_owes(session, agreement_id, key, asked, acting=EVER)
    if by.person_id is None or acts_among(by, owing):
        raise own()
    if proposal is None:
        return
    if {proposal.proposed_by, proposal.proposed_for, proposal.decided_by} & owing:
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
    """Those who owe a clause by any of the versions that had it, or act for one who does, as `who_owes` has it."""
    rows = run(
        session,
        only(Obligation.owed_by, Agreement.organization_id)
        .distinct()
        .join(AgreementVersion, joins(Obligation.agreement_version_id, AgreementVersion))
        .join(Agreement, joins(AgreementVersion.agreement_id, Agreement))
        .where(Obligation.key == key, Agreement.id == agreement_id),
    )
    return frozenset().union(
        *(who_owes(session, row.owed_by, row.organization_id, days, acting=acting) for row in rows)
    )
