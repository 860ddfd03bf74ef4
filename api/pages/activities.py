"""Activities with participants: planned by who follows them, and never one of AD-C4 together with another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.access.activities import caller_off, planner, taker_out, whom_to_plan_with
from api.access.permissions import Action, asks
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.pages.idempotent_forms import AtOnce
from api.web.readers import day_of, hour_of, id_or_none
from domain.follow_ups import activities
from domain.kernel.refusals import Refusal
from domain.roles.sight import who_barred
from locales import N_, gettext

router = framed_pages("/activities")


KINDS: Final[Mapping[str, str]] = {
    "outing": N_("Outing"),
    "workshop": N_("Workshop"),
    "meal": N_("Meal"),
    "errand": N_("Errand"),
    "other": N_("Another activity"),
}


class WhereTyped:
    """When and where something is planned, as it was typed."""

    def __init__(self, held_on: Text = "", begins: Text = "", minutes: Text = "", place: Text = "") -> None:
        self.values = {"held_on": held_on, "begins": begins, "minutes": minutes, "place": place}

    def meant(self) -> dict[str, Any]:
        """What the verbs take. Raises Refusal."""
        typed = self.values
        minutes = typed["minutes"].strip()
        if not (minutes.isascii() and minutes.isdecimal() and len(minutes) <= 5):  # noqa: PLR2004 - no day has more
            raise Refusal("activity.minutes.malformed", N_("Write how many minutes it lasts, in figures."))
        return {
            "held_on": day_of(typed["held_on"]),
            "begins": hour_of(typed["begins"]),
            "minutes": int(minutes),
            "place": typed["place"],
        }


Where = Annotated[WhereTyped, Depends()]


@router.get("", name="activities")
@asks(Action.PLAN_ACTIVITIES)
def show_activities(desk: AtDesk, request: Request) -> HTMLResponse:
    """What is planned with those whom the reader follows, and a form to plan something."""
    return _page(desk, request, Typed())


@router.post("")
@asks(Action.PLAN_ACTIVITIES)
def plan(
    desk: AtDesk,
    request: Request,
    once: AtOnce,
    where: Where,
    kind: Text = "",
    follow_up: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Plan an activity with some of one's own; the coordinator with any."""
    chosen = [found for found in map(id_or_none, follow_up or []) if found is not None]
    by = planner(desk, chosen)

    def act() -> str:
        activities.plan_activity(desk.session, chosen, kind=kind, by=by, at=desk.at, **where.meant())
        return "/activities"

    done = once.attempt(act)
    if isinstance(done, str):
        return see_other(done)
    values = {**where.values, "kind": kind, "follow_up": [str(one) for one in chosen]}
    return _page(desk, request, Typed("plan", done, values))


@router.post("/{activity_id}/moving")
@asks(Action.CALL_OFF_ACTIVITY)
def move(desk: AtDesk, request: Request, activity_id: UUID, where: Where) -> Response:
    """Have an activity be at another place, day or hour."""
    by = caller_off(desk, activity_id)
    refusal = desk.attempt(
        lambda: activities.move_activity(desk.session, activity_id, by=by, at=desk.at, **where.meant())
    )
    return (
        _page(desk, request, Typed(f"move-{activity_id}", refusal, where.values))
        if refusal
        else see_other("/activities")
    )


@router.post("/{activity_id}/calling-off")
@asks(Action.CALL_OFF_ACTIVITY)
def call_off(desk: AtDesk, request: Request, activity_id: UUID) -> Response:
    """Call an activity off: by whoever follows one of those who take part, or the coordinator."""
    by = caller_off(desk, activity_id)
    refusal = desk.attempt(lambda: activities.call_off(desk.session, activity_id, by=by, at=desk.at))
    return _page(desk, request, Typed("off", refusal)) if refusal else see_other("/activities")


@router.post("/{activity_id}/parts/{follow_up_id}/leaving")
@asks(Action.CALL_OFF_ACTIVITY)
def take_out(desk: AtDesk, request: Request, activity_id: UUID, follow_up_id: UUID) -> Response:
    """Take a participant out of an activity: by whoever follows one of those who take part, or the coordinator."""
    by = taker_out(desk, activity_id, follow_up_id)
    refusal = desk.attempt(lambda: activities.take_out(desk.session, activity_id, follow_up_id, by=by, at=desk.at))
    return _page(desk, request, Typed("out", refusal)) if refusal else see_other("/activities")


def _page(desk: Desk, request: Request, typed: Typed) -> HTMLResponse:
    rows = whom_to_plan_with(desk, ("active", "on_break"))
    return page(
        desk,
        request,
        "activities.html",
        refused=typed.refusal,
        typed=typed,
        planned=activities.planned(
            desk.session,
            [row["id"] for row in rows],
            desk.day,
            kept_from=who_barred(desk.session, desk.asker.person_id),
        ),
        rows=rows,
        kinds=[(key, gettext(words)) for key, words in KINDS.items()],
        kind_words=KINDS,
        today=desk.day,
    )
