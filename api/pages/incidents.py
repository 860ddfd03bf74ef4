"""The register of confidentiality incidents: entering, completing, assessing, closing one; its history, its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import Action, Forbidden, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.incidents import INCIDENT, REGISTER
from api.pages.act_routes import act_pages
from api.pages.files import table_files
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.tasks import names_of
from domain.files import spreadsheets
from domain.kernel import SHAPE, also, col, every, first, joins, of, only, program_of, replaced, tuples
from domain.record import incident_versions, reads
from locales import N_, current_zone, gettext, show_day, show_number
from models.program import Organization
from models.record import Event, Incident

router = framed_pages("/privacy/incidents", of_acts=True)

#: So many of the closed incidents stand on one page.
A_PAGE: Final = 20
_NEWEST: Final = 2**31 - 1

#: The register's columns, in the words of the law's own list.
TITLES: Final[Mapping[str, str]] = {
    "number": N_("No."),
    "organization": N_("Body that holds the information"),
    "information": N_("Personal information concerned"),
    "circumstances": N_("Circumstances"),
    "happened_from": N_("Happened from"),
    "happened_to": N_("Happened until"),
    "known_on": N_("Known since"),
    "people_concerned": N_("Number of people concerned"),
    "serious_risk": N_("Risk of serious harm"),
    "risk_reasons": N_("What leads to this"),
    "commission_told_on": N_("Commission told on"),
    "people_told_on": N_("People told on"),
    "public_notice": N_("Public notice"),
    "measures": N_("Measures taken"),
    "closed_at": N_("Closed on"),
}
#: What happened to an incident, as people say it.
ACTS: Final[Mapping[str, str]] = {
    "incident.entered": N_("Entered"),
    "incident.completed": N_("Completed"),
    "incident.assessed": N_("Assessed"),
    "incident.told": N_("Who was told"),
    "incident.closed": N_("Closed"),
    "incident.reopened": N_("Reopened"),
    "incident.redacted": N_("Words were redacted"),
}
_FIELDS: Final = {**TITLES, "organization_id": TITLES["organization"], "closed_by": TITLES["closed_at"]}
_DAYS: Final = ("happened_from", "happened_to", "known_on", "commission_told_on", "people_told_on")
#: Of what a reason that stands in a version is the reason.
WHY: Final[Mapping[str, str]] = {
    incident_versions.KNOWN_ON_REASON: N_("Why the day it became known changed:"),
    incident_versions.TOLD_ON_REASON: N_("Why the day on which someone was told changed:"),
}
_YES, _NO, _NOT_YET = N_("Yes"), N_("No"), N_("Not assessed yet")


@router.get("", name="incidents")
@asks(Action.SEE_INCIDENTS)
def list_incidents(
    context: InContext, request: Request, before: Annotated[int, Query(ge=1, le=_NEWEST)] = _NEWEST
) -> HTMLResponse:
    """The open incidents, and a page of those that are closed, the newest first. No other's words are opened."""
    given = to_program(context.asker)
    require(Action.SEE_INCIDENTS, given)
    is_newest = before == _NEWEST
    in_order = _registered().order_by(col(Incident.number).desc())
    is_open = col(Incident.closed_at).is_(None)
    closed = every(context.session, in_order.where(~is_open, Incident.number < before).limit(A_PAGE + 1))
    return page(
        context,
        request,
        "incidents.html",
        open_ones=_each_opened(context, every(context.session, in_order.where(is_open)) if is_newest else []),
        closed=_each_opened(context, closed[:A_PAGE]),
        older=f"{request.url.path}?before={closed[A_PAGE - 1].number}" if len(closed) > A_PAGE else "",
        newest="" if is_newest else request.url.path,
        yes_no=yes_no,
        sees_readings=is_allowed(Action.SEE_PRIVACY, given),
    )


@router.get("/new", name="new_incident")
@asks(Action.KEEP_INCIDENTS)
def new_incident(context: InContext, request: Request) -> HTMLResponse:
    """The form for an incident that is to be entered."""
    require(Action.KEEP_INCIDENTS, to_program(context.asker))
    return _new_page(context, request, Typed())


@router.get("/register.csv", name="register_csv")
@asks(Action.SEE_INCIDENTS)
def download_csv(context: InContext) -> Response:
    """The register as CSV."""
    titles, rows = _exported(context)
    return _file(spreadsheets.as_csv(titles, rows), spreadsheets.CSV, "register.csv")


@router.get("/register.xlsx", name="register_xlsx")
@asks(Action.SEE_INCIDENTS)
def download_xlsx(context: InContext) -> Response:
    """The register as a workbook."""
    titles, rows = _exported(context)
    content = table_files().as_table(gettext(N_("Register of incidents")), titles, rows)
    return _file(content, spreadsheets.XLSX, "register.xlsx")


@router.get("/{incident_id}", name="incident")
@asks(Action.SEE_INCIDENTS)
def show_incident(context: InContext, request: Request, incident_id: UUID) -> HTMLResponse:
    """One incident: what is known, what is left to do, and each version that it had."""
    require(Action.SEE_INCIDENTS, to_program(context.asker))
    return _incident_page(context, request, incident_id, Typed())


class Registered(incident_versions.OpenedIncident):
    """An incident with the name of the body that holds the information."""

    model_config = SHAPE

    organization: str = also(Organization.name_fr)
    organization_en: str = also(Organization.name_en)


def _registered() -> SelectOfScalar[Registered]:
    return of(Registered).join(Organization, joins(Incident.organization_id, Organization))


def _each_opened(context: RequestContext, rows: Sequence[Registered]) -> list[Registered]:
    return [_opened(context, row) for row in rows]


def _opened(context: RequestContext, row: Registered) -> Registered:
    """An incident with its words, and the body's name in the reader's language. Raises Refusal."""
    named = row if context.language == "fr" else replaced(row, organization=row.organization_en)
    return incident_versions.opened(context.session, named)


def yes_no(value: bool | None) -> str:
    """Whether there is a risk of serious harm, in words."""
    return gettext(_NOT_YET if value is None else _YES if value else _NO)


def _exported(context: RequestContext) -> tuple[list[str], list[list[spreadsheets.Cell]]]:
    """The register as a table, whole however long it is, once the record was told that it leaves the program."""
    by = require(Action.SEE_INCIDENTS, to_program(context.asker))
    rows = _each_opened(context, every(context.session, _registered().order_by(col(Incident.number))))
    reads.record_export(
        context.session,
        "program",
        program_of(context.session),
        what="incidents",
        lines=len(rows),
        ground="role",
        by=by,
        at=context.at,
    )
    return [gettext(title) for title in TITLES.values()], [[_cell(row, name) for name in TITLES] for row in rows]


def _cell(row: Registered, name: str) -> spreadsheets.Cell:
    """A field of an incident as its table has it: a moment in the program's time, to the minute."""
    if name == "serious_risk":
        return yes_no(row.serious_risk)
    if name == "closed_at":
        return f"{row.closed_at.astimezone(current_zone()):%Y-%m-%d %H:%M}" if row.closed_at else None
    found: spreadsheets.Cell = getattr(row, name)
    return found


def _file(content: bytes, media_type: str, name: str) -> Response:
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _find(context: RequestContext, incident_id: UUID) -> Registered:
    found = first(context.session, _registered().where(Incident.id == incident_id))
    if found is None:
        raise Forbidden
    return _opened(context, found)


def _incident_page(context: RequestContext, request: Request, incident_id: UUID, typed: Typed) -> HTMLResponse:
    found = _find(context, incident_id)
    return page(
        context,
        request,
        "incident.html",
        incident=found,
        typed=typed,
        organizations=_organizations(context),
        history=_history(context, incident_id),
        risk=yes_no(found.serious_risk),
        today=context.day,
        stands_in=not is_allowed(Action.SEE_PRIVACY, to_program(context.asker)),
    )


def _new_page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    return page(
        context, request, "new_incident.html", typed=typed, organizations=_organizations(context), today=context.day
    )


@dataclass(frozen=True)
class _Act:
    """What happened to an incident: who did what, and what stood before in the fields that changed."""

    at: datetime
    who: str
    what: str
    before: list[tuple[str, str]]
    reasons: list[tuple[str, str]]


def _history(context: RequestContext, incident_id: UUID) -> list[_Act]:
    """What happened to an incident, the newest first: who, when, which fields, and what stood in them before.

    Where the day since which it is known changed, or one on which someone was told, also why.
    """
    acts = every(
        context.session,
        of(Event).where(Event.subject_id == incident_id, col(Event.verb).in_(list(ACTS))).order_by(col(Event.n).desc()),
    )
    stood = {version.number: version.stood for version in incident_versions.versions(context.session, incident_id)}
    names = names_of(context, {act.actor_id for act in acts})
    organizations = {str(place): name for place, name in _organizations(context)}
    return [
        _Act(
            at=act.at,
            who=names.get(act.actor_id, "") if act.actor_id else "",
            what=gettext(ACTS[act.verb]),
            before=_before(stood.get(act.facts["version"] - 1), act.facts["changed"], organizations, context.language),
            reasons=[(gettext(why), said[name]) for name, why in WHY.items() if said.get(name)],
        )
        for act in acts
        for said in [stood.get(act.facts["version"], {})]
    ]


def _before(
    stood: Mapping[str, Any] | None, changed: Sequence[str], organizations: Mapping[str, str], language: str
) -> list[tuple[str, str]]:
    """What stood before in the fields that changed, where anything did."""
    if stood is None:
        return []
    shown = [name for name in changed if name in _FIELDS and name not in ("closed_by", "closed_at")]
    said = [(gettext(_FIELDS[name]), _in_words(name, stood.get(name), organizations, language)) for name in shown]
    return [(field, words) for field, words in said if words]


def _in_words(name: str, value: Any, organizations: Mapping[str, str], language: str) -> str:
    """A field of a version: days and numbers as the reader writes them. "" where it was empty."""
    if value in (None, ""):
        return ""
    if name in _DAYS:
        return show_day(language, date.fromisoformat(value))
    if name == "people_concerned":
        return show_number(language, value)
    if name == "serious_risk":
        return yes_no(value)
    return organizations.get(value, "") if name == "organization_id" else str(value)


def _organizations(context: RequestContext) -> list[tuple[UUID, str]]:
    rows = tuples(
        context.session,
        only(Organization.id, Organization.name_fr if context.language == "fr" else Organization.name_en).order_by(
            col(Organization.short_name)
        ),
    )
    return list(rows)


act_pages(router, REGISTER, lambda on, request, typed: _new_page(on.context, request, typed))
act_pages(
    router, INCIDENT, lambda on, request, typed: _incident_page(on.context, request, on.id, typed), must_have_seen=True
)
