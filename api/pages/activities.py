"""Activities with participants: planned by who follows them, and never one of AD-C4 together with another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.answers import sentence_of, status_of
from api.at_follow_ups import caseload_of, find_follow_up, may
from api.pages.forms import Text, Typed, day_of, id_or_none
from api.pages.frame import page, see_other
from api.permissions import Action, Forbidden, Relation, asks, require, to_program
from api.session import AtDesk, Desk
from duties.follow_ups import activities
from duties.follow_ups.held import follow_ups
from duties.here import many, program_of
from locales import N_, gettext
from models.base import table_of
from models.follow_up import FollowUp

router = APIRouter(prefix="/activities")

_follow_up = table_of(FollowUp)

KINDS: Final[Mapping[str, str]] = {
    "outing": N_("Outing"),
    "workshop": N_("Workshop"),
    "meal": N_("Meal"),
    "errand": N_("Errand"),
    "other": N_("Another activity"),
}


@router.get("", name="activities")
@asks(Action.PLAN_ACTIVITIES)
def show_activities(desk: AtDesk, request: Request) -> HTMLResponse:
    """What is planned with those whom the reader follows, and a form to plan something."""
    require(Action.PLAN_ACTIVITIES, to_program(desk.asker))
    return _page(desk, request, Typed())


@router.post("")
@asks(Action.PLAN_ACTIVITIES)
def plan(
    desk: AtDesk,
    request: Request,
    held_on: Text = "",
    kind: Text = "",
    follow_up: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Plan an activity with some of one's own; the coordinator with any."""
    by = require(Action.PLAN_ACTIVITIES, to_program(desk.asker))
    chosen = [found for found in map(id_or_none, follow_up or []) if found is not None]
    for follow_up_id in chosen:
        _, given = find_follow_up(desk.session, desk.asker, follow_up_id)
        require(Action.KEEP_FOLLOW_UP, given)
    refusal = desk.attempt(
        lambda: activities.plan_activity(desk.session, chosen, held_on=day_of(held_on), kind=kind, by=by, at=desk.at)
    )
    if refusal is not None:
        values = {"held_on": held_on, "kind": kind, "follow_up": [str(one) for one in chosen]}
        return _page(desk, request, Typed("plan", refusal, values))
    return see_other("/activities")


@router.post("/{activity_id}/calling-off")
@asks(Action.PLAN_ACTIVITIES)
def call_off(desk: AtDesk, request: Request, activity_id: UUID) -> Response:
    """Call an activity off: by whoever follows one of those who take part, or the coordinator."""
    by = require(Action.PLAN_ACTIVITIES, to_program(desk.asker))
    if not any(_keeps(desk, one) for one in activities.taking_part(desk.session, activity_id)):
        raise Forbidden
    refusal = desk.attempt(lambda: activities.call_off(desk.session, activity_id, by=by, at=desk.at))
    return _page(desk, request, Typed("off", refusal)) if refusal else see_other("/activities")


def _keeps(desk: Desk, follow_up_id: UUID) -> bool:
    try:
        _, given = find_follow_up(desk.session, desk.asker, follow_up_id)
    except Forbidden:
        return False
    return may(Action.KEEP_FOLLOW_UP, given)


def _page(desk: Desk, request: Request, typed: Typed) -> HTMLResponse:
    session = desk.session
    if Relation.COORDINATOR in to_program(desk.asker):
        rows = many(
            session,
            follow_ups()
            .where(_follow_up.c.program_id == program_of(session), _follow_up.c.state.in_(["active", "on_break"]))
            .order_by(_follow_up.c.opened_on, _follow_up.c.id),
        )
        rows = [row for row in rows if _keeps(desk, row["id"])]
    else:
        rows = [row for row in caseload_of(session, desk.asker) if row["state"] in ("active", "on_break")]
    return page(
        desk,
        request,
        "activities.html",
        status=status_of(typed.refusal) if typed.refusal else 200,
        refusal=sentence_of(typed.refusal) if typed.refusal else "",
        typed=typed,
        planned=activities.planned(session, [row["id"] for row in rows], desk.day),
        rows=rows,
        kinds=[(key, gettext(words)) for key, words in KINDS.items()],
        kind_words=KINDS,
        today=desk.day,
    )
