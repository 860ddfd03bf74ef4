"""Departures: who leaves and from when, what is left in their hands on one screen, and what was handed over to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse

from api.access.cases import visible_cases
from api.access.follow_ups import caseload_of
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.departures import DEPARTURES, OFFERED, OFFERS
from api.pages.act_routes import act_pages
from api.pages.case import case_page
from api.pages.forms import Typed
from api.pages.frame import around, framed_pages, page
from api.views import departures as at_departures
from api.views.handed_over import handed_over_to
from api.views.tasks import names_of
from api.views.timeline import NEWEST
from domain.casework import board
from domain.departure import current, offers, unopened
from domain.kernel import Order, col, every, joins, lasts, of, only, title_of, tuples
from models.casework import Case
from models.program import Organization, Person, Tenure

router = framed_pages()

#: So many of the departures that are over stand on one page.
ENDED_SHOWN: Final = 25
_LAST_ENDED: Final = Order(Case.ended_at, Case.id, newest_first=True)

Seen = Annotated[int, Form()]


@router.get("/departures", name="departures")
@asks(Action.SEE_DEPARTURES)
def list_departures(context: InContext, request: Request, person: str = "", after: UUID | None = None) -> HTMLResponse:
    """The departures that the reader may see, those under way first, and the form that opens one."""
    require(Action.SEE_DEPARTURES, to_program(context.asker))
    return _list(context, request, Typed(), chosen=person, after=after)


@router.get("/departures/{case_id}", name="departure")
@asks(Action.SEE_CASE)
def show_departure(
    context: InContext,
    request: Request,
    case_id: UUID,
    history: str = "",
    before: Annotated[int | None, Query(ge=1, le=NEWEST)] = None,
) -> HTMLResponse:
    """One departure, whole: its steps, each with what is in hand, with whom and by when, and what was settled."""
    at_departures.find_departure(context.session, context.asker, case_id)
    return case_page(context, request, case_id, Typed(), whole_history=history == "all", before=before)


@router.get("/handed-over", name="handed_over")
@asks(Action.SEE_MY_WORK)
def handed_over(context: InContext, request: Request) -> HTMLResponse:
    """What departures handed over to the reader."""
    require(Action.SEE_MY_WORK, to_program(context.asker))
    return _inbox(context, request, Typed())


# ------------------------------------------------------------------------------------------------------- its parts


@dataclass(frozen=True)
class OfferShown:
    """A follow-up that the reader was offered, and by whose departure."""

    row: offers.OfferedHandOver
    title: str
    from_whom: str


def _inbox(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    me = context.asker.person_id
    rows = offers.offered_to(context.session, me)
    names = names_of(context, (row.from_id for row in rows))
    offered = [OfferShown(row, title_of(row, context.language), names[row.from_id]) for row in rows]
    found = handed_over_to(context.session, context.asker, context.language)
    mine = {row.id for row, _ in caseload_of(context.session, context.asker)}
    return page(context, request, "handed_over.html", typed=typed, offered=offered, found=found, mine=mine)


def _list(
    context: RequestContext, request: Request, typed: Typed, *, chosen: str = "", after: UUID | None = None
) -> HTMLResponse:
    hats = board.hats_of(context.session, context.asker.standing, context.asker.person_id)
    may_see = visible_cases(context.asker, hats)
    seen = of(Case).where(Case.protocol == current.PROTOCOL, may_see)
    under_way = every(context.session, seen.where(Case.state == "open"))
    ended = _LAST_ENDED.part(context.session, seen.where(Case.state != "open"), may_see, after=after, most=ENDED_SHOWN)
    found = at_departures.departures_shown(context.session, [*under_way, *ended.rows])
    people = _who_may_leave(context)
    return page(
        context,
        request,
        "departures.html",
        typed=typed,
        found=[one for one in found if one.state == "open"],
        ended=[one for one in reversed(found) if one.state != "open"],
        parts=around(ended, after, "/departures", "#ended"),
        people=people,
        # Nobody who has gone already says so themselves.
        may_be_gone=any(not value.startswith(f"{context.asker.person_id}/") for value, _ in people),
        chosen=chosen,
    )


def _who_may_leave(context: RequestContext) -> list[tuple[str, str]]:
    """Whose departure the reader may open, each by person/organization."""
    rows = tuples(
        context.session,
        only(
            Tenure.person_id,
            Tenure.organization_id,
            Person.given_name,
            Person.family_name,
            Organization.short_name,
            Person.sort_key,
        )
        .join(Person, joins(Tenure.person_id, Person))
        .join(Organization, joins(Tenure.organization_id, Organization))
        .where(lasts(Tenure, context.day), ~unopened.is_seen_to())
        .distinct()
        .order_by(col(Person.sort_key), col(Organization.short_name)),
    )
    return [
        (f"{person_id}/{organization_id}", f"{given_name} {family_name} – {short_name}")
        for person_id, organization_id, given_name, family_name, short_name, _ in rows
        if allows(Action.OPEN_DEPARTURE, at_departures.to_departure(context.asker, person_id, organization_id))
    ]


act_pages(
    router,
    OFFERS,
    lambda on, request, typed: case_page(on.context, request, on.id, typed),
    answered=lambda on, request, made: case_page(
        on.context, request, on.id, Typed(), receipt=made.lines, done=made.done
    ),
)
act_pages(router, DEPARTURES, lambda on, request, typed: _list(on.context, request, typed))
act_pages(
    router, OFFERED, lambda on, request, typed: _inbox(on.context, request, typed), after=lambda _, __: "/handed-over"
)
