"""A meeting as it sits, on the devices of its members, and on the wall; both are kept fresh while it sits.

Who sits is asked by one rule at the page, at each change that is sent, and where words are opened. The words that
workers raise are opened by a deliberate act, told to the record, and are gone from the window when the meeting closes,
or when its reader no longer sits.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext, is_automatic, is_watched
from api.access.sittings import SittingRead, find_sitting, read_open
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page_of_meeting, see_other
from api.pages.sitting_feed import BESIDE, RUN, SITTING, WALL, followed
from api.views.in_sitting import CASE_WORDS, Raised, in_sitting, opened_under
from api.views.sittings import OUTCOMES

router = framed_pages()


@router.get("/meetings/{meeting_id}/sitting", name=SITTING)
@asks(Action.SIT_IN)
@is_watched
def show_in_sitting(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """One meeting, for who sits in it. One that is over is read on its own page."""
    read = read_open(context, meeting_id)
    if read is None:
        return see_other(f"/meetings/{meeting_id}")
    return _page(context, request, read, ())


@router.get("/meetings/{meeting_id}/sitting/raised/{item_id}", name="raised")
@asks(Action.SIT_IN)
@is_watched
def read_raised(context: InContext, request: Request, meeting_id: UUID, item_id: UUID) -> Response:
    """What workers raise of the cases under an item, for who sits: each reading is on record."""
    read = read_open(context, meeting_id)
    if read is None:
        return see_other(f"/meetings/{meeting_id}")
    opened: list[Raised] = []
    refusal = context.attempt(lambda: opened.extend(opened_under(context, read, item_id)))
    return _page(context, request, read, opened, typed=Typed("raised", refusal))


@router.get("/meetings/{meeting_id}/sitting/events")
@asks(Action.SIT_IN)
@is_watched
@is_automatic
def follow_sitting(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """What who sits is shown, whenever it changes: server-sent events, until the meeting or their sitting ends."""
    find_sitting(context, meeting_id)
    return followed(context, request, meeting_id, SITTING)


@router.get("/meetings/{meeting_id}/sitting/end", name="sitting_end")
@asks(Action.SIT_IN)
@is_automatic
def follow_to_its_end(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """That the meeting, or the asker's sitting, ended: what they opened of a candidate then leaves their window."""
    find_sitting(context, meeting_id)
    return followed(context, request, meeting_id, BESIDE)


@router.get("/meetings/{meeting_id}/projector", name=WALL)
@asks(Action.RUN_MEETING)
@is_watched
def show_projector(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """One meeting on the wall: numbers, hours and counts, and no words that anybody typed."""
    meeting, _, given = find_sitting(context, meeting_id)
    require(Action.RUN_MEETING, given)
    read = read_open(context, meeting_id)
    if read is None:
        return see_other(f"/meetings/{meeting.id}")
    shown = in_sitting(read, read.seen_by(context.asker), context.language, context.at)
    # The frame has the name of who is signed in: the wall shows none.
    return page_of_meeting(
        context, request, "projector.html", meeting, sitting=shown, outcomes=OUTCOMES, **CASE_WORDS, nav=(), person=None
    )


@router.get("/meetings/{meeting_id}/projector/events")
@asks(Action.RUN_MEETING)
@is_watched
@is_automatic
def follow_on_wall(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """What is on the wall, whenever it changes."""
    return _followed_by_secretary(context, request, meeting_id, WALL)


@router.get("/meetings/{meeting_id}/run/events")
@asks(Action.RUN_MEETING)
@is_automatic
def follow_running(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """That a meeting that is run in this window was closed in another, as soon as it was."""
    return _followed_by_secretary(context, request, meeting_id, RUN)


def _followed_by_secretary(context: RequestContext, request: Request, meeting_id: UUID, view: str) -> Response:
    _, _, given = find_sitting(context, meeting_id)
    require(Action.RUN_MEETING, given)
    return followed(context, request, meeting_id, view)


def _page(
    context: RequestContext,
    request: Request,
    read: SittingRead,
    opened: Collection[Raised],
    *,
    typed: Typed | None = None,
) -> HTMLResponse:
    shown = in_sitting(read, read.seen_by(context.asker), context.language, context.at)
    return page_of_meeting(
        context,
        request,
        "in_sitting.html",
        read.meeting,
        **CASE_WORDS,
        sitting=shown,
        outcomes=OUTCOMES,
        opened=opened,
        typed=typed or Typed(),
    )
