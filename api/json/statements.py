"""Yearly statements over JSON: a partner's, in both languages at once."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from api.at_partners import find_partner, read_statement
from api.permissions import Action, asks, require
from api.session import AtDesk
from meetings.documents.statement import PartnerStatement
from meetings.statements.partner import years

router = APIRouter(tags=["statements"])


@router.get("/partners/{organization_id}/statements")
@asks(Action.READ_STATEMENT)
def list_statements(organization_id: UUID, desk: AtDesk) -> list[int]:
    """The years of which a partner has a statement, the newest first."""
    _, given = find_partner(desk.session, desk.asker, organization_id)
    require(Action.READ_STATEMENT, given)
    return years(desk.session, organization_id, desk.day)


@router.get("/partners/{organization_id}/statements/{year}")
@asks(Action.READ_STATEMENT)
def get_statement(organization_id: UUID, year: int, desk: AtDesk) -> PartnerStatement:
    """A partner's year as it stands: over the days on which its agreement was in force, in both languages."""
    return read_statement(desk.session, desk.asker, organization_id, year, at=desk.at)[1]
