"""The mails that came as answers to invitations and were not taken: looked at, set aside, or taken as an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.unmatched_replies import STRAY
from api.pages.act_routes import act_pages
from api.pages.forms import Typed
from api.pages.frame import around, framed_pages, page
from api.views.meetings import ANSWERS
from api.views.names import people_by_id
from api.views.unmatched_replies import CLAIMS, OUTCOMES, UnmatchedReplyLine, lines_of, may_answer
from meetings import unmatched_replies, wording
from meetings.committees import committees, title_of
from models.committee import Committee
from models.meeting import Meeting

router = framed_pages(of_acts=True)

#: How many wait on one page; of those that were seen to, the last ones are shown.
A_PAGE: Final = 25


@router.get("/strays", name="strays")
@asks(Action.KEEP_STRAYS)
def show_unmatched_replies(context: InContext, request: Request, after: UUID | None = None) -> HTMLResponse:
    """The mails that wait to be looked at, then those that were settled lately, and by which person."""
    return strays_page(context, request, Typed(), after=after)


def strays_page(context: RequestContext, request: Request, typed: Typed, *, after: UUID | None = None) -> HTMLResponse:
    """The page; with `typed`, as a rule refused what was sent."""
    require(Action.KEEP_STRAYS, to_program(context.asker))
    part = unmatched_replies.waiting(context.session, most=A_PAGE, after=after)
    waiting = lines_of(context, part.rows)
    seen_to = lines_of(context, unmatched_replies.seen_to(context.session, most=A_PAGE).rows)
    about = [(line, unmatched_replies.meetings_of(context.session, line.row, at=context.at)) for line in waiting]
    invited = [may_answer(context, meetings) for _, meetings in about]
    told_of = {one for line in (*waiting, *seen_to) for one in (line.row.person_id, line.row.seen_by)}
    people = people_by_id(context, told_of.union(*invited))
    named = committees(context.session)
    return page(
        context,
        request,
        "strays.html",
        waiting=[
            ReplyToMatch(
                line, _dates(context, meetings, named), [(one.id, one.name) for one in people.values() if one.id in may]
            )
            for (line, meetings), may in zip(about, invited, strict=True)
        ],
        typed=typed,
        total=unmatched_replies.count(context.session),
        parts=around(part, after, "/strays"),
        seen_to=seen_to,
        people=people,
        claims=CLAIMS,
        outcomes=OUTCOMES,
        answers=[(key, word) for key, (_, word) in ANSWERS.items() if key],
        when=lambda starts: wording.when(context.language, starts),
    )


@dataclass(frozen=True)
class ReplyToMatch:
    """A mail to look at: for which meetings it may be taken, and whose answer it can be; none where all are over."""

    line: UnmatchedReplyLine
    meetings: list[tuple[UUID, str]]
    people: list[tuple[UUID, str]]

    @property
    def is_season(self) -> bool:
        """Whether it names a season, and no date of it."""
        return self.line.row.series_id is not None and self.line.row.meeting_id is None


def _dates(
    context: RequestContext, meetings: Sequence[Meeting], named: Mapping[UUID, Committee]
) -> list[tuple[UUID, str]]:
    """The meetings for which a mail may be taken, as choices."""
    return [
        (one.id, f"{title_of(named[one.committee_id], context.language)}, {wording.when(context.language, one.starts)}")
        for one in meetings
    ]


act_pages(
    router,
    STRAY,
    lambda on, request, typed: strays_page(on.context, request, typed),
    after=lambda _, __: "/strays",
    must_have_seen=True,
)
