"""Statements over JSON: a partner's year, and the program's counts, in both languages at once."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from uuid import UUID

from api.access.partners import find_partner, read_statement
from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.statements import STATEMENT, AfterPeriod, Period
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Limit, Page, Shown
from domain.kernel import Part
from meetings.documents.statement import PartnerStatement
from meetings.statements import program
from meetings.statements.partner import years
from meetings.statements.tables import ProgramStatement

router = api_routes("statements", of_acts=True)

#: Periods in one part of the list where it is not said: two years, each with its quarters.
A_PAGE = 10


class StatementPeriod(Shown):
    """A year or a quarter that is over, and when its statement left; null where it has not."""

    period: str
    released_at: datetime | None


class ProgramStatementShown(Shown):
    """The program's counts of a period: as they left, or, where `released_at` is null, as they would leave now.

    A count is a number, a band, or null where it is hidden. `digest` is what a release has to name.
    """

    released_at: datetime | None
    digest: str
    statement: ProgramStatement


@router.get("/partners/{organization_id}/statements")
@asks(Action.READ_STATEMENT)
def list_statements(organization_id: UUID, context: InContext) -> list[int]:
    """The years of which a partner has a statement, the newest first."""
    _, given = find_partner(context.session, context.asker, organization_id)
    require(Action.READ_STATEMENT, given)
    return years(context.session, organization_id, context.day)


@router.get("/partners/{organization_id}/statements/{year}")
@asks(Action.READ_STATEMENT)
def get_statement(organization_id: UUID, year: int, context: InContext) -> PartnerStatement:
    """A partner's year as it stands: over the days on which its agreement was in force, in both languages."""
    return read_statement(context.session, context.asker, organization_id, year, at=context.at)[1]


@router.get("/statements")
@asks(Action.SEE_COUNTS)
def list_periods(context: InContext, limit: Limit = A_PAGE, after: AfterPeriod = "") -> Page[StatementPeriod]:
    """The years and quarters that are over, the newest first, and which of their statements left."""
    require(Action.SEE_COUNTS, to_program(context.asker))
    over = program.periods(context.session, context.day)
    part = Part.among(over, after, limit, attrgetter("key"))
    left = program.released_days(context.session, [one.key for one in part.rows])
    return Page[StatementPeriod].of(
        part,
        lambda shown: [StatementPeriod(period=one.key, released_at=left.get(one.key)) for one in shown],
        limit,
        len(over),
    )


@router.get("/statements/{period}")
@asks(Action.SEE_COUNTS)
def get_program_statement(period: Period, context: InContext) -> ProgramStatementShown:
    """The program's statement of a period. Only one that was released is for those who fund the program."""
    require(Action.SEE_COUNTS, to_program(context.asker))
    return _program_statement(context, period)


def _released(on: On[str], _: None) -> ProgramStatementShown:
    return _program_statement(on.context, on.row)


act_resources(router, STATEMENT, _released)


def _program_statement(context: RequestContext, period: str) -> ProgramStatementShown:
    left = program.released(context.session, period)
    statement = left.statement if left is not None else program.look(context.session, period, at=context.at)
    return ProgramStatementShown(
        released_at=left.at if left is not None else None, digest=program.digest_of(statement), statement=statement
    )
