"""Weeks of a follow-up over JSON: its notes, their words, and the information box."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from api.access import follow_ups as access
from api.access.permissions import Action, asks, is_allowed
from api.access.session import InContext
from api.acts import follow_ups as acts
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Shown, of_columns
from domain.follow_ups import Followed
from models.follow_up import WeeklyNote

router = api_routes("follow-ups")


class WeekWordsShown(Shown):
    """What was written of a week, by its fields."""

    why_other: str = ""
    main_activity: str = ""
    summary: str = ""
    other_information: str = ""
    other_workers: str = ""


@of_columns(
    WeeklyNote,
    "week met minutes communications reached why_none need worker_satisfaction participant_satisfaction activity_type"
    " has_words is_complete written_by written_at",
)
class NoteShown(Shown):
    """The note of a week, its words left sealed."""

    communications: list[str]

    version: int


class InformationShown(Shown):
    """The information box, derived: months by their first day. The risk is null where it is not told."""

    number: str
    gender: str
    born: date | None
    entered: date
    risk: str | None


@router.get("/follow-ups/{follow_up_id}/notes/{week}")
@asks(Action.READ_FOLLOW_UP)
def read_note(follow_up_id: UUID, week: date, context: InContext) -> WeekWordsShown:
    """The words of the note of the week that begins on this Monday: each reading is on record."""
    *_, words = access.read_note(context.session, context.asker, follow_up_id, week, at=context.at)
    return WeekWordsShown(**words)


@router.get("/follow-ups/{follow_up_id}/information")
@asks(Action.READ_FOLLOW_UP)
def read_information(follow_up_id: UUID, context: InContext) -> InformationShown:
    """The information box of a follow-up: each reading is on record."""
    _, given, box = access.read_information(context.session, context.asker, follow_up_id, at=context.at)
    return InformationShown.about(box, risk=box.risk if is_allowed(Action.SEE_RISK, given) else None)


def _written(_: On[Followed], done: acts.NoteWritten) -> NoteShown:
    return NoteShown.model_validate(done.note)


act_resources(router, acts.NOTE, _written)
