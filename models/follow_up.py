"""Follow-ups of participants: who accompanies them, week by week, and what is known when they are not reached.

A participant appears here by their row alone, never by a name. What people wrote in their own words is sealed under the
participant's key. Everything else is a day, a count or a word of a list.
"""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Computed, Index, UniqueConstraint, literal_column, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field

from models.base import (
    InProgram,
    at_most_one,
    blob,
    found_by,
    in_order,
    moment,
    never_twice,
    one_of,
    structure,
    to,
    together,
    words,
)
from models.lifecycles import FOLLOW_UP
from models.participant import RISK_LEVELS

#: How much a follow-up asks of its worker. It is the team's word; hours spent are read from the weekly notes.
INTENSITIES = ("light", "regular", "intense")
#: Why a follow-up is inactive (FU-3, FU-2). The first is the participant's own; the others are what the team believes.
INACTIVE_REASONS = ("withdrew", "no_longer_benefits", "needs_beyond_program", "other_purposes", "lost_contact")
ASSIGNMENT_KINDS = ("primary", "second")
#: How a worker tried to reach a participant.
MEANS = ("call", "message", "visit", "through_someone")
#: Why a week had no meeting in person (FU-6).
WHY_NONE = ("not_scheduled", "no_news", "impossible", "withdrew", "other")
#: How a worker communicated with a participant in a week, other than in person (FU-6, FU-10).
COMMUNICATIONS = ("telephone", "text_message", "messenger", "email", "other")
#: The need that the week's work was for (FU-6), in the order of the notebook's hierarchy.
NEEDS = ("emergency", "stability", "participation", "recovery", "relationship")
#: How satisfied the worker was with a week, and the participant as the worker perceives it (FU-6).
SATISFACTIONS = ("dissatisfied", "somewhat_satisfied", "satisfied", "very_satisfied")
#: With what a week's summary begins: the type of its activity (FU-6).
ACTIVITY_TYPES = ("medical", "recreational", "sports", "cultural", "social", "legal", "community", "clinical", "other")
ACTIVITY_KINDS = ("outing", "workshop", "meal", "errand", "other")
#: What was agreed after a meeting to which the participant did not come (FU-5).
STRATEGIES = ("new_meeting", "another_place", "reminder_before", "less_often", "break", "attempts")


def _maybe(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """The words that a column may take that may also be empty."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} is null or {column} in ({listed})", name=column)


#: The places of an activity that a part takes: all of them where its participant is alone in theirs.
_PLACES: ColumnElement[bool] = literal_column(
    "int4range(case when alone then 0 else place end, case when alone then null else place + 1 end)"
)


class FollowUp(InProgram, table=True):
    """The accompaniment of one participant, from admission on: one, however often it pauses and is resumed.

    `state_*` say since which local day it has its state, why, and who said so. `active_*` say when it last became
    active, from where contacts are counted. What came before is in the record.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "participant_id"),
        one_of("state", FOLLOW_UP.states),
        one_of("intensity", INTENSITIES),
        _maybe("inactive_reason", INACTIVE_REASONS),
        CheckConstraint("(state = 'inactive') = (inactive_reason is not null)", name="inactive_for_a_reason"),
        CheckConstraint("state_since >= opened_on", name="since_its_opening"),
        found_by("ix_follow_up_goes_on", "opened_on", where="state not in ('inactive', 'completed')"),
    )

    participant_id: UUID = to("participant")
    state: str = FOLLOW_UP.initial
    state_since: date
    state_at: datetime = moment()
    state_by: UUID | None = to("person", default=None)  # empty for the system
    state_as: str
    active_since: date
    active_at: datetime = moment()
    inactive_reason: str | None = None
    intensity: str = INTENSITIES[1]
    opened_on: date
    opened_at: datetime = moment()
    opened_by: UUID | None = to("person", default=None)
    vacancy_task_id: UUID | None = to("task", default=None)  # the coordinator's, while an active one has no worker
    version: int = 1


class Assignment(InProgram, table=True):
    """A worker's part in a follow-up, from a day to a day, both inclusive.

    On any day a follow-up has at most one primary and one second worker, and no one is both. One that was replaced on
    the day it began is withdrawn: it never had a day, and stays on record.
    """

    __table_args__ = (
        one_of("kind", ASSIGNMENT_KINDS),
        in_order(),
        together("ended", "ended_at", "ended_as"),
        CheckConstraint("withdrawn_at is null or ended_at is not null", name="withdrawn_by_someone"),
        never_twice("one_worker_of_a_kind", "follow_up_id", "kind", where="withdrawn_at is null"),
        never_twice("one_part_a_worker", "follow_up_id", "person_id", where="withdrawn_at is null"),
        Index("ix_assignment_person", "program_id", "person_id"),
        found_by("ix_assignment_lasts", "ends_on", where="withdrawn_at is null"),
    )

    follow_up_id: UUID = to("follow_up", index=True)
    person_id: UUID = to("person")
    organization_id: UUID = to("organization")
    kind: str
    starts_on: date
    ends_on: date | None = None
    assigned_at: datetime = moment()
    assigned_by: UUID | None = to("person", default=None)
    assigned_as: str
    ended_at: datetime | None = moment(default=None)
    ended_by: UUID | None = to("person", default=None)
    ended_as: str | None = None
    withdrawn_at: datetime | None = moment(default=None)


class FollowUpBreak(InProgram, table=True):
    """A break agreed with the participant, who sets the terms of the return (FU-3b). It ends automatically."""

    __table_args__ = (
        CheckConstraint("returns_on > starts_on", name="returns_later"),
        together("ended", "ended_on", "ended_at"),
        Index("ix_follow_up_break_follow_up", "program_id", "follow_up_id"),
        at_most_one("one_break_at_a_time", "follow_up_id", where="ended_at is null"),
        found_by("ix_follow_up_break_due", "returns_on", where="ended_at is null"),
    )

    follow_up_id: UUID = to("follow_up")
    starts_on: date
    returns_on: date  # the local day on which it comes back
    terms: bytes | None = blob()  # sealed: the participant's own words
    agreed_at: datetime = moment()
    agreed_by: UUID | None = to("person", default=None)
    ended_on: date | None = None
    ended_at: datetime | None = moment(default=None)


class ContactAttempt(InProgram, table=True):
    """A try to reach a participant, and whether it reached them. At most two go unanswered in a row (FU-2)."""

    __table_args__ = (one_of("means", MEANS),)

    follow_up_id: UUID = to("follow_up", index=True)
    tried_on: date
    means: str
    reached: bool
    tried_by: UUID = to("person")
    recorded_at: datetime = moment()


class NoShow(InProgram, table=True):
    """A meeting to which the participant did not come: how long the worker waited, then what was agreed (FU-5)."""

    __table_args__ = (
        CheckConstraint("waited_minutes between 0 and 240", name="waited_minutes"),
        _maybe("strategy", STRATEGIES),
        together("agreed", "strategy", "agreed_on"),
        UniqueConstraint("program_id", "follow_up_id", "expected_at"),
    )

    follow_up_id: UUID = to("follow_up")
    expected_at: datetime = moment()
    waited_minutes: int
    strategy: str | None = None  # empty until the worker has made contact and agreed on one
    agreed_on: date | None = None
    recorded_by: UUID = to("person")
    recorded_at: datetime = moment()


class WeeklyNote(InProgram, table=True):
    """The row of one week of a follow-up (FU-6): met, reached otherwise, or why not, what for, and words in one blob.

    `week` is its Monday. One that is not complete is the worker's to finish. What was sent without any news is a
    communication, and reached nobody.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "follow_up_id", "week"),
        CheckConstraint("extract(isodow from week) = 1", name="week_is_a_monday"),
        CheckConstraint("met between 0 and 21", name="met"),
        CheckConstraint("minutes between 0 and 6000", name="minutes"),
        CheckConstraint("minutes <= met * 1440", name="minutes_of_meetings"),
        CheckConstraint(
            f"communications <@ array[{', '.join(repr(one) for one in COMMUNICATIONS)}]", name="communications"
        ),
        _maybe("why_none", WHY_NONE),
        _maybe("need", NEEDS),
        _maybe("worker_satisfaction", SATISFACTIONS),
        _maybe("participant_satisfaction", SATISFACTIONS),
        _maybe("activity_type", ACTIVITY_TYPES),
        CheckConstraint("why_none is null or met = 0", name="none_for_a_reason"),
        CheckConstraint(
            "not is_complete or met > 0 or cardinality(communications) > 0 or why_none is not null", name="complete"
        ),
        CheckConstraint("has_words = (words is not null)", name="has_words"),
    )

    follow_up_id: UUID = to("follow_up")
    week: date
    met: int = 0  # how many times in person
    minutes: int = 0  # how long in all, in person
    communications: list[str] = words()  # other than in person
    why_none: str | None = None  # why there was no meeting in person
    reached: bool = Field(
        default=None,
        sa_column_args=[
            Computed("cardinality(communications) > 0 and why_none is distinct from 'no_news'", persisted=True)
        ],
    )
    need: str | None = None
    worker_satisfaction: str | None = None
    participant_satisfaction: str | None = None
    activity_type: str | None = None
    words: bytes | None = blob()  # sealed: all that was written of the week, in one
    has_words: bool = False  # so that lists need not look at what is sealed
    is_complete: bool = False
    written_by: UUID = to("person")
    written_at: datetime = moment()
    version: int = 1


class SelfReport(InProgram, table=True):
    """A self-report questionnaire of the research, at time 1 or 2: when it was filled in, and the risk then (FU-6).

    One that was not done after all has neither. It is asked of those alone whose consent to research stands.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "follow_up_id", "n"),
        CheckConstraint("n in (1, 2)", name="time"),
        _maybe("risk", RISK_LEVELS),
        together("done", "done_on", "risk"),
    )

    follow_up_id: UUID = to("follow_up")
    n: int
    done_on: date | None = None
    risk: str | None = None  # as it is assessed at that moment, on the scale of the admission
    recorded_by: UUID = to("person")
    recorded_at: datetime = moment()
    version: int = 1


class NoteImport(InProgram, table=True):
    """A workbook of progress notes that someone sent (FU-6): they look at it, save it, and perhaps take it back.

    Its file is not kept. What its rows say is sealed in its sheets, until it is cleared.
    """

    __table_args__ = (
        together("saved", "saved_at", "saved_as"),
        CheckConstraint("taken_back_at is null or saved_at is not null", name="taken_back_once_saved"),
        found_by("ix_note_import_kept", "uploaded_at", where="cleared_at is null"),
    )

    uploaded_by: UUID = to("person", index=True)
    uploaded_at: datetime = moment()
    told: list[str] = words()  # what was found in the file and not read, each by its code
    saved_at: datetime | None = moment(default=None)
    saved_as: str | None = None
    taken_back_at: datetime | None = moment(default=None)
    cleared_at: datetime | None = moment(default=None)  # nothing that was written in it is kept any more


class NoteImportSheet(InProgram, table=True):
    """A sheet of a workbook that was sent: whose notes it has, or why it was not read; each row by its week.

    `sealed` is what the rows say, until they are saved; from then on what stood before, for taking it back.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "note_import_id", "position"),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("name ~ '^(J[0-9]{0,3})?$'", name="name"),
        CheckConstraint("sealed is null or follow_up_id is not null", name="sealed_for_someone"),
    )

    note_import_id: UUID = to("note_import")
    follow_up_id: UUID | None = to("follow_up", default=None)
    position: int
    name: str = ""  # as the guide names sheets; another name may be a person's, and is not kept
    trouble: str = ""  # why nothing of it is saved, by its code
    lines: list[dict[str, object]] = structure(default_factory=list)  # what became of each row: codes, days and counts
    sealed: bytes | None = blob()


class Activity(InProgram, table=True):
    """Something that is planned with one participant or several. Cancelled, never deleted.

    `begins` is a local hour of its day, from which it lasts that many minutes. What was planned before they were asked
    has neither. Its place is sealed in its parts.
    """

    __table_args__ = (
        one_of("kind", ACTIVITY_KINDS),
        together("called_off", "called_off_at", "called_off_as"),
        together("when", "begins", "minutes"),
        CheckConstraint("minutes between 15 and 1440", name="minutes"),
    )

    held_on: date = Field(index=True)
    begins: time | None = None
    minutes: int | None = None
    kind: str
    planned_by: UUID = to("person")
    planned_at: datetime = moment()
    called_off_at: datetime | None = moment(default=None)
    called_off_as: str | None = None


class ActivityPart(InProgram, table=True):
    """The part of one participant in an activity. One who also recruits others is alone in theirs (AD-C4).

    `place` counts the participants of an activity; one who is `alone` takes all places, so that no one else fits.
    `where_mark` is a blind mark of where it is, the same for two spellings of one place. What is sealed under the
    participant's key, and the mark, are gone when their file is destroyed.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "activity_id", "follow_up_id"),
        CheckConstraint("place >= 1", name="place"),
        together("taken_out", "taken_out_at", "taken_out_as"),
        together("where", "sealed", "where_mark"),
        ExcludeConstraint(
            (literal_column("program_id"), "="),
            (literal_column("activity_id"), "="),
            (_PLACES, "&&"),
            name="alone_in_theirs",
            using="gist",
            where=text("taken_out_at is null"),
        ),
    )

    activity_id: UUID = to("activity")
    follow_up_id: UUID = to("follow_up", index=True)
    place: int
    alone: bool
    sealed: bytes | None = blob()  # where it is, which may be somebody's home
    where_mark: str | None = None
    taken_out_at: datetime | None = moment(default=None)
    taken_out_as: str | None = None
