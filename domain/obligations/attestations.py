"""What people say of obligations: attestations, documents, and the waivers that a decision grants.

The one who owes a clause gives the proof of it, which another accepts (`accepting`), and records no waiver of it.

Each verb judges the obligations that it touches again in the same transaction. The caller commits.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.casework import asking, checked_note, complete_task, needed_reason, proofs
from domain.declarations import BY_DOCUMENTS, COORDINATOR, Touched, VersionClause, rule_of
from domain.endorsement import refuse_unless_it_counts
from domain.kernel import (
    SHAPE,
    Actor,
    Refusal,
    Span,
    add_row,
    also,
    changes,
    col,
    first,
    joins,
    local_day,
    of,
    only,
    program_of,
    rewrite,
    run,
    same,
    scalar,
    select,
    surely,
)
from domain.obligations import waiving
from domain.obligations.clauses import waivers
from domain.obligations.owing import acts_among, on_day, up_to, who_owes
from domain.obligations.projection import keep
from domain.obligations.reading import PeriodRead, periods_as
from domain.obligations.to_accept import GIVE_AGAIN
from domain.obligations.turns import take_turn
from domain.record import events
from locales import N_
from models.agreement import Agreement, AgreementVersion, Obligation
from models.casework import Task
from models.minutes import Decision
from models.obligation import ATTESTED_AS, Attestation, ObligationDocument, ObligationFile, ObligationPeriod, Waiver

HELD: Final = ATTESTED_AS[0]


def attest(
    session: Session, period_id: UUID, said: str, *, note: str = "", by: Actor, at: datetime, judged: bool = True
) -> None:
    """State in writing whether what a clause asks for held in a period; that completes its task.

    A later statement replaces the earlier one: both are kept. With `judged` false, a caller who states several has them
    judged once, afterwards. Raises Refusal: checked otherwise than by attestation, not theirs to state, before the
    period has begun, that it held before the period has had its time (`AttestationRule.from_day`), or "not held"
    without a word of why.
    """
    row, clause = _lock(session, period_id)
    _refuse_to_state(row, clause, said, by=by, today=local_day(session, at))
    note = checked_note(note) if said == HELD else needed_reason(note)
    run(
        session,
        changes(Attestation)
        .where(Attestation.period_id == period_id, col(Attestation.superseded_at).is_(None))
        .values(superseded_at=at),
    )
    stated = Attestation(
        program_id=program_of(session),
        period_id=period_id,
        person_id=surely(by.person_id),
        role=by.role,
        acting_for=by.acting_for,
        said=said,
        to_be_accepted=said == HELD and _says_it_of_themselves(session, row, clause, by, at),
        note=note,
        said_at=at,
    )
    add_row(session, stated)
    events.write(
        session, "obligation.attested", "obligation_period", period_id, by=by, at=at, said=said, clause=row.key
    )
    task = _open_task(session, row.task_id)
    if task is not None:
        complete_task(session, task, by=by, at=at, in_its_act=True)
    asking.answered(session, GIVE_AGAIN, period_id, by=by, at=at)
    if judged:
        touched = partial(Touched, (Span(row.starts_on, row.ends_on),))
        keep(session, organization_ids=[row.organization_id], kinds=[clause.kind], touched=touched, by=by, at=at)


def _refuse_to_state(row: PeriodRead, clause: VersionClause, said: str, *, by: Actor, today: date) -> None:
    """Refuse a statement that is not asked, not theirs, or comes too soon. Raises Refusal."""
    stated = clause.rule.stated()
    if stated is None:
        raise Refusal(
            "attestation.not_asked", N_("This obligation is not attested in writing: it is checked by the records.")
        )
    if by.role != stated.by or (stated.by != COORDINATOR and by.organization_id != row.organization_id):
        raise Refusal("attestation.not_yours", N_("Someone else must state this: the holder of the role named there."))
    if said not in ATTESTED_AS:
        raise Refusal("attestation.unknown", N_("Attest that it was met, or that it was not."))
    if row.starts_on > today:
        raise Refusal("attestation.early", N_("This period has not begun."))
    first = stated.from_day(row.starts_on, row.ends_on)
    if said == HELD and today < first:
        raise Refusal(
            "attestation.too_soon",
            N_("“It was met” can be attested once the period is far enough along: from %(day)s on."),
            day=first.isoformat(),
        )


def _says_it_of_themselves(session: Session, row: PeriodRead, clause: VersionClause, by: Actor, at: datetime) -> bool:
    """Whether the one who states that a clause was kept also owes it, so that another has to accept it.

    What the coordination owes is accepted at another partner, even where another of its own people states it.
    """
    today = local_day(session, at)
    days = [Span(row.starts_on, row.ends_on), on_day(today)]
    owing = who_owes(session, clause.owed_by, row.organization_id, days, acting=up_to(today))
    is_of_the_coordination = clause.owed_by == COORDINATOR and by.organization_id == row.organization_id
    return is_of_the_coordination or acts_among(by, owing)


def add_document(
    session: Session,
    period_id: UUID,
    name: str,
    content: bytes,
    *,
    effective_on: date,
    by: Actor,
    at: datetime,
    judged: bool = True,
) -> UUID:
    """Add a document that an obligation asks for, of the local day that it speaks of; its id. `judged` as in `attest`.

    Raises Refusal: the obligation asks for none, the day is to come, or the file is not what its name says.
    """
    row, clause = _lock(session, period_id)
    if not clause.rule.document():
        raise Refusal("document.not_asked", N_("This obligation asks for no document: it is checked differently."))
    if effective_on > local_day(session, at):
        raise Refusal("document.day_to_come", N_("A document is of a day that has come, not of a future one."))
    checked = proofs.checked_document(name, content)
    document = ObligationDocument(
        program_id=program_of(session),
        agreement_id=row.agreement_id,
        key=row.key,
        kind=clause.rule.document(),
        effective_on=effective_on,
        added_at=at,
        added_by=by.person_id,
        added_as=by.role,
        added_for=by.acting_for,
        **checked.columns,
    )
    add_row(session, document)
    add_row(session, ObligationFile(program_id=document.program_id, id=document.id, content=checked.content))
    events.write(
        session,
        "obligation.document_added",
        "obligation_document",
        document.id,
        by=by,
        at=at,
        clause=row.key,
        effective_on=effective_on.isoformat(),
    )
    if Span(row.period_starts, row.period_ends).holds(effective_on):
        asking.answered(session, GIVE_AGAIN, period_id, by=by, at=at)
    if judged:
        touched = partial(Touched, (Span(effective_on, effective_on),))
        keep(session, organization_ids=[row.organization_id], kinds=[clause.kind], touched=touched, by=by, at=at)
    return document.id


class DocumentOf(ObligationDocument):
    """A document with the partner for which it was given."""

    model_config = SHAPE

    organization_id: UUID = also(Agreement.organization_id)


def withdraw_document(session: Session, document_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Withdraw a document, with the reason; it is kept, and no longer counts. Raises Refusal."""
    take_turn(session)  # before the document is locked: one who accepts it refers to it in their own turn
    row = first(
        session,
        of(DocumentOf)
        .join(Agreement, joins(ObligationDocument.agreement_id, Agreement))
        .where(ObligationDocument.id == document_id)
        .with_for_update(of=ObligationDocument),
    )
    if row is None or row.withdrawn_at is not None:
        raise Refusal("document.unknown", N_("There is no such document."))
    rewrite(session, ObligationDocument, document_id, withdrawn_at=at, withdrawn_why=needed_reason(reason))
    events.write(
        session, "obligation.document_withdrawn", "obligation_document", document_id, by=by, at=at, clause=row.key
    )
    touched = partial(Touched, (Span(row.effective_on, row.effective_on),))
    keep(session, organization_ids=[row.organization_id], kinds=BY_DOCUMENTS, touched=touched, by=by, at=at)


def waive(
    session: Session,
    agreement_id: UUID,
    key: str,
    *,
    starts_on: date,
    ends_on: date,
    decision_id: UUID,
    reason: str,
    by: Actor,
    at: datetime,
) -> UUID:
    """Waive a clause for a partner from a local day to another, both inclusive, by a decision; the waiver's id.

    The decision was taken on a proposal to free this partner of this clause on these days, by the committee that the
    agreement names, with a quorum, and is in effect. Those who owe the clause on these days, today or when it was
    proposed, and those who act for one who does, do not record the waiver. Nor did they propose it, nor record the
    decision. Raises Refusal: one of these, no such clause, a decision not in effect, days in disorder, or days waived
    already.
    """
    # As the agreement's own verbs lock it: a judge may refer to it meanwhile, and no one waits in a circle.
    agreement = first(session, of(Agreement).where(Agreement.id == agreement_id).with_for_update(key_share=True))
    known = agreement is not None and scalar(
        session,
        only(Obligation.id)
        .join(AgreementVersion, joins(Obligation.agreement_version_id, AgreementVersion))
        .where(Obligation.key == key, AgreementVersion.agreement_id == agreement_id)
        .limit(1),
    )
    if agreement is None or not known:
        raise Refusal("obligation.unknown", N_("There is no such obligation."))
    if ends_on < starts_on:
        raise Refusal("waiver.in_order", N_("The last day comes before the first."))
    days = Span(starts_on, ends_on)
    proposal = _proposal_decided(session, decision_id, agreement_id, key, days)
    waiving.refuse_who_owes(session, agreement_id, key, days, by=by, at=at, proposal=proposal)
    if _is_waived(session, agreement_id, key, days):
        raise Refusal("waiver.twice", N_("The partner already has a waiver of this clause on some of these days."))
    _set_aside(session, agreement_id, key, days, at=at)
    waiver = Waiver(
        program_id=program_of(session),
        agreement_id=agreement_id,
        key=key,
        starts_on=starts_on,
        ends_on=ends_on,
        decision_id=decision_id,
        proposal_id=proposal.id,
        reason=needed_reason(reason),
        recorded_by=by.person_id,
        recorded_as=by.role,
        recorded_for=by.acting_for,
        recorded_at=at,
    )
    add_row(session, waiver)
    told: dict[str, events.Fact] = {
        "clause": key,
        "starts_on": starts_on.isoformat(),
        "ends_on": ends_on.isoformat(),
        "decision": str(decision_id),
    }
    events.write_many(session, "obligation.waived", "agreement", [(agreement_id, told)], by=by, at=at)
    touched = partial(Touched, (days,))
    keep(session, organization_ids=[agreement.organization_id], touched=touched, by=by, at=at)
    return waiver.id


def _proposal_decided(
    session: Session, decision_id: UUID, agreement_id: UUID, key: str, days: Span
) -> waiving.DecidedOn:
    """The proposal on which a decision was taken that frees a partner of this clause on these days. Raises Refusal."""
    proposal = waiving.decided_on(session, decision_id)
    refuse_unless_it_counts(session, decision_id, with_quorum=True)
    if proposal is None or (proposal.agreement_id, proposal.key) != (agreement_id, key):
        raise Refusal(
            "waiver.other_decision",
            N_("This decision grants this partner no waiver of this clause. Propose one to the committee first."),
        )
    waiving.refuse_while_being_taken_back(session, decision_id)
    waiving.refuse_other_committee(session, proposal, proposal.decided_in)
    if days.within(Span(proposal.starts_on, proposal.ends_on)) != days:
        raise Refusal(
            "waiver.other_days",
            N_("The committee decided on the days from %(first)s to %(last)s, and on no others."),
            first=proposal.starts_on.isoformat(),
            last=proposal.ends_on.isoformat(),
        )
    return proposal


def _is_waived(session: Session, agreement_id: UUID, key: str, days: Span) -> bool:
    """Whether a waiver already covers some of these days: also one whose decision waits to be settled."""
    waits = scalar(
        session,
        only(Waiver.id)
        .join(Decision, joins(Waiver.decision_id, Decision))
        .where(*_of_days(agreement_id, key, days), Decision.state != "withdrawn")
        .limit(1),
    )
    return waits is not None or any(
        days.within(Span(one.starts_on, one.ends_on)) for one in waivers(session, agreement_id, key)
    )


def _set_aside(session: Session, agreement_id: UUID, key: str, days: Span, *, at: datetime) -> None:
    """Set aside the waivers of a clause for some of these days with a decision that was revoked."""
    withdrawn = select(Decision.id).where(same(Decision, Waiver), Decision.state == "withdrawn")
    run(
        session,
        changes(Waiver)
        .where(*_of_days(agreement_id, key, days), col(Waiver.decision_id).in_(withdrawn))
        .values(set_aside_at=at, version=col(Waiver.version) + 1),
    )


def _of_days(agreement_id: UUID, key: str, days: Span) -> tuple[bool | ColumnElement[bool], ...]:
    """The conditions on a waiver of a clause that it is for some of these days, and was not set aside."""
    return (
        Waiver.agreement_id == agreement_id,
        Waiver.key == key,
        col(Waiver.starts_on) <= days.ends_on,
        col(Waiver.ends_on) >= days.starts_on,
        col(Waiver.set_aside_at).is_(None),
    )


def _lock(session: Session, period_id: UUID) -> tuple[PeriodRead, VersionClause]:
    """A period with its partner and its clause, locked once it is our turn: whoever judges writes the same rows."""
    take_turn(session)
    asked = periods_as(PeriodRead).where(ObligationPeriod.id == period_id)
    row = first(session, asked.with_for_update(of=ObligationPeriod))
    if row is None:
        raise Refusal("obligation.unknown", N_("There is no such obligation."))
    rule = rule_of(row.check_kind, row.rule)
    return row, VersionClause(row.obligation_id, row.key, row.owed_by, row.how_often, rule, row.text_fr, row.text_en)


def _open_task(session: Session, task_id: UUID | None) -> UUID | None:
    if task_id is None:
        return None
    found: UUID | None = scalar(session, only(Task.id).where(Task.id == task_id, Task.state == "open"))
    return found
