"""Minutes over JSON: read as the reader may, written while they are a draft, sent, and approved for good."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.minutes import find_minutes, minutes_file
from api.access.permissions import Action, asks
from api.access.session import InContext
from api.acts.declaring import On
from api.acts.minutes import CIRCULATION, MINUTES, Row
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.idempotent_requests import etag
from api.json.previewed_acts import previewed_resources
from api.json.shapes import FileShown
from api.json.sitting_shapes import MinutesShown
from api.web import downloads
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
        raise minutes.none_yet(sheet.corrected)
    response.headers["ETag"] = etag(sheet.row.version)
    return MinutesShown.about(sheet.row, approved_in=sheet.row.approved_in_id, content=as_json(sheet.content))


@router.get("/meetings/{meeting_id}/minutes/files/{language}/{form}")
@asks(Action.SEE_MEETING)
def get_minutes_file(
    meeting_id: UUID, language: downloads.Language, form: downloads.Form, context: InContext
) -> FileShown:
    """The minutes as a file, in one language."""
    return FileShown.of(minutes_file(context, meeting_id, language, form))


def _acted_on(on: On[Row], _: None, response: Response) -> MinutesShown:
    return get_minutes(on.id, on.context, response)


act_resources(router, MINUTES, _acted_on)
previewed_resources(router, CIRCULATION, version=lambda on: minutes.minutes_of(on.session, on.id).version)
