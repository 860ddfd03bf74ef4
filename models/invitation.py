"""Who was told of which meetings, what they answered, and the calendars in which they read them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, Table, found_by, is_digest, moment, one_of, structure, to

ANSWERS = ("accepted", "tentative", "declined")
#: How an answer came: the link of the letter, a mail of the calendar's own, or a page of the program.
ANSWERED_BY = ("link", "mail", "page")
#: What a mail that was not taken claims: it may name an alternate instead, and may say nothing.
CLAIMED = ("", *ANSWERS, "delegated")
#: What became of such a mail, after it was looked at.
STRAY_OUTCOMES = ("", "set_aside", "taken")
#: How a person's calendar takes the news of one date of a series (notes on iTIP: RFC 5546, and what servers do).
DIALECTS = ("unknown", "merge", "replace")


class Invitation(InProgram, table=True):
    """What one person was last told about a series, or about a meeting that stands alone.

    `told` is what their calendar shows (`meetings.entries.CalendarEntry`), empty where a letter took it away. What has
    to be sent is always the difference between it and the records, so nothing is sent twice, nor forgotten.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "series_id", "person_id"),
        UniqueConstraint("program_id", "meeting_id", "person_id"),
        CheckConstraint("num_nulls(series_id, meeting_id) = 1", name="one_uid"),
        CheckConstraint("sequence >= 0", name="sequence"),
    )

    series_id: UUID | None = to("meeting_series", default=None)
    meeting_id: UUID | None = to("meeting", default=None)
    person_id: UUID = to("person", index=True)
    told: dict[str, object] = structure()
    sequence: int = 0
    told_at: datetime | None = moment(default=None)  # the DTSTAMP of the last one; each is later than the one before
    version: int = 1


class MeetingAnswer(InProgram, table=True):
    """What a person answered to one meeting, for the seat that they would sit on. The last one counts.

    It lapses when the meeting gets another time: they are asked anew, and the alternate they named comes until they
    answer.

    Where the calendar's own mail brought it, its SEQUENCE and DTSTAMP are stored, so that an older one cannot undo it.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "meeting_id", "person_id"),
        one_of("answer", ANSWERS),
        one_of("by", ANSWERED_BY),
        CheckConstraint("alternate_id is null or answer = 'declined'", name="alternate"),
    )

    meeting_id: UUID = to("meeting")
    person_id: UUID = to("person", index=True)
    seat_id: UUID | None = to("seat", default=None)  # empty for a guest
    answer: str
    by: str
    # Whom the one who cannot come named from among the seat's alternates.
    alternate_id: UUID | None = to("person", default=None)
    answered_at: datetime = moment()
    sequence: int | None = None
    stamped_at: datetime | None = moment(default=None)
    lapsed_at: datetime | None = moment(default=None)
    version: int = 1


class StrayReply(InProgram, table=True):
    """A mail that came as an answer and was not taken: why, its claimed sender, and what it claimed to be.

    Its person and meeting are stored as far as they are known. Nothing of its text is stored: the digest tells whether
    the same one came again. It waits until a person sets it aside, or takes it as someone's answer.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "digest"),
        is_digest("digest"),
        one_of("claimed", CLAIMED),
        one_of("outcome", STRAY_OUTCOMES),
        CheckConstraint("(outcome = '') = (seen_at is null)", name="outcome_and_seen_at"),
        CheckConstraint("seen_by is null or seen_at is not null", name="seen_by"),
        found_by("ix_stray_reply_waits", "received_at", where="seen_at is null"),
        found_by("ix_stray_reply_seen", "seen_at", where="seen_at is not null"),
    )

    digest: str
    reason: str  # a code of meetings.replies
    from_address: str = ""  # as the mail says, which proves nothing; empty where it cannot be read, or is old
    claimed: str = ""  # what it says that the person answers
    person_id: UUID | None = to("person", default=None)
    meeting_id: UUID | None = to("meeting", default=None)
    # Of an answer about a season, whether a date of it is known or not.
    series_id: UUID | None = to("meeting_series", default=None)
    received_at: datetime = moment()
    outcome: str = ""
    seen_at: datetime | None = moment(default=None)
    seen_by: UUID | None = to("person", default=None)
    version: int = 1


class CalendarReader(InProgram, table=True):
    """How a person's calendar takes news, where that is known."""

    __table_args__ = (UniqueConstraint("program_id", "person_id"), one_of("dialect", DIALECTS))

    person_id: UUID = to("person")
    dialect: str = DIALECTS[0]
    version: int = 1


class MeetingLink(Table, table=True):
    """A link by letter under which one person answers one invitation. Read before a program is known.

    It may be used until it expires, as people change their minds; opening it changes nothing.
    """

    __table_args__ = (is_digest("token_digest"),)

    token_digest: str = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="program.id")
    invitation_id: UUID = to("invitation", index=True)
    made_at: datetime = moment()
    expires_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)


class CalendarFeed(Table, table=True):
    """A person's private calendar address, found by the digest of its secret before a program is known."""

    __table_args__ = (UniqueConstraint("program_id", "id"), is_digest("token_digest"))

    token_digest: str = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="program.id")
    person_id: UUID = to("person", index=True)
    id: UUID
    made_at: datetime = moment()
    read_at: datetime | None = moment(default=None)
    ended_at: datetime | None = moment(default=None)
