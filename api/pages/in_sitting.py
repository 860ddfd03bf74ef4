"""A meeting as it sits, on the device of whoever sits in it, and on the wall; both are kept fresh while it sits.

Whoever sits is asked by one rule at the page, at each change that is sent, and where words are opened. The words that
workers raise are opened by a deliberate act, told to the record, and are gone from the window when the meeting closes,
or when its reader no longer sits.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import func
from starlette.datastructures import Headers
from starlette.types import Scope

from api.access.follow_ups import ground_of
from api.access.permissions import Action, Asker, Forbidden, asks, require
from api.access.session import InContext, Installation, RequestContext, still_signed_in
from api.access.sittings import OPEN_TO_SIT, Sight, SittingRead, find_sitting, read_sitting
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.follow_ups import AWAITED, CASE_OUTCOMES, PROCESSES, REASONS
from api.views.in_sitting import RISKS, InSitting, in_sitting
from api.views.meetings import MeetingHead, heading_of
from api.views.sittings import OUTCOMES
from api.views.states import STATES
from api.web.live import STREAM, LivePages, Shown, event_of
from api.web.rendering import PART_HEADER, render
from domain.follow_ups import issues
from domain.kernel import (
    Refusal,
    built,
    col,
    in_program,
    know_program,
    local_day,
    program,
    remember,
    run,
    select,
    value_of,
)
from domain.roles import standing
from locales import N_, show_moments_in, speaking
from meetings.caseloads import CaseLine
from meetings.committees import membership
from meetings.locking import read_meeting
from models.record import Event

router = framed_pages()

#: What somebody looks at: the page of who sits, the one on the wall, or the one on which the meeting is run.
SITTING: Final = "in_sitting"
WALL: Final = "projector"
RUN: Final = "run"


@dataclass(frozen=True)
class Raised:
    """What a worker raises of a case, opened for who sits."""

    case: CaseLine
    words: str


@router.get("/meetings/{meeting_id}/sitting", name=SITTING)
@asks(Action.SIT_IN)
def show_in_sitting(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """One meeting, for who sits in it. One that is over is read on its own page."""
    read = _read(context, meeting_id)
    if read is None:
        return see_other(f"/meetings/{meeting_id}")
    return _page(context, request, read, ())


@router.get("/meetings/{meeting_id}/sitting/raised/{item_id}", name="raised")
@asks(Action.SIT_IN)
def read_raised(context: InContext, request: Request, meeting_id: UUID, item_id: UUID) -> Response:
    """What workers raise of the cases under an item, for who sits: each reading is on record."""
    read = _read(context, meeting_id)
    if read is None:
        return see_other(f"/meetings/{meeting_id}")
    opened: list[Raised] = []
    refusal = context.attempt(lambda: opened.extend(_opened(context, read, item_id)))
    return _page(context, request, read, opened, typed=Typed("raised", refusal))


@router.get("/meetings/{meeting_id}/sitting/events")
@asks(Action.SIT_IN)
def follow_sitting(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """What who sits is shown, whenever it changes: server-sent events, until the meeting or their sitting ends."""
    find_sitting(context, meeting_id)
    return _followed(context, request, meeting_id, SITTING)


@router.get("/meetings/{meeting_id}/projector", name=WALL)
@asks(Action.RUN_MEETING)
def show_projector(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """One meeting on the wall: numbers, hours and counts, and no words that anybody typed."""
    meeting, _, given = find_sitting(context, meeting_id)
    require(Action.RUN_MEETING, given)
    read = _read(context, meeting_id)
    if read is None:
        return see_other(f"/meetings/{meeting.id}")
    shown = in_sitting(read, read.seen_by(context.asker), context.language, context.at)
    # The frame has the name of who is signed in: the wall shows none.
    bare: dict[str, Any] = {"nav": (), "person": None}
    return page(context, request, "projector.html", **heading_of(context, meeting), **_shown(shown), **bare)


@router.get("/meetings/{meeting_id}/projector/events")
@asks(Action.RUN_MEETING)
def follow_on_wall(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """What is on the wall, whenever it changes."""
    _, _, given = find_sitting(context, meeting_id)
    require(Action.RUN_MEETING, given)
    return _followed(context, request, meeting_id, WALL)


@router.get("/meetings/{meeting_id}/run/events")
@asks(Action.RUN_MEETING)
def follow_running(context: InContext, request: Request, meeting_id: UUID) -> Response:
    """That a meeting that is run in this window was closed in another, as soon as it was."""
    _, _, given = find_sitting(context, meeting_id)
    require(Action.RUN_MEETING, given)
    return _followed(context, request, meeting_id, RUN)


def _read(context: RequestContext, meeting_id: UUID) -> SittingRead | None:
    """A meeting as it stands, for the asker who sits in it; None where it is over. Raises Forbidden."""
    meeting, members, _ = find_sitting(context, meeting_id)
    if meeting.state not in OPEN_TO_SIT:
        return None
    return read_sitting(context.session, meeting, members, [context.asker.person_id])


def _opened(context: RequestContext, read: SittingRead, item_id: UUID) -> list[Raised]:
    """The words of the cases under an item that the asker may read. Raises Refusal, and Forbidden: no such item."""
    if read.meeting.state != "under_way":
        raise Refusal("sitting.not_open", N_("What workers raise is read while the meeting sits."), source="CM-C")
    sight = read.seen_by(context.asker)
    shown = in_sitting(read, sight, context.language, context.at)
    under = next((one for one in shown.items if one.row.id == item_id), None)
    if under is None:
        raise Forbidden
    found = []
    for case in (case for worker in under.workers for case in worker.cases if shown.may_read(case)):
        given = read.to_case(context.asker, case)
        by = require(Action.READ_FOLLOW_UP, given)
        brought = case.brought
        if brought is not None:
            words = issues.read_issue(
                context.session, brought, case.row.participant_id, ground=ground_of(given), by=by, at=context.at
            )
            found.append(Raised(case, words))
    return found


def _page(
    context: RequestContext,
    request: Request,
    read: SittingRead,
    opened: Collection[Raised],
    *,
    typed: Typed | None = None,
) -> HTMLResponse:
    shown = in_sitting(read, read.seen_by(context.asker), context.language, context.at)
    heading = heading_of(context, read.meeting)
    return page(context, request, "in_sitting.html", **heading, **_shown(shown), opened=opened, typed=typed or Typed())


def _shown(shown: InSitting) -> dict[str, Any]:
    """What the parts that are kept fresh know, on the page and in the stream."""
    return {
        "sitting": shown,
        "outcomes": OUTCOMES,
        "case_outcomes": CASE_OUTCOMES,
        "awaited": AWAITED,
        "processes": PROCESSES,
        "states": STATES,
        "reasons": REASONS,
        "risks": RISKS,
    }


# ------------------------------------------------------------------------------------------------------ kept fresh


@dataclass(frozen=True)
class Reader:
    """Whoever follows a meeting: by which sign-in, in which language, and what of it they look at."""

    token: str
    person_id: UUID
    language: str
    view: str


def _followed(context: RequestContext, request: Request, meeting_id: UUID, view: str) -> Response:
    installation, program_id = context.installation, context.program_id
    reader = Reader(request.cookies.get(installation.cookie, ""), context.asker.person_id, context.language, view)
    feed = SittingFeed(request.app, installation, program_id, meeting_id)
    if STREAM not in request.headers.get("accept", ""):
        # Who does not ask for a stream gets what it would begin with.
        return Response(event_of(feed.show([reader])[reader]), media_type=STREAM)
    live: LivePages = request.app.state.live
    return live.answer((program_id, meeting_id), feed, reader)


@dataclass(frozen=True)
class SittingFeed:
    """One meeting as it is followed: read once, asked of each reader, and written once for all who see the same."""

    app: FastAPI
    installation: Installation
    program_id: UUID
    meeting_id: UUID

    def rang(self) -> Hashable:
        """How many lines the record has: whatever changes anything writes one."""
        with self.installation.of_program(self.program_id) as session:
            return tuple(run(session, _LINES).one())

    def show(self, readers: Collection[Reader]) -> Mapping[Reader, Shown]:
        """What each reader is shown; why no more, where they no longer sit or their sign-in ended."""
        at = self.installation.clock()
        with self.installation.of_program(self.program_id) as session:
            remember(session)
            know_program(session, program(session))
            signed_in = still_signed_in(session, {one.token for one in readers}, at)
            today = standing(session, local_day(session, at))
            meeting = read_meeting(session, self.meeting_id)
            members = membership(session, meeting.committee_id, since=min(meeting.starts.date(), today.day))
            is_open = meeting.state in OPEN_TO_SIT
            read = read_sitting(session, meeting, members, {one.person_id for one in readers}) if is_open else None
            written: dict[Hashable, Shown] = {}
            found = {}
            for one in readers:
                context = RequestContext(session, Asker(one.person_id, today), at, self.installation)
                why, sight = self._sight(context, read, one, signed_in)
                key = (one.view, one.language, why, sight)
                if key not in written:
                    with speaking(one.language):
                        show_moments_in(context.program.time_zone)
                        written[key] = self._write(context, read, sight, one.view, why)
                found[one] = written[key]
            return found

    def _sight(
        self, context: RequestContext, read: SittingRead | None, reader: Reader, signed_in: Collection[str]
    ) -> tuple[str, Sight | None]:
        """What a reader sees by now; or why they see nothing any more."""
        if reader.token not in signed_in or not context.asker.is_staff:
            return "signed_out", None
        if read is None:
            return "closed", None
        try:
            if reader.view != SITTING:
                require(Action.RUN_MEETING, read.given_to(context.asker))
            return "", read.seen_by(context.asker)
        except Forbidden:
            return "left", None

    def _write(
        self, context: RequestContext, read: SittingRead | None, sight: Sight | None, view: str, why: str
    ) -> Shown:
        asked = _Asked(self.app, _scope(self.meeting_id, view), Headers({PART_HEADER: "now"}))
        if read is None or sight is None:
            answer = render(asked, "sitting_over.html", why=why, meeting_id=self.meeting_id, view=view)
            return Shown(bytes(answer.body).decode(), is_last=True)
        if view == RUN:
            answer = render(asked, "sitting_followed.html", meeting_id=self.meeting_id)
            return Shown(bytes(answer.body).decode())
        heading: MeetingHead = heading_of(context, read.meeting)
        shown = in_sitting(read, sight, context.language, context.at)
        answer = render(asked, f"{view}.html", **heading, **_shown(shown))
        return Shown(bytes(answer.body).decode())


@dataclass(frozen=True)
class _Asked:
    """A part of a page that is written with no request of its own."""

    app: FastAPI
    scope: Scope
    headers: Headers


def _scope(meeting_id: UUID, view: str) -> Scope:
    last = "sitting" if view == SITTING else view
    return {"type": "http", "path": f"/meetings/{meeting_id}/{last}", "query_string": b"", "headers": [], "state": {}}


#: So many lines are counted: more than are written while one of them waits to be kept.
_LOOKED_BACK: Final = 500
_LAST: Final = select(value_of(func.coalesce(func.max(col(Event.n)), 0))).where(in_program(Event)).scalar_subquery()
#: The last lines of the record. Their number as well as the last: one that began earlier may be kept later.
_LINES: Final = built(
    select(func.max(col(Event.n)), func.count())
    .select_from(Event)
    .where(in_program(Event), col(Event.n) > _LAST - _LOOKED_BACK)
)
