"""The destruction of files that is asked: what and why, for those who confirm or refuse it, by number and no name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.destructions import answers_as, find_destruction, seen_destructions
from api.access.permissions import Action, Given, asks, is_allowed, require
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.participant_files import DESTRUCTION
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views.participant_words import BECAME, CAUTIONS, DESTRUCTION_GROUNDS, KEPT_OUT
from api.views.participants import proof_of
from api.views.states import STATES
from api.views.tasks import names_of
from domain.kernel import col, only, scalars
from domain.participants import DestructionRequest, destruction, weighing, what_is_destroyed
from locales import N_, gettext
from models.program import Organization

router = framed_pages(of_acts=True)

STOPPED: Final[Mapping[str, str]] = {
    "hold": N_("a legal hold was placed"),
    "day_moved": N_("another last day was set"),
    "taken_up": N_("the follow-up was resumed"),
    "triaged": N_("the referral was triaged"),
    "referred_again": N_("the person was referred again"),
    "joined": N_("the file was joined to another"),
    "changed": N_("the file is needed again"),
}


@router.get("/destructions", name="destructions")
@asks(Action.SEE_DESTRUCTIONS)
def show_destructions(context: InContext, request: Request) -> HTMLResponse:
    """The destructions that are asked and wait for an answer."""
    rows = seen_destructions(context.session, context.asker)
    names = names_of(context, {row.asked_by for row in rows})
    return page(
        context, request, "destructions.html", rows=rows, names=names, grounds=DESTRUCTION_GROUNDS, today=context.day
    )


@router.get("/participants/{participant_id}/destruction", name="destruction")
@asks(Action.SEE_DESTRUCTION)
def show_destruction(context: InContext, request: Request, participant_id: UUID) -> HTMLResponse:
    """What is to be destroyed and why, and what became of it."""
    asked, given = find_destruction(context.session, context.asker, participant_id)
    return _page(context, request, asked, given)


def _page(
    context: RequestContext, request: Request, asked: DestructionRequest, given: Given, *, typed: Typed | None = None
) -> HTMLResponse:
    session, participant_id, typed = context.session, asked.participant_id, typed or Typed()
    able = list(
        dict.fromkeys(one.person_id for one in destruction.who_may_confirm(session, asked, context.asker.standing))
    )
    is_able = context.asker.person_id in able
    by = answers_as(session, context.asker, asked, given) if is_able else require(Action.SEE_DESTRUCTION, given)
    contents = what_is_destroyed.contents_of(session, participant_id)
    weighed = weighing.weigh(session, asked, context.day, by=by, at=context.at)
    kept_out = _kept_out(context, asked)
    names = names_of(context, {asked.asked_by, asked.asked_for, asked.ended_by, *able, *kept_out, *_people(weighed)})
    waits, keeps = asked.state == "asked", is_allowed(Action.KEEP_RETENTION, given)
    return page(
        context,
        request,
        "destruction.html",
        typed=typed,
        asked=asked,
        known_as=asked.known_as,
        contents=contents,
        file_state=gettext(STATES[contents.file_state][1]),
        became=BECAME[asked.state],
        ground=DESTRUCTION_GROUNDS[asked.ground],
        stopped_by=STOPPED.get(asked.stopped_by, ""),
        weighed=weighed,
        cautions=[(one, gettext(CAUTIONS[one])) for one in weighed.cautions],
        grounds=DESTRUCTION_GROUNDS,
        outcomes=BECAME,
        names=names,
        able=[names[one] for one in able],
        kept_out=[(names[one], why) for one, why in kept_out.items()],
        holders=_holders(context, participant_id),
        answers=waits and is_able,
        is_own=context.asker.person_id in (asked.asked_by, asked.asked_for),
        can_withdraw=waits and keeps,
        from_its_page=keeps,
        proof=proof_of(context, participant_id) if asked.state == "confirmed" else None,
        today=context.day,
    )


def _kept_out(context: RequestContext, asked: DestructionRequest) -> dict[UUID, str]:
    """Why each of those cannot answer who would by their role."""
    found = destruction.kept_out(context.session, asked, context.asker.standing)
    return {one.person_id: gettext(KEPT_OUT[one.why]) for one in found}


def _people(weighed: weighing.Weighed) -> set[UUID | None]:
    """Those who changed how long the file is kept, or had a part in an earlier request about it."""
    changed = {person for one in weighed.changes for person in (one.set_by, one.set_for)}
    return changed | {person for one in weighed.earlier for person in (one.asked_by, one.ended_by)}


def _holders(context: RequestContext, participant_id: UUID) -> list[str]:
    """The organizations that hold the file, as they are called in short."""
    places = destruction.holding_organizations(context.session, participant_id)
    return sorted(scalars(context.session, only(Organization.short_name).where(col(Organization.id).in_(places))))


def _shown(on: On[DestructionRequest], request: Request, typed: Typed) -> Response:
    asked, given = find_destruction(on.session, on.context.asker, on.id)
    return _page(on.context, request, asked, given, typed=typed)


act_pages(router, DESTRUCTION, _shown)
