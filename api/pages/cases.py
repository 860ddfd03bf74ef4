"""The list of cases: those that the reader may see, with how far each is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import and_
from sqlmodel.sql.expression import SelectOfScalar

from api.access.cases import NEWEST, visible_cases
from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.frame import around, framed_pages, page
from api.pages.opening import may_open
from api.web.readers import id_or_none
from domain.casework import board, subjects
from domain.kernel import SHAPE, Refusal, also, col, in_program, joins, of, only, scalar, select, title_of, tuples
from domain.people import people
from models.casework import Case, ProtocolVersion
from models.program import Organization, Person

router = framed_pages()

#: Cases on one page of the list.
A_PAGE: Final = 25

State = Literal["", "open", "closed", "cancelled"]


@router.get("/cases", name="cases")
@asks(Action.SEE_CASES)
def list_cases(
    context: InContext,
    request: Request,
    state: State = "open",
    protocol: Annotated[str, Query(max_length=61)] = "",
    organization: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    after: UUID | None = None,
) -> HTMLResponse:
    """The cases that the reader may see, the newest first, with how far each is."""
    require(Action.SEE_CASES, to_program(context.asker))
    hats = board.hats_of(context.session, context.asker.standing, context.asker.person_id)
    seen = and_(in_program(Case), visible_cases(context.asker, hats))
    asked = and_(seen, *_asked(protocol, _place(organization), q))
    counts = _counts(context, asked)
    wanted = and_(asked, Case.state == state) if state else asked
    part = NEWEST.part(context.session, _with_words().where(wanted), seen, after=after, most=A_PAGE)
    ids = [row.id for row in part.rows]
    progress = board.progress(context.session, ids, context.day)
    said = subjects.in_words(context.session, ids, context.language)
    filters = {"protocol": protocol, "organization": organization, "q": q}

    def address(**changed: object) -> str:
        given = {
            name: value for name, value in ({"state": state} | filters | changed).items() if value or name == "state"
        }
        return f"/cases?{urlencode(given)}"

    return page(
        context,
        request,
        "cases.html",
        rows=[
            CaseLine(row, title_of(row, context.language), said[row.id], progress[row.id], _days(row))
            for row in part.rows
        ],
        views=[
            {"href": address(state=key), "count": counts.get(key), "current": key == state, "key": key}
            for key in ("open", "closed", "cancelled", "")
        ],
        state=state,
        filters=filters,
        is_filtered=any(filters.values()),
        protocols=_protocols(context),
        organizations=_organizations(context),
        total=counts.get(state),
        parts=around(part, after, address()),
        may_open=may_open(context),
    )


def _asked(protocol: str, organization: UUID | None, q: str) -> list[ColumnElement[bool]]:
    """The conditions on a case that the filters and the search set."""
    found: list[ColumnElement[bool]] = []
    if protocol:
        found.append(col(Case.protocol) == protocol)
    if organization is not None:
        found.append(col(Case.organization_id) == organization)
    if q.split():
        found.append(
            select(Person.id).where(joins(Case.subject_id, Person), people.named_like(q)).correlate(Case).exists()
        )
    return found


def _place(organization: str) -> UUID | None:
    try:
        return id_or_none(organization)
    except Refusal:
        return None


def _counts(context: RequestContext, asked: ColumnElement[bool]) -> dict[str, int]:
    """How many cases are open, by that state. Those of the others only grow: nothing counts them."""
    return {"open": scalar(context.session, select(func.count()).where(asked, Case.state == "open")) or 0}


class TitledCase(Case):
    """A case with the title of its protocol."""

    model_config = SHAPE
    title_fr: str = also(ProtocolVersion.title_fr)
    title_en: str = also(ProtocolVersion.title_en)


class CaseLine(NamedTuple):
    """A case of the list: what it is called, who or what it is about, how far it is, and its named days."""

    case: TitledCase
    title: str
    about: subjects.SubjectInWords
    progress: board.Progress
    days: Sequence[date]


def _with_words() -> SelectOfScalar[TitledCase]:
    return of(TitledCase).join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))


def _days(row: Case) -> list[date]:
    """The case's named days, in order."""
    return sorted(row.anchors.values())


def _protocols(context: RequestContext) -> list[tuple[str, str]]:
    """The program's protocols, each by its newest title. Which of them a reader's cases have, nothing looks for."""
    title = title_of(ProtocolVersion, context.language)
    newest = only(ProtocolVersion.key, title).ext(distinct_on(col(ProtocolVersion.key)))
    return list(tuples(context.session, newest.order_by(col(ProtocolVersion.key), col(ProtocolVersion.number).desc())))


def _organizations(context: RequestContext) -> list[tuple[str, str]]:
    rows = tuples(
        context.session, only(Organization.id, Organization.short_name).order_by(col(Organization.short_name))
    )
    return [(str(organization_id), name) for organization_id, name in rows]
