"""What an asker is to a partner and to what it owes, and finding the ones that they may see."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from api.access.permissions import (
    Action,
    Asker,
    Forbidden,
    Given,
    Relation,
    acting_as,
    allows,
    require,
    themselves,
    to_program,
)
from domain.declarations import COORDINATOR, rule_of
from domain.kernel import SHAPE, Actor, also, col, every, first, joins, of
from domain.obligations import DocumentOf, PeriodRead, reading, to_accept, waiving
from meetings.documents.statement import PartnerStatement
from meetings.statements.partner import partner_statement
from models.agreement import Agreement
from models.obligation import ObligationDocument
from models.program import Organization


def to_partner(asker: Asker, organization_id: UUID) -> Given:
    """What the asker is to an organization: whether they hold a role there, and which."""
    given = to_program(asker, organizations=[organization_id])
    if any(tenure.organization_id == organization_id for tenure in asker.standing.roles_of(asker.person_id)):
        given[Relation.WORKS_HERE] = themselves(asker)
    return given


def to_obligation(session: Session, asker: Asker, row: PeriodRead) -> Given:
    """What the asker is to one period of an obligation: what they are to its partner, whether they owe or state it.

    And whether it falls to them to look at its proof.
    """
    given = to_partner(asker, row.organization_id)
    if _may_look(asker):
        judged = to_accept.period_judged(session, row.id)
        given |= _looking(session, asker, judged) if judged is not None else {}
    owing = asker.hat(row.owed_by, None if row.owed_by == COORDINATOR else row.organization_id)
    if owing is not None:
        given[Relation.OWES] = acting_as(asker, owing)
    stated = rule_of(row.check_kind, row.rule).stated()
    if stated is not None:
        hat = asker.hat(stated.by, None if stated.by == COORDINATOR else row.organization_id)
        if hat is not None:
            given[Relation.ATTESTS] = acting_as(asker, hat)
    return given


class Partner(Organization):
    """An organization with its agreement."""

    model_config = SHAPE

    agreement_id: UUID = also(Agreement.id)


def partners_of(session: Session, asker: Asker) -> list[Partner]:
    """The partners with an agreement, those that the asker may see, by name: `Action.SEE_PARTNER` for each."""
    rows = every(
        session,
        of(Partner)
        .join(Agreement, joins(Agreement.organization_id, Organization))
        .order_by(col(Organization.short_name)),
    )
    return [row for row in rows if allows(Action.SEE_PARTNER, to_partner(asker, row.id)) is not None]


def find_partner(session: Session, asker: Asker, organization_id: UUID) -> tuple[Partner, Given]:
    """A partner that the asker may see, and what they are to it. Raises Forbidden, also where there is none."""
    found = next((row for row in partners_of(session, asker) if row.id == organization_id), None)
    if found is None:
        raise Forbidden
    given = to_partner(asker, organization_id)
    require(Action.SEE_PARTNER, given)
    return found, given


def find_obligation(session: Session, asker: Asker, period_id: UUID) -> tuple[PeriodRead, Given]:
    """One period of an obligation that the asker may see, and what they are to it. Raises Forbidden."""
    row = reading.period(session, period_id)
    if row is None:
        raise Forbidden
    given = to_obligation(session, asker, row)
    require(Action.SEE_OBLIGATION, given)
    return row, given


def find_proof(session: Session, asker: Asker, document_id: UUID) -> tuple[DocumentOf, Actor]:
    """A document given for a clause that the asker may read, without its bytes, and the actor. Raises Forbidden.

    The person who has to look at it reads it for the periods that it may count for.
    """
    row = first(
        session,
        of(DocumentOf)
        .join(Agreement, joins(ObligationDocument.agreement_id, Agreement))
        .where(ObligationDocument.id == document_id),
    )
    if row is None:
        raise Forbidden
    given = to_partner(asker, row.organization_id)
    if _may_look(asker):
        for judged in to_accept.periods_of(session, document_id):
            given = _looking(session, asker, judged) | given
    return row, require(Action.READ_PROOF, given)


def find_proposal(session: Session, row: PeriodRead, proposal_id: UUID) -> waiving.Proposed:
    """A proposal to free the partner of a period's clause. Raises Forbidden where there is none of this clause."""
    found = waiving.proposals_of(session, row.agreement_id, row.key)
    for proposal in found:
        if proposal.id == proposal_id:
            return proposal
    raise Forbidden


def to_waiver(session: Session, asker: Asker, decision_id: UUID) -> Given:
    """Whether it falls to the asker to have a hand in what a decision frees a partner of; nothing for any other."""
    period_id = waiving.freed_period(session, decision_id) if _may_look(asker) else None
    judged = to_accept.period_judged(session, period_id) if period_id is not None else None
    return _looking(session, asker, judged) if judged is not None else {}


def _may_look(asker: Asker) -> bool:
    """Whether it can fall to the asker to look at proof: the coordinator, and the managers of partners.

    Of anyone else nothing more is asked, so that the time it takes tells them nothing of what is there.
    """
    return any(asker.hat(role) is not None for role in (COORDINATOR, to_accept.MANAGER))


def _looking(session: Session, asker: Asker, judged: to_accept.PeriodJudged) -> Given:
    """Whether it falls to the asker to look at what was given for a period."""
    looks = to_accept.falls_on(session, judged, asker.standing).on(asker.person_id)
    return {} if looks is None else {Relation.ACCEPTS: acting_as(asker, looks)}


def read_statement(
    session: Session, asker: Asker, organization_id: UUID, year: int, *, at: datetime
) -> tuple[Partner, PartnerStatement]:
    """A partner whose yearly statement the asker may read, and that statement. Raises Forbidden, and Refusal."""
    partner, given = find_partner(session, asker, organization_id)
    require(Action.READ_STATEMENT, given)
    return partner, partner_statement(session, organization_id, year, at=at)
