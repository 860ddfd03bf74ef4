"""What is sent to the windows that follow a meeting, whenever it changes: read once, asked of each, written once.

A page shows what it would be sent first; so the templates' part `now` is written here and there alike.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI, Request, Response
from sqlalchemy import func
from starlette.datastructures import Headers
from starlette.types import Scope

from api.access.permissions import Action, Asker, Forbidden, require
from api.access.session import Installation, RequestContext, keep_watching, still_signed_in
from api.access.sittings import OPEN_TO_SIT, Sight, SittingRead, read_sitting
from api.views.in_sitting import CASE_WORDS, in_sitting
from api.views.meetings import heading_of
from api.views.sittings import OUTCOMES
from api.web.live import STREAM, LivePages, Shown, event_of
from api.web.rendering import PART_HEADER, render
from domain.kernel import built, col, in_program, know_program, local_day, program, remember, run, select, value_of
from domain.roles import standing
from locales import show_moments_in, speaking
from meetings.committees import membership
from meetings.locking import read_meeting
from models.meeting import Meeting
from models.record import Event

#: What a reader looks at: the page of who sits, the one on the wall, or the one on which the meeting is run.
SITTING: Final = "in_sitting"
WALL: Final = "projector"
RUN: Final = "run"
#: Beside what was opened of a candidate: nothing is shown, and it ends with the reader's sitting.
BESIDE: Final = "beside"
#: Why a meeting is no longer followed, by its state; any other: it was closed.
_OVER: Final = {"cancelled": "cancelled"}
#: What is watched for hours without a click: who watches it stays, though their sign-in lies idle.
_WATCHED: Final = frozenset({SITTING, WALL})
#: What the views without a page of their own show of the meeting: that they follow it.
_FOLLOWS: Final = {RUN: "sitting_followed.html", BESIDE: "sitting_beside.html"}


@dataclass(frozen=True)
class Reader:
    """A person who follows a meeting: by which sign-in, in which language, and what of it they look at."""

    token: str
    person_id: UUID
    language: str
    view: str


def followed(context: RequestContext, request: Request, meeting_id: UUID, view: str) -> Response:
    """What the asker is shown of a meeting, whenever it changes; once, where they do not ask for a stream."""
    installation, program_id = context.installation, context.program_id
    reader = Reader(request.cookies.get(installation.cookie, ""), context.asker.person_id, context.language, view)
    feed = SittingFeed(request.app, installation, program_id, meeting_id)
    if STREAM not in request.headers.get("accept", ""):
        # Who does not ask for a stream gets what it would begin with.
        return Response(event_of(feed.show([reader])[reader]), media_type=STREAM)
    live: LivePages = request.app.state.live
    crowded = feed.written("sitting_over.html", why="elsewhere", view=view)
    return live.answer((program_id, meeting_id), feed, reader, whose=reader.person_id, crowded=crowded)


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
            # One moment of it: a meeting that closes while it is read would be one in which nobody sits.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            remember(session)
            know_program(session, program(session))
            signed_in = still_signed_in(session, {one.token for one in readers}, at)
            today = standing(session, local_day(session, at))
            meeting = read_meeting(session, self.meeting_id)
            members = membership(session, meeting.committee_id, since=min(meeting.starts.date(), today.day))
            is_open = meeting.state in OPEN_TO_SIT
            read = read_sitting(session, meeting, members, {one.person_id for one in readers}) if is_open else None
            apart = {BESIDE: _while_it_sits(meeting, read)}
            written: dict[Hashable, Shown] = {}
            found: dict[Reader, Shown] = {}
            for one in readers:
                context = RequestContext(session, Asker(one.person_id, today), at, self.installation)
                its = apart.get(one.view, read)
                why, sight = self._sight(context, _OVER.get(meeting.state, "closed"), its, one, signed_in)
                key = (one.view, one.language, why, sight)
                if key not in written:
                    with speaking(one.language):
                        show_moments_in(context.program.time_zone)
                        written[key] = self._write(context, read, sight, one.view, why)
                found[one] = written[key]
        if meeting.state == "under_way":
            watching = {one.token for one, shown in found.items() if one.view in _WATCHED and not shown.is_last}
            with self.installation.transaction(self.program_id) as session:
                keep_watching(session, watching, at)
        return found

    def _sight(
        self,
        context: RequestContext,
        over: str,
        read: SittingRead | None,
        reader: Reader,
        signed_in: Mapping[str, bool],
    ) -> tuple[str, Sight | None]:
        """What a reader sees by now; or why they see nothing any more."""
        is_used = signed_in.get(reader.token)
        if is_used is None or not (is_used or reader.view in _WATCHED) or not context.asker.is_staff:
            return "signed_out", None
        if read is None:
            return over, None
        try:
            if reader.view in (RUN, WALL):
                require(Action.RUN_MEETING, read.given_to(context.asker))
            return "", read.seen_by(context.asker)
        except Forbidden:
            return "left", None

    def _write(
        self, context: RequestContext, read: SittingRead | None, sight: Sight | None, view: str, why: str
    ) -> Shown:
        if read is None or sight is None:
            return Shown(self.written("sitting_over.html", why=why, view=view), is_last=True)
        if view in _FOLLOWS:
            return Shown(self.written(_FOLLOWS[view], view=view))
        shown, heading = in_sitting(read, sight, context.language, context.at), heading_of(context, read.meeting)
        return Shown(self.written(f"{view}.html", view=view, **heading, sitting=shown, outcomes=OUTCOMES, **CASE_WORDS))

    def written(self, template: str, *, view: str, **values: Any) -> str:
        """The part of a page that is kept fresh, as it is written now."""
        asked = _Asked(self.app, _scope(self.meeting_id, view), Headers({PART_HEADER: "now"}))
        return bytes(render(asked, template, view=view, meeting_id=self.meeting_id, **values).body).decode()


def _while_it_sits(meeting: Meeting, read: SittingRead | None) -> SittingRead | None:
    """What is read of a meeting; None before it opens, and where its opening was taken back."""
    return read if meeting.state == "under_way" else None


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
