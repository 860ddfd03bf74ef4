"""The list of cases: those that the reader may see, with how far each is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import and_, func, select
from sqlalchemy.sql.expression import ColumnElement

from api.access.permissions import Action, asks, require, to_program, visible_cases
from api.access.session import AtDesk, Desk
from api.pages.frame import framed_pages, page
from api.pages.opening import may_open
from api.web.readers import id_or_none
from domain.casework import board, subjects
from domain.kernel.refusals import Refusal
from domain.kernel.scope import many, program_of
from domain.people import people
from models.base import refers, table_of
from models.casework import Case, ProtocolVersion
from models.program import Organization, Person

router = framed_pages()

_case = table_of(Case)
_person = table_of(Person)
_organization = table_of(Organization)
_protocol = table_of(ProtocolVersion)

#: Cases on one page of the list.
A_PAGE: Final = 25
_FARTHEST: Final = 2**31

State = Literal["", "open", "closed", "cancelled"]


@router.get("/cases", name="cases")
@asks(Action.SEE_CASES)
def list_cases(
    desk: AtDesk,
    request: Request,
    state: State = "open",
    protocol: Annotated[str, Query(max_length=61)] = "",
    organization: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    start: Annotated[int, Query(ge=0, le=_FARTHEST)] = 0,
) -> HTMLResponse:
    """The cases that the reader may see, the newest first, with how far each is."""
    require(Action.SEE_CASES, to_program(desk.asker))
    hats = board.hats_of(desk.session, desk.asker.standing, desk.asker.person_id)
    seen = and_(_case.c.program_id == program_of(desk.session), visible_cases(desk.asker, hats))
    asked = and_(seen, *_asked(protocol, _place(organization), q))
    counts = _counts(desk, asked)
    total = counts[state]
    start = min(start, max(total - 1, 0)) // A_PAGE * A_PAGE
    wanted = and_(asked, _case.c.state == state) if state else asked
    rows = many(
        desk.session,
        _with_words(desk).where(wanted).order_by(_case.c.opened_at.desc(), _case.c.id).limit(A_PAGE).offset(start),
    )
    ids = [row["id"] for row in rows]
    progress = board.progress(desk.session, ids, desk.day)
    said = subjects.in_words(desk.session, ids, desk.language)
    filters = {"protocol": protocol, "organization": organization, "q": q}

    def address(**changed: object) -> str:
        given = {
            name: value for name, value in ({"state": state} | filters | changed).items() if value or name == "state"
        }
        return f"/cases?{urlencode(given)}"

    return page(
        desk,
        request,
        "cases.html",
        rows=[{**row, "about": said[row["id"]], "progress": progress[row["id"]], "days": _days(row)} for row in rows],
        views=[
            {"href": address(state=key, start=0), "count": counts[key], "current": key == state, "key": key}
            for key in ("open", "closed", "cancelled", "")
        ],
        state=state,
        filters=filters,
        is_filtered=any(filters.values()),
        protocols=_protocols_of(desk, seen),
        organizations=_organizations_of(desk, seen),
        start=start,
        total=total,
        previous=address(start=start - A_PAGE) if start else "",
        following=address(start=start + A_PAGE) if start + A_PAGE < total else "",
        may_open=may_open(desk),
    )


def _asked(protocol: str, organization: UUID | None, q: str) -> list[ColumnElement[bool]]:
    """The conditions on a case that the filters and the search set."""
    found: list[ColumnElement[bool]] = []
    if protocol:
        found.append(_case.c.protocol == protocol)
    if organization is not None:
        found.append(_case.c.organization_id == organization)
    words = [people.folded(word) for word in q.split()]
    if words:
        # Each word of the search is somewhere in the name, with or without accents.
        found.append(
            select(_person.c.id)
            .where(
                _person.c.program_id == _case.c.program_id,
                _person.c.id == _case.c.subject_id,
                *(_person.c.sort_key.contains(word, autoescape=True) for word in words),
            )
            .correlate(_case)
            .exists()
        )
    return found


def _place(organization: str) -> UUID | None:
    try:
        return id_or_none(organization)
    except Refusal:
        return None


def _counts(desk: Desk, asked: ColumnElement[bool]) -> Mapping[str, int]:
    rows = desk.session.execute(select(_case.c.state, func.count()).where(asked).group_by(_case.c.state)).all()
    counts = {"open": 0, "closed": 0, "cancelled": 0} | {row[0]: row[1] for row in rows}
    return counts | {"": sum(counts.values())}


def _with_words(desk: Desk) -> Any:
    return select(
        _case,
        _protocol.c[f"title_{desk.language}"].label("title"),
    ).join(_protocol, refers(_case.c.protocol_version_id, _protocol))


def _days(row: Mapping[str, Any]) -> list[date]:
    """The case's named days, in order."""
    return sorted(date.fromisoformat(day) for day in row["anchors"].values())


def _protocols_of(desk: Desk, seen: ColumnElement[bool]) -> list[tuple[str, str]]:
    """The protocols of the cases that the reader may see."""
    title = _protocol.c[f"title_{desk.language}"]
    rows = desk.session.execute(
        select(_case.c.protocol, func.max(title))
        .join(_protocol, refers(_case.c.protocol_version_id, _protocol))
        .where(seen)
        .group_by(_case.c.protocol)
        .order_by(_case.c.protocol)
    )
    return [(key, words) for key, words in rows]


def _organizations_of(desk: Desk, seen: ColumnElement[bool]) -> list[tuple[str, str]]:
    """The organizations of the cases that the reader may see."""
    rows = desk.session.execute(
        select(_organization.c.id, _organization.c.short_name)
        .where(
            _organization.c.program_id == program_of(desk.session),
            _organization.c.id.in_(select(_case.c.organization_id).where(seen)),
        )
        .order_by(_organization.c.short_name)
    )
    return [(str(row.id), row.short_name) for row in rows]
