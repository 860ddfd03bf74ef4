"""Mails that came as answers and were not taken, over JSON: looked at, set aside, or taken as an answer."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext
from api.acts.declaring import On
from api.acts.meetings import Local
from api.acts.unmatched_replies import STRAY, find_stray
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import etag
from api.json.shapes import After, Limit, Page, Shown, of_columns
from api.views.unmatched_replies import UnmatchedReplyLine, lines_of
from api.web.rendering import words
from meetings import unmatched_replies
from models.invitation import StrayReply

router = api_routes("meetings", of_acts=True)


@of_columns(StrayReply, "received_at from_address reason meeting_id series_id person_id seen_at seen_by")
class UnmatchedReplyShown(Shown):
    """One mail: why it was not taken, as a code and in words, and what it claims. An address in it proves nothing.

    `meeting_id` and `starts` are empty of a whole season, and all of meeting and person where nothing is known. Once
    a person settled it, `outcome` is "set_aside" or "taken".
    """

    id: UUID
    reason_in_words: str
    claimed: Literal["", "accepted", "tentative", "declined", "delegated"]
    committee: str
    starts: Local | None
    seat: str
    outcome: Literal["", "set_aside", "taken"]
    version: int


@router.get("/strays")
@asks(Action.KEEP_STRAYS)
def list_strays(
    context: InContext,
    seen: Annotated[bool, Query(description="Those that somebody has seen to, instead of those that wait.")] = False,
    limit: Limit = 50,
    after: After = None,
) -> Page[UnmatchedReplyShown]:
    """The mails that came as answers and were not taken, the last ones first."""
    require(Action.KEEP_STRAYS, to_program(context.asker))
    part = (unmatched_replies.seen_to if seen else unmatched_replies.waiting)(context.session, most=limit, after=after)
    total = unmatched_replies.count(context.session, are_waiting=not seen)
    return Page[UnmatchedReplyShown].of(
        part, lambda rows: [_stray(one) for one in lines_of(context, rows)], limit, total
    )


@router.get("/strays/{stray_id}")
@asks(Action.KEEP_STRAYS)
def get_stray(stray_id: UUID, context: InContext, response: Response) -> UnmatchedReplyShown:
    """One mail that was not taken."""
    find_stray(context, Action.KEEP_STRAYS, stray_id)
    (line,) = lines_of(context, [unmatched_replies.stray_of(context.session, stray_id)])
    response.headers["ETag"] = etag(line.row.version)
    return _stray(line)


def _seen_to(on: On[None], _: None, response: Response) -> UnmatchedReplyShown:
    return get_stray(on.id, on.context, response)


act_resources(router, STRAY, _seen_to)


def _stray(line: UnmatchedReplyLine) -> UnmatchedReplyShown:
    return UnmatchedReplyShown.about(
        line.row, reason_in_words=words(line.why), committee=line.title, starts=line.starts, seat=line.seat
    )
