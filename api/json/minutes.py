"""Minutes over JSON."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from api.at_meetings import find_meeting
from api.json.once import etag
from api.json.sitting_shapes import MinutesShown
from api.permissions import Action, asks
from api.session import AtDesk
from meetings import minutes
from meetings.documents.content import as_json

router = APIRouter(tags=["meetings"])


@router.get("/meetings/{meeting_id}/minutes")
@asks(Action.SEE_MEETING)
def get_minutes(meeting_id: UUID, desk: AtDesk, response: Response) -> MinutesShown:
    """The minutes of a meeting that was held, in both languages, and whether they are approved."""
    find_meeting(desk.session, desk.asker, meeting_id)
    row = minutes.minutes_of(desk.session, meeting_id)
    response.headers["ETag"] = etag(row["version"])
    return MinutesShown(
        id=row["id"], state=row["state"], version=row["version"], content=as_json(minutes.content_of(row))
    )
