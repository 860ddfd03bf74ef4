"""What the Clinical Committee speaks of in each case: what the worker raises, what is said, and how the work stands.

A participant appears here by their follow-up alone. What people wrote is sealed under the participant's key.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint

from models.base import InProgram, at_most_one, blob, moment, one_of, to, together

#: What became of a case in the sitting; "" while it waits. One that comes back keeps what its worker raises.
CASE_OUTCOMES = ("", "goes_on", "changes", "comes_back")
#: The processes of motivational interviewing, in their order (CM-C).
PROCESSES = ("relationship", "focus", "evocation", "planning")


class CaseDiscussion(InProgram, table=True):
    """A case before the committee: what its worker raises for a sitting to come, or what was said of it in one.

    A follow-up has one row that waits, of no meeting, and one for each meeting that spoke of it: what was raised moves
    there. `raised` is the issue in the worker's words, `said` the note and what follows in the secretary's. `task_id`
    is the worker's, who comes back on it by `due_on`.
    """

    __table_args__ = (
        one_of("outcome", CASE_OUTCOMES),
        UniqueConstraint("program_id", "follow_up_id", "meeting_id", name="one_discussion_a_meeting"),
        at_most_one("one_waits", "follow_up_id", where="meeting_id is null"),
        together("raised", "raised", "raised_by", "raised_at"),
        together("recorded", "meeting_id", "recorded_by", "recorded_at"),
        together("follows", "due_on", "task_id"),
        CheckConstraint("(meeting_id is null) = (outcome = '')", name="spoken_of"),
        CheckConstraint("raised is not null or not urgent", name="urgent"),
        CheckConstraint("meeting_id is not null or said is null", name="said"),
    )

    follow_up_id: UUID = to("follow_up", index=True)
    raised: bytes | None = blob()  # sealed
    urgent: bool = False
    raised_by: UUID | None = to("person", default=None)
    raised_at: datetime | None = moment(default=None)
    meeting_id: UUID | None = to("meeting", default=None, index=True)
    outcome: str = CASE_OUTCOMES[0]
    said: bytes | None = blob()  # sealed
    due_on: date | None = None
    task_id: UUID | None = to("task", default=None)
    recorded_by: UUID | None = to("person", default=None)
    recorded_at: datetime | None = moment(default=None)
    version: int = 1


class ProcessMark(InProgram, table=True):
    """Which processes of motivational interviewing the work of one week was about. `week` is its Monday."""

    __table_args__ = (
        UniqueConstraint("program_id", "follow_up_id", "week"),
        CheckConstraint("extract(isodow from week) = 1", name="week_is_a_monday"),
    )

    follow_up_id: UUID = to("follow_up")
    week: date
    relationship: bool = False
    focus: bool = False
    evocation: bool = False
    planning: bool = False
    marked_by: UUID = to("person")
    marked_at: datetime = moment()
    version: int = 1
