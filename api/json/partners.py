"""Partners and what they owe over JSON: how each period stands and by what, and what people say and give for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from fastapi import Response
from sqlmodel import Session, SQLModel

from api.access.partners import find_obligation, find_partner, partners_of
from api.access.permissions import Action, Given, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.obligations import LOOKED_AT, OBLIGATION, Row
from api.json.act_routes import act_resources
from api.json.agreement_shapes import (
    AttestationShown,
    DocumentGiven,
    DocumentShown,
    FindingShown,
    PartnerListed,
    PartnerShown,
    PeriodListed,
    PeriodShown,
    StepDocumentShown,
    WaiverProposalShown,
    WaiverShown,
)
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce
from api.json.shapes import Shown
from api.web.bytes_given import bytes_of
from domain.declarations import STEP, facts_of, rule_of
from domain.endorsement import does_it_count
from domain.kernel import replaced
from domain.obligations import PeriodRead, StepDocument, reading, waiving
from domain.obligations import attestations as saying
from domain.obligations import waivers as waivers_of

router = api_routes("partners")

S = TypeVar("S", bound=Shown)


@router.get("/partners")
@asks(Action.SEE_PARTNERS)
def list_partners(context: InContext) -> list[PartnerListed]:
    """The partners that the asker may see, and how many of their obligations stand in each state."""
    require(Action.SEE_PARTNERS, to_program(context.asker))
    partners = partners_of(context.session, context.asker)
    rows = _lately(context, [one.id for one in partners])
    return [
        PartnerListed.about(
            one,
            organization_id=one.id,
            states=dict(Counter(row.state for row in rows if row.organization_id == one.id)),
        )
        for one in partners
    ]


@router.get("/partners/{organization_id}")
@asks(Action.SEE_PARTNER)
def get_partner(organization_id: UUID, context: InContext) -> PartnerShown:
    """One partner with its obligations: those that are open, or ended lately."""
    found, _ = find_partner(context.session, context.asker, organization_id)
    obligations = PeriodListed.each(_lately(context, [organization_id]))
    return PartnerShown.about(found, organization_id=organization_id, obligations=obligations)


@router.get("/obligations/{period_id}")
@asks(Action.SEE_OBLIGATION)
def get_obligation(period_id: UUID, context: InContext) -> PeriodShown:
    """One obligation in one period: how it stands and stood, what was counted and why, proof, words and waivers."""
    return _shown(context, period_id)


@router.post("/obligations/{period_id}/documents", status_code=201)
@asks(Action.GIVE_PROOF)
def add_document(
    period_id: UUID, body: DocumentGiven, context: InContext, once: AtOnce, response: Response
) -> PeriodShown:
    """Give a document that the clause asks for."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    _, given = find_obligation(context.session, context.asker, period_id)
    by = require(Action.GIVE_PROOF, given)
    content = bytes_of(body.content)
    saying.add_document(
        context.session, period_id, body.name, content, effective_on=body.effective_on, by=by, at=context.at
    )
    once.done(response, 201, f"/api/v1/obligations/{period_id}")
    return _shown(context, period_id)


def _acted_on(on: On[Row], _: None) -> PeriodShown:
    return _shown(on.context, on.id)


def _looked_at(on: On[Row], _: None) -> PeriodShown:
    return _shown(on.context, on.id, on.given)


act_resources(router, OBLIGATION, _acted_on)
act_resources(router, LOOKED_AT, _looked_at)


def _lately(context: RequestContext, organization_ids: list[UUID]) -> list[reading.PeriodRead]:
    return reading.lately(context.session, context.day, organization_ids=organization_ids)


def _shown(context: RequestContext, period_id: UUID, given: Given | None = None) -> PeriodShown:
    """A period as the asker may see it; as they were to it before, where an act of theirs was their part in it."""
    row = reading.period(context.session, period_id) if given is not None else None
    if row is None or given is None:
        row, given = find_obligation(context.session, context.asker, period_id)
    may_read = allows(Action.READ_PROOF, given) is not None
    session, where = context.session, (row.agreement_id, row.key)

    def shown(shape: type[S], rows: Iterable[SQLModel], *words: str) -> list[S]:
        """Rows as they are answered, without these words for who may not read them."""
        hidden = {} if may_read else dict.fromkeys(words, "")
        return shape.each(replaced(one, **hidden) for one in rows)

    return PeriodShown.about(
        row,
        findings=shown(FindingShown, reading.findings_of(session, period_id)),
        attestations=shown(AttestationShown, reading.attestations_of(session, period_id), "looked_at_reason", "note"),
        documents=shown(DocumentShown, reading.documents_of(session, *where), "looked_at_reason"),
        step_documents=shown(StepDocumentShown, _of_steps(session, row), "looked_at_reason"),
        waivers=shown(WaiverShown, waivers_of(session, *where), "reason"),
        proposals=[
            _proposal(session, one if may_read else replaced(one, reason=""))
            for one in waiving.proposals_of(session, *where)
        ],
    )


def _of_steps(session: Session, row: PeriodRead) -> list[StepDocument]:
    """The documents that procedures brought, of what is proved by documents."""
    if not rule_of(row.check_kind, row.rule).document():
        return []
    steps = [UUID(fact.id) for fact in facts_of(row.found) if fact.kind == STEP.key]
    return reading.documents_of_steps(session, steps)


def _proposal(session: Session, row: waiving.Proposed) -> WaiverProposalShown:
    counts = row.decision_id is not None and does_it_count(session, row.decision_id, with_quorum=True)
    return WaiverProposalShown.about(row, counts=counts)
