"""The inventory of equipment: what there is, who has it, and what is done with each thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import or_, select

from api.access.permissions import Action, Forbidden, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed, id_or_none
from api.pages.frame import framed_pages, page, see_other
from api.pages.idempotent_forms import AtOnce
from api.views.equipment import MOVES, do, moves_of
from api.views.tasks import names_of
from api.views.timeline import told
from domain.equipment import inventory, lending
from domain.kernel.actors import Actor
from domain.kernel.refusals import Refusal
from domain.kernel.scope import many, program_of
from locales import N_
from models.base import table_of
from models.program import Person, Tenure
from models.record import Event

router = framed_pages("/equipment")

_event = table_of(Event)
_person = table_of(Person)
_tenure = table_of(Tenure)

Seen = Annotated[int | None, Form()]

#: Where a thing is: the shape and the word that show it.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "available": ("empty", N_("Can be lent")),
    "in_hand": ("full", N_("In hand")),
    "missing": ("late", N_("Reported missing")),
    "out_of_use": ("skip", N_("Out of use")),
    "lost": ("stop", N_("Lost")),
}
LINES_SHOWN: Final = 50


@router.get("", name="inventory")
@asks(Action.SEE_EQUIPMENT)
def show_inventory(desk: AtDesk, request: Request, state: str = "") -> HTMLResponse:
    """Everything that the program lends, and a form to add a thing."""
    return _list(desk, request, Typed(), state=state)


@router.post("")
@asks(Action.KEEP_EQUIPMENT)
def add(desk: AtDesk, request: Request, once: AtOnce, kind: Text = "", serial: Text = "", label: Text = "") -> Response:
    """Enter a thing into the inventory."""
    by = require(Action.KEEP_EQUIPMENT, to_program(desk.asker))

    def act() -> str:
        return f"/equipment/{inventory.add(desk.session, kind, serial, label=label, by=by, at=desk.at)}"

    done = once.attempt(act)
    if isinstance(done, str):
        return see_other(done)
    return _list(desk, request, Typed("add", done, {"kind": kind, "serial": serial, "label": label}))


@router.get("/{equipment_id}", name="equipment")
@asks(Action.SEE_EQUIPMENT)
def show_thing(desk: AtDesk, request: Request, equipment_id: UUID) -> HTMLResponse:
    """One thing: where it is, in whose hands it was, and what may be done with it."""
    return _page(desk, request, equipment_id, Typed())


@router.post("/{equipment_id}")
@asks(Action.KEEP_EQUIPMENT)
def correct(
    desk: AtDesk, request: Request, equipment_id: UUID, seen: Seen = None, serial: Text = "", label: Text = ""
) -> Response:
    """Correct the serial number of a thing, or what it is called."""

    def act(by: Actor) -> None:
        inventory.correct(desk.session, equipment_id, serial=serial, label=label, by=by, at=desk.at, seen=seen)

    return _do(desk, request, equipment_id, "correct", act, {"serial": serial, "label": label})


@router.post("/{equipment_id}/moves")
@asks(Action.KEEP_EQUIPMENT)
def move(
    desk: AtDesk, request: Request, equipment_id: UUID, seen: Seen = None, move: Text = "", words: Text = ""
) -> Response:
    """Take a thing back, report it missing, give it up, find it again, take it out of use or put it back."""

    def act(by: Actor) -> None:
        do(desk.session, equipment_id, move, words, by=by, at=desk.at, seen=seen)

    return _do(desk, request, equipment_id, move if move in MOVES else "move", act, {"words": words})


@router.post("/{equipment_id}/loan")
@asks(Action.KEEP_EQUIPMENT)
def lend(desk: AtDesk, request: Request, equipment_id: UUID, seen: Seen = None, person: Text = "") -> Response:
    """Put a thing in somebody's hands."""

    def act(by: Actor) -> None:
        person_id = id_or_none(person)
        if person_id is None:
            raise Refusal("person.missing", N_("Choose who it is lent to."))
        lending.lend(desk.session, equipment_id, person_id, by=by, at=desk.at, seen=seen)

    return _do(desk, request, equipment_id, "lend", act, {"person": person})


# ------------------------------------------------------------------------------------------------------- its parts


def where_is(row: Mapping[str, Any]) -> str:
    """Where a thing of the inventory is, as a key of `STATES`."""
    if row["person_id"] is not None:
        return "missing" if row["missing_since"] is not None else "in_hand"
    state: str = row["state"]
    return "available" if state == "in_use" else state


def _do(
    desk: Desk, request: Request, thing_id: UUID, form: str, act: Callable[[Actor], None], values: dict[str, str]
) -> Response:
    _thing(desk, thing_id)
    by = require(Action.KEEP_EQUIPMENT, to_program(desk.asker))
    refusal = desk.attempt(lambda: act(by))
    if refusal is None:
        return see_other(f"/equipment/{thing_id}")
    return _page(desk, request, thing_id, Typed(form, refusal, values))


def _thing(desk: Desk, thing_id: UUID) -> dict[str, Any]:
    """A thing of the inventory that the asker may see. Raises Forbidden, also where there is none."""
    require(Action.SEE_EQUIPMENT, to_program(desk.asker))
    row = next((one for one in inventory.inventory(desk.session) if one["id"] == thing_id), None)
    if row is None:
        raise Forbidden
    return row


def _list(desk: Desk, request: Request, typed: Typed, *, state: str = "") -> HTMLResponse:
    require(Action.SEE_EQUIPMENT, to_program(desk.asker))
    rows = [{**row, "where": where_is(row)} for row in inventory.inventory(desk.session)]
    counts = {key: sum(1 for row in rows if row["where"] == key) for key in STATES}
    chosen = state if state in STATES else ""
    return page(
        desk,
        request,
        "inventory.html",
        refused=typed.refusal,
        typed=typed,
        rows=[row for row in rows if chosen in ("", row["where"])],
        total=len(rows),
        counts=counts,
        chosen=chosen,
        states=STATES,
        kinds=_kinds(desk),
        names=names_of(desk, [one for row in rows for one in (row["person_id"], row["last_id"])]),
    )


def _page(desk: Desk, request: Request, thing_id: UUID, typed: Typed) -> HTMLResponse:
    row = _thing(desk, thing_id)
    loans = inventory.loans_of(desk.session, thing_id)
    events = many(
        desk.session,
        select(_event)
        .where(
            _event.c.program_id == program_of(desk.session),
            _event.c.subject_kind == inventory.KIND,
            _event.c.subject_id == thing_id,
        )
        .order_by(_event.c.n.desc())
        .limit(LINES_SHOWN),
    )
    return page(
        desk,
        request,
        "equipment.html",
        refused=typed.refusal,
        typed=typed,
        row=row,
        where=where_is(row),
        states=STATES,
        kind=_kinds(desk)[row["kind"]],
        loans=loans,
        names=names_of(
            desk,
            [row["person_id"], row["added_by"], *(one[who] for one in loans for who in ("lent_by", "returned_by"))],
        ),
        own=row["person_id"] == desk.asker.person_id,
        moves=moves_of(row),
        move_words=MOVES,
        people=_who_can_have_it(desk) if where_is(row) == "available" else [],
        history=told(desk, events),
    )


def _kinds(desk: Desk) -> dict[str, str]:
    return {key: words[desk.language] for key, words in inventory.kinds(desk.session).items()}


def _who_can_have_it(desk: Desk) -> list[tuple[UUID, str]]:
    """Who holds a role today or later, by name; nobody lends to themselves."""
    rows = desk.session.execute(
        select(_person.c.id, _person.c.given_name, _person.c.family_name, _person.c.sort_key)
        .join(_tenure, (_tenure.c.program_id == _person.c.program_id) & (_tenure.c.person_id == _person.c.id))
        .where(
            _person.c.program_id == program_of(desk.session),
            _person.c.id != desk.asker.person_id,
            or_(_tenure.c.ends_on.is_(None), _tenure.c.ends_on >= desk.day),
        )
        .distinct()
        .order_by(_person.c.sort_key)
    )
    return [(row.id, f"{row.given_name} {row.family_name}") for row in rows]
