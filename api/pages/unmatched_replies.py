"""The mails that came as answers to invitations and were not taken: looked at, set aside, or taken as an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, Forbidden, asks, find_person, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.forms import Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.views.meetings import ANSWERS, title_of
from api.views.names import people_by_id
from api.views.unmatched_replies import CLAIMS, OUTCOMES, StrayLine, lines_of, may_answer
from api.web.readers import id_or_none
from domain.kernel.refusals import Refusal
from locales import N_
from meetings import unmatched_replies, wording
from meetings.committees import committees

router = framed_pages()

Seen = Annotated[int, Form()]

#: How many wait on one page; of those that were seen to, the last ones are shown.
A_PAGE: Final = 25
#: What a form sends for every meeting to come of the season.
WHOLE_SEASON: Final = "season"


@router.get("/strays", name="strays")
@asks(Action.KEEP_STRAYS)
def show_strays(desk: AtDesk, request: Request, start: Annotated[int, Query(ge=0, le=2**31)] = 0) -> HTMLResponse:
    """What waits to be looked at, then what was seen to lately, by whom."""
    return strays_page(desk, request, Typed(), start=start)


@router.post("/strays/{stray_id}/setting-aside")
@asks(Action.KEEP_STRAYS)
def set_aside(desk: AtDesk, request: Request, stray_id: UUID, seen: Seen) -> Response:
    """Leave a mail for what it is."""
    by = require(Action.KEEP_STRAYS, to_program(desk.asker))
    _find(desk, stray_id)
    return _after(
        desk,
        request,
        stray_id,
        lambda: unmatched_replies.set_aside(desk.session, stray_id, by=by, at=desk.at, seen=seen),
        {},
    )


@router.post("/strays/{stray_id}/answer")
@asks(Action.KEEP_STRAYS)
def take(
    desk: AtDesk,
    request: Request,
    stray_id: UUID,
    seen: Seen,
    meeting: Text = "",
    person: Text = "",
    said: Text = "",
) -> Response:
    """Take a mail as what somebody answers to a meeting, or to each to come of its season."""
    by = require(Action.KEEP_STRAYS, to_program(desk.asker))
    _find(desk, stray_id)

    def act() -> None:
        who = id_or_none(person)
        if who is None:
            raise Refusal("person.missing", N_("Choose a person."))
        find_person(desk.session, who)
        which = None if meeting == WHOLE_SEASON else id_or_none(meeting)
        if which is None and meeting != WHOLE_SEASON:
            raise Refusal("meeting.missing", N_("Choose the meeting that the mail answers."))
        unmatched_replies.take(desk.session, stray_id, who, said, meeting_id=which, by=by, at=desk.at, seen=seen)

    return _after(desk, request, stray_id, act, {"meeting": meeting, "person": person, "said": said})


def strays_page(desk: Desk, request: Request, typed: Typed, *, start: int = 0) -> HTMLResponse:
    """The page; with `typed`, as a rule refused what was sent."""
    require(Action.KEEP_STRAYS, to_program(desk.asker))
    total = unmatched_replies.count(desk.session)
    start = min(start, max(total - 1, 0)) // A_PAGE * A_PAGE
    waiting = lines_of(desk, unmatched_replies.waiting(desk.session, limit=A_PAGE, offset=start))
    people, named = people_by_id(desk), committees(desk.session)
    return page(
        desk,
        request,
        "strays.html",
        refused=typed.refusal,
        typed=typed,
        waiting=[{"line": line, **_choices(desk, line, people, named)} for line in waiting],
        total=total,
        start=start,
        a_page=A_PAGE,
        seen_to=lines_of(desk, unmatched_replies.seen_to(desk.session, limit=A_PAGE)),
        people=people,
        claims=CLAIMS,
        outcomes=OUTCOMES,
        answers=[(key, word) for key, (_, word) in ANSWERS.items() if key],
        when=lambda starts: wording.when(desk.language, starts),
    )


def _choices(desk: Desk, line: StrayLine, people: Any, named: Mapping[UUID, Any]) -> dict[str, Any]:
    """For which meetings a mail may be taken, and whose answer it can be; none where every one of them is over."""
    meetings = unmatched_replies.meetings_of(desk.session, line.row, at=desk.at)
    invited = may_answer(desk, meetings)
    return {
        "meetings": [
            (
                one["id"],
                f"{title_of(named[one['committee_id']], desk.language)}, {wording.when(desk.language, one['starts'])}",
            )
            for one in meetings
        ],
        "is_season": line.row["series_id"] is not None and line.row["meeting_id"] is None,
        "people": [(one.id, one.name) for one in people.values() if one.id in invited],
    }


def _find(desk: Desk, stray_id: UUID) -> None:
    try:
        unmatched_replies.stray_of(desk.session, stray_id)
    except Refusal:
        raise Forbidden from None


def _after(desk: Desk, request: Request, stray_id: UUID, act: Callable[[], object], values: dict[str, Any]) -> Response:
    refusal = desk.attempt(act)
    if refusal is None:
        return see_other("/strays")
    return strays_page(desk, request, Typed(str(stray_id), refusal, values))
