"""Minutes over JSON: read as the reader may, written while they are a draft, sent, and approved for good."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.meetings import find_meeting
from api.access.minutes import find_minutes, minutes_file
from api.access.permissions import Action, asks, require
from api.access.session import InContext, RequestContext
from api.acts.declaring import On
from api.acts.minutes import MINUTES, Row
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import IfMatch, etag, seen_version
from api.json.meeting_shapes import MeetingChangeShown
from api.json.previewed_acts import Preview, changed
from api.json.shapes import FileShown
from api.json.sitting_shapes import MinutesShown
from api.web import downloads
from domain.kernel import Actor
from meetings import minutes
from meetings.documents.content import as_json

router = api_routes("meetings")


@router.get("/meetings/{meeting_id}/minutes")
@asks(Action.SEE_MEETING)
def get_minutes(meeting_id: UUID, context: InContext, response: Response) -> MinutesShown:
    """The minutes of a meeting that was held, in both languages, with the items that the asker may read.

    Readers who do not keep them read them once they were sent.
    """
    sheet = find_minutes(context, meeting_id)
    if sheet.row is None or sheet.content is None:
        raise minutes.none_yet()
    response.headers["ETag"] = etag(sheet.row.version)
    return MinutesShown.about(sheet.row, approved_in=sheet.row.approved_in_id, content=as_json(sheet.content))


@router.get("/meetings/{meeting_id}/minutes/files/{language}/{form}")
@asks(Action.SEE_MEETING)
def get_minutes_file(
    meeting_id: UUID, language: downloads.Language, form: downloads.Form, context: InContext
) -> FileShown:
    """The minutes as a file, in one language."""
    return FileShown.of(minutes_file(context, meeting_id, language, form))


@router.post("/meetings/{meeting_id}/minutes/circulation")
@asks(Action.RUN_MEETING)
def circulate_minutes(
    meeting_id: UUID, context: InContext, response: Response, preview: Preview = False, if_match: IfMatch = ""
) -> MeetingChangeShown:
    """Send the draft to everyone whom the meeting invited; sent again, to those for whom something changed."""
    by, seen = _keeper(context, meeting_id), seen_version(if_match)
    shown = changed(
        context,
        lambda: minutes.circulate(context.session, meeting_id, by=by, at=context.at, seen=seen),
        preview=preview,
    )
    response.headers["ETag"] = etag(minutes.minutes_of(context.session, meeting_id).version)
    return shown


def _acted_on(on: On[Row], _: None, response: Response) -> MinutesShown:
    return get_minutes(on.id, on.context, response)


act_resources(router, MINUTES, _acted_on)


def _keeper(context: RequestContext, meeting_id: UUID) -> Actor:
    """The actor who keeps the minutes of a meeting that the asker may see. Raises Forbidden."""
    _, _, given = find_meeting(context.session, context.asker, meeting_id)
    return require(Action.RUN_MEETING, given)
