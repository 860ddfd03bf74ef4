"""Activities with participants: planned by who follows them, and never one of AD-C4 together with another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.activities import to_plan_with
from api.access.permissions import Action, asks
from api.access.session import InContext, RequestContext
from api.acts.activities import ACTIVITY, PART, PLAN
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from domain.follow_ups import activities
from domain.roles import who_barred
from locales import N_, gettext

router = framed_pages("/activities", of_acts=True)


KINDS: Final[Mapping[str, str]] = {
    "outing": N_("Outing"),
    "workshop": N_("Workshop"),
    "meal": N_("Meal"),
    "errand": N_("Errand"),
    "other": N_("Another activity"),
}


@router.get("", name="activities")
@asks(Action.PLAN_ACTIVITIES)
def show_activities(context: InContext, request: Request) -> HTMLResponse:
    """What is planned with those whom the reader follows, and a form to plan something."""
    return _page(context, request, Typed())


def _page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    rows = to_plan_with(context)
    return page(
        context,
        request,
        "activities.html",
        typed=typed,
        planned=activities.planned(
            context.session,
            [row.id for row in rows],
            context.day,
            kept_from=who_barred(context.session, context.asker.person_id),
        ),
        rows=rows,
        kinds=[(key, gettext(words)) for key, words in KINDS.items()],
        kind_words=KINDS,
        today=context.day,
    )


for subject in (PLAN, ACTIVITY, PART):
    act_pages(
        router, subject, lambda on, request, typed: _page(on.context, request, typed), after=lambda _, __: "/activities"
    )
