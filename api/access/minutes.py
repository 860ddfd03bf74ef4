"""The minutes of a meeting as an asker may read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from api.access.meetings import audience_of, find_meeting
from api.access.permissions import Action, Forbidden, allows
from api.access.session import RequestContext
from domain.mail import Attachment
from meetings import minutes
from meetings.committees import committees
from meetings.documents import issuing
from meetings.documents.content import MinutesContent
from meetings.minutes_posting import read_by
from models.meeting import Meeting


@dataclass(frozen=True)
class MinutesRead:
    """A meeting, and its minutes as the asker reads them: both None while there are none for them.

    A draft is there for those alone who keep it (`keeps`); all others read since which day it is `corrected`, where the
    minutes had been sent.
    """

    meeting: Meeting
    keeps: bool
    row: minutes.OpenedMinutes | None = None
    content: MinutesContent | None = None
    corrected: date | None = None


def find_minutes(context: RequestContext, meeting_id: UUID) -> MinutesRead:
    """The minutes of a meeting that the asker may see. Raises Forbidden."""
    meeting, members, given = find_meeting(context.session, context.asker, meeting_id)
    keeps = allows(Action.RUN_MEETING, given) is not None
    row = minutes.find(context.session, meeting_id)
    if row is None:
        return MinutesRead(meeting, keeps)
    if row.state == "draft" and not keeps:
        return MinutesRead(meeting, keeps, corrected=minutes.corrected_since(context.session, row))
    audience = audience_of(context, members, given, meeting.starts.date())
    return MinutesRead(meeting, keeps, row, read_by(minutes.content_of(row), audience))


def minutes_file(context: RequestContext, meeting_id: UUID, language: str, form: issuing.Form) -> Attachment:
    """The minutes of a meeting as a file, as the asker may read them. Raises Forbidden, also where there are none."""
    sheet = find_minutes(context, meeting_id)
    if sheet.content is None:
        raise Forbidden
    committee = committees(context.session)[sheet.meeting.committee_id]
    issue = partial(issuing.issue, context.session) if sheet.keeps else issuing.issue_again
    return issue(sheet.content, language, form, committee=committee.key)
