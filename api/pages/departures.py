"""Departures: who leaves and from when, what is left in their hands on one screen, and what was handed over to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.cases import to_task, visible_cases
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.access.tasks import find_task
from api.acts.departures import DEPARTURES, OFFERED
from api.pages.act_routes import act_pages
from api.pages.case import case_page
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.tasks import task_page
from api.views import departures as at_departures
from api.views.handed_over import handed_over_to
from api.views.tasks import page_of
from api.views.timeline import NEWEST
from domain.casework import board
from domain.departure import current, hand_overs_in_bulk, offers, settling, unopened
from domain.kernel import Actor, col, every, joins, lasts, of, only, title_of, tuples
from models.casework import Case
from models.program import Organization, Person, Tenure

router = framed_pages()

Seen = Annotated[int, Form()]


@router.get("/departures", name="departures")
@asks(Action.SEE_DEPARTURES)
def list_departures(context: InContext, request: Request, person: str = "") -> HTMLResponse:
    """The departures that the reader may see, and the form that opens one."""
    require(Action.SEE_DEPARTURES, to_program(context.asker))
    return _list(context, request, Typed(), chosen=person)


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


@router.post("/tasks/{task_id}/settlement")
@asks(Action.SETTLE_HOLDING)
def settle(
    context: InContext, request: Request, task_id: UUID, seen: Seen, how: Text = "", note: Text = ""
) -> Response:
    """Say who takes a thing over, or how it ends."""

    def act(by: Actor) -> None:
        successor_id, ended_as = at_departures.way_of(how)
        settling.settle_holding(
            context.session,
            task_id,
            successor_id=successor_id,
            ended_as=ended_as,
            note=note,
            by=by,
            at=context.at,
            seen=seen,
        )

    return _do(context, request, task_id, act, {"how": how, "note": note})


@router.post("/tasks/{task_id}/missing")
@asks(Action.SETTLE_HOLDING)
def report_missing(context: InContext, request: Request, task_id: UUID, seen: Seen, note: Text = "") -> Response:
    """Report that a piece of equipment is not there. It stays asked for."""

    act = partial(settling.report_missing, context.session, task_id, note=note, at=context.at, seen=seen)
    return _do(context, request, task_id, lambda by: act(by=by), {"note": note})


@router.get("/handed-over", name="handed_over")
@asks(Action.SEE_MY_WORK)
def handed_over(context: InContext, request: Request) -> HTMLResponse:
    """What departures handed over to the reader."""
    require(Action.SEE_MY_WORK, to_program(context.asker))
    return _inbox(context, request, Typed())


@router.post("/departures/{case_id}/offers")
@asks(Action.OFFER_FOLLOW_UPS)
def offer_all(context: InContext, request: Request, case_id: UUID, really: Text = "") -> Response:
    """Offer every follow-up to the worker who fits it best; first only to see what would happen."""
    _, case = at_departures.find_departure(context.session, context.asker, case_id)
    by = require(Action.OFFER_FOLLOW_UPS, at_departures.to_offers(context.session, context.asker, case))
    lines = hand_overs_in_bulk.propose_all(context.session, case_id, dry_run=not really, by=by, at=context.at)
    return case_page(context, request, case_id, Typed(), receipt=lines, done=bool(really))


# ------------------------------------------------------------------------------------------------------- its parts


def _do(
    context: RequestContext, request: Request, task_id: UUID, act: Callable[[Actor], object], fields: dict[str, str]
) -> Response:
    """Do what is said of a task's thing, and lead back to its line; or show the form again with what was typed."""
    task, case = find_task(context.session, context.asker, task_id)
    by = require(Action.SETTLE_HOLDING, to_task(context.session, context.asker, task, case))
    refusal = context.attempt(partial(act, by))
    if refusal is None:
        return see_other(f"{page_of(case)}#task-{task_id}" if case else f"/tasks/{task_id}")
    typed = Typed(f"settle-{task_id}", refusal, {**fields, "task": task_id})
    return case_page(context, request, case.id, typed) if case else task_page(context, request, task_id, typed)


@dataclass(frozen=True)
class OfferShown:
    """A follow-up that the reader was offered, and by whose departure."""

    row: offers.OfferedHandOver
    title: str
    from_whom: str


def _inbox(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    me = context.asker.person_id
    names = at_departures.people_names(context.session)
    offered = [
        OfferShown(row, title_of(row, context.language), names[row.from_id])
        for row in offers.offered_to(context.session, me)
    ]
    found = handed_over_to(context.session, context.asker, context.language)
    return page(context, request, "handed_over.html", typed=typed, offered=offered, found=found)


def _list(context: RequestContext, request: Request, typed: Typed, *, chosen: str = "") -> HTMLResponse:
    hats = board.hats_of(context.session, context.asker.standing, context.asker.person_id)
    rows = every(context.session, of(Case).where(Case.protocol == current.PROTOCOL, visible_cases(context.asker, hats)))
    people = _who_may_leave(context)
    return page(
        context,
        request,
        "departures.html",
        typed=typed,
        found=at_departures.departures_shown(context.session, rows),
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


act_pages(router, DEPARTURES, lambda on, request, typed: _list(on.context, request, typed))
act_pages(
    router, OFFERED, lambda on, request, typed: _inbox(on.context, request, typed), after=lambda _, __: "/handed-over"
)
