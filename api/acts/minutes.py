"""What is done to the minutes of a meeting: written while they are a draft, sent, taken back, and approved for good."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Path

from api.access.meetings import find_meeting
from api.access.permissions import Action
from api.access.permissions import Given as Relations
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from api.web.given import ActInput, Said, on_form
from api.web.readers import chosen
from locales import N_
from meetings import minutes
from meetings.invitations import PersonalNews
from models.meeting import Meeting

Row = Meeting
Number = Annotated[str, Path(max_length=11, description="The number of the item, such as 7 or 7.1.")]


def find_kept(context: RequestContext, _: Action, meeting_id: UUID) -> tuple[Row, Relations]:
    """A meeting that the asker may see, and what they are to it. Raises Forbidden."""
    row, _members, given = find_meeting(context.session, context.asker, meeting_id)
    return row, given


MINUTES: Final = ActSubject("/meetings/{meeting_id}/minutes", find_kept)
CIRCULATION: Final = ActSubject(MINUTES.path, find_kept)


class NoteGiven(ActInput):
    """What a draft of minutes says of an item. What is not given stays as it is."""

    said_fr: Annotated[Said | None, on_form(str)] = None
    said_en: Annotated[Said | None, on_form(str)] = None


@MINUTES.act(
    Action.RUN_MEETING,
    "/notes",
    form="item-{number}",
    place="item-{number}",
    versioned=True,
    json="PUT /notes/{number}",
)
def edit_note(on: On[Row], said: NoteGiven, number: Number) -> None:
    """Change what a draft says of an item."""
    minutes.edit_note(
        on.session, on.id, number, said_fr=said.said_fr, said_en=said.said_en, by=on.by, at=on.at, seen=on.seen
    )


@CIRCULATION.act(Action.RUN_MEETING, "/circulation", form="circulation", versioned=True)
def circulate_minutes(on: On[Row]) -> tuple[PersonalNews, ...]:
    """Send the draft to everyone whom the meeting invited; sent again, to those for whom something changed."""
    return minutes.circulate(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@MINUTES.act(Action.RUN_MEETING, "/refreshing", form="attendance", place="attendance", versioned=True)
def refresh_minutes(on: On[Row]) -> None:
    """Take over into a draft what was corrected since in the attendance; what it says of each item stays."""
    minutes.refresh(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


@MINUTES.act(Action.RUN_MEETING, "/amendment", form="state", place="state", versioned=True)
def amend_minutes(on: On[Row]) -> None:
    """Take back what was sent, to change it."""
    minutes.amend(on.session, on.id, by=on.by, at=on.at, seen=on.seen)


class ApprovalGiven(ActInput):
    """The later meeting that approved the minutes, once it is opened."""

    meeting_id: Annotated[
        UUID, on_form(chosen("minutes.missing", N_("Choose the meeting that approved them.")), name="meeting")
    ]


@MINUTES.act(Action.RUN_MEETING, "/approval", form="approval", place="approval", versioned=True)
def approve_minutes(on: On[Row], said: ApprovalGiven) -> None:
    """Record in which later meeting of the committee they were approved. They never change again."""
    find_meeting(on.session, on.context.asker, said.meeting_id)
    minutes.approve(on.session, on.id, in_meeting=said.meeting_id, by=on.by, at=on.at, seen=on.seen)
