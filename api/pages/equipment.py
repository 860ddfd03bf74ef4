"""The inventory of equipment: what there is, who has it, and what is done with each thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts import equipment as acts
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import around, framed_pages, page
from api.views.equipment import MOVES, moves_of
from api.views.tasks import names_of
from api.views.timeline import told
from domain.equipment import inventory
from domain.kernel import col, lasts, only, same, tuples
from domain.record import events
from locales import N_
from models.program import Person, Tenure
from models.record import Event

router = framed_pages("/equipment", of_acts=True)

#: Where a thing is: the shape and the word that show it.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "available": ("empty", N_("Can be lent")),
    "in_hand": ("full", N_("In hand")),
    "missing": ("late", N_("Reported missing")),
    "out_of_use": ("skip", N_("Out of use")),
    "lost": ("stop", N_("Lost")),
}
LINES_SHOWN: Final = 50
#: Things on one page of the inventory.
A_PAGE: Final = 50


@router.get("", name="inventory")
@asks(Action.SEE_EQUIPMENT)
def show_inventory(
    context: InContext,
    request: Request,
    state: str = "",
    q: Annotated[str, Query(max_length=120)] = "",
    after: UUID | None = None,
) -> HTMLResponse:
    """What the program lends, a page at a time, and a form to add a thing."""
    return _list(context, request, Typed(), state=state, q=q, after=after)


@router.get("/{equipment_id}", name="equipment")
@asks(Action.SEE_EQUIPMENT)
def show_thing(context: InContext, request: Request, equipment_id: UUID) -> HTMLResponse:
    """One thing: where it is, in whose hands it was, and what may be done with it."""
    return _page(context, request, equipment_id, Typed())


act_pages(router, acts.INVENTORY, lambda on, request, typed: _list(on.context, request, typed))
act_pages(router, acts.THING, lambda on, request, typed: _page(on.context, request, on.id, typed))


# ------------------------------------------------------------------------------------------------------- its parts


def _list(
    context: RequestContext, request: Request, typed: Typed, *, state: str = "", q: str = "", after: UUID | None = None
) -> HTMLResponse:
    require(Action.SEE_EQUIPMENT, to_program(context.asker))
    chosen = state if state in STATES else ""
    counts = inventory.count_by_place(context.session, part=q)
    part = inventory.inventory(context.session, place=chosen, part=q, most=A_PAGE, after=after)
    return page(
        context,
        request,
        "inventory.html",
        typed=typed,
        rows=[(row, inventory.place_of(row)) for row in part.rows],
        total=counts.get(chosen),
        q=q,
        views=[(key, counts.get(key), _address(key, q)) for key in ("", *STATES)],
        parts=around(part, after, _address(chosen, q)),
        chosen=chosen,
        states=STATES,
        kinds=_kinds(context),
        names=names_of(context, [one for row in part.rows for one in (row.person_id, row.last_id)]),
    )


def _address(state: str, q: str) -> str:
    given = {name: value for name, value in {"state": state, "q": q}.items() if value}
    return "/equipment" + (f"?{urlencode(given)}" if given else "")


def _page(context: RequestContext, request: Request, thing_id: UUID, typed: Typed) -> HTMLResponse:
    row = acts.find_thing(context, thing_id)
    loans = inventory.loans_of(context.session, thing_id)
    its_own = (Event.subject_kind == inventory.KIND, Event.subject_id == thing_id)
    return page(
        context,
        request,
        "equipment.html",
        typed=typed,
        row=row,
        where=inventory.place_of(row),
        states=STATES,
        kind=_kinds(context)[row.kind],
        loans=loans,
        names=names_of(
            context, [row.person_id, row.added_by, *(who for one in loans for who in (one.lent_by, one.returned_by))]
        ),
        own=row.person_id == context.asker.person_id,
        moves=moves_of(row),
        move_words=MOVES,
        people=_who_can_have_it(context) if inventory.place_of(row) == "available" else [],
        history=told(context, events.latest(context.session, *its_own, most=LINES_SHOWN)),
    )


def _kinds(context: RequestContext) -> dict[str, str]:
    return {key: words[context.language] for key, words in inventory.kinds(context.session).items()}


def _who_can_have_it(context: RequestContext) -> list[tuple[UUID, str]]:
    """Who holds a role today or later, by name; no one lends to themselves."""
    rows = tuples(
        context.session,
        only(Person.id, Person.given_name, Person.family_name, Person.sort_key)
        .join(Tenure, same(Tenure, Person) & (col(Tenure.person_id) == col(Person.id)))
        .where(Person.id != context.asker.person_id, lasts(Tenure, context.day))
        .distinct()
        .order_by(col(Person.sort_key)),
    )
    return [(person_id, f"{given_name} {family_name}") for person_id, given_name, family_name, _ in rows]
