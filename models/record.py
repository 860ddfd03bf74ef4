"""The record: what happened, who did it, in which role. Written in the transaction that it tells of, never changed.

Soon after, the lines are sealed. Each seal covers a batch, carries on the seal before it, and is signed with a key that
the database does not hold. So a line edited, removed, moved or cut off is found.
"""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, UniqueConstraint, text
from sqlmodel import Field

from models.base import InProgram, blob, found_by, moment, structure, to, together

#: Acts of which pages ask the record whether, and when, they were done to a thing: a few in a year.
_ASKED_FOR: Final = (
    *("agreement.file_added", "agreement.signature_taken_back", "agreement.signed"),
    *("participant.admitted", "statement.released"),
)


class Event(InProgram, table=True):
    """One line of the record. `at` is the act's moment; `recorded_at`, `n` and `xid` come from the database itself.

    `xid` is the transaction that wrote it: a line is sealed when no older transaction can still add one.
    """

    __table_args__ = (
        found_by("ix_event_case", "case_id", "n", where="case_id is not null"),
        Index("ix_event_subject", "program_id", "subject_id"),
        Index("ix_event_n", "program_id", "n"),
        Index("ix_event_xid", "program_id", "xid"),
        found_by("ix_event_asked_for", "subject_id", where=f"verb in ({', '.join(map(repr, _ASKED_FOR))})"),
        found_by("ix_event_read", "n", where="verb in ('read', 'exported')"),
        found_by("ix_event_read_at", "at", where="verb in ('read', 'exported')"),
        found_by("ix_event_refused", "n", where="verb in ('access.refused', 'access.refused_often')"),
        found_by("ix_event_refused_at", "at", where="verb in ('access.refused', 'access.refused_often')"),
    )

    n: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    recorded_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), server_default=text("clock_timestamp()"), nullable=False),
    )
    at: datetime = moment()
    actor_id: UUID | None = to("person", default=None)  # empty for the system
    actor_as: str  # the role, or the part of the system that acted
    actor_for: UUID | None = to("person", default=None)  # the absent person of the actor, a deputy
    verb: str
    subject_kind: str
    subject_id: UUID
    case_id: UUID | None = None
    facts: dict[str, Any] = structure()
    xid: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"), nullable=False),
    )


class Seal(InProgram, table=True):
    """A batch of lines, sealed: how many, a digest of them, the seal before, and a signature over all that.

    Seals are numbered without a gap in each program, so that a missing one shows. That the last ones were cut off shows
    only beside a head that was sent out (`SentHead`).
    """

    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        CheckConstraint("number >= 1 and lines >= 1", name="counts"),
    )

    number: int
    lines: int
    events: list[int] = structure(default_factory=list)  # the lines' `n`, in the order of the digest
    marks: list[str] = structure(default_factory=list)  # the first letters of each line's own digest: which one changed
    digest: str  # SHA-256 of the lines, hexadecimal
    signature: str  # HMAC-SHA-256 over all of the above and the signature before, hexadecimal
    key_id: str  # which key signed; the key itself lies outside the database
    sealed_at: datetime = moment()


class SentHead(InProgram, table=True):
    """The last seal as it was mailed out on one day, for those who will compare."""

    __table_args__ = (UniqueConstraint("program_id", "sent_on"),)

    sent_on: date
    number: int
    signature: str
    recipients: int


class Incident(InProgram, table=True):
    """A confidentiality incident, in the register that the law asks for. All are entered, none deleted.

    It names no one: which information, whose (how many), what happened, what was done. Its words are sealed (`words`).
    The state before a change is kept as an `IncidentVersion`, to which the change's
    event holds.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("happened_to is null or happened_to >= happened_from", name="in_order"),
        CheckConstraint("people_concerned is null or people_concerned >= 0", name="people_concerned"),
        CheckConstraint("not serious_risk or words is not null", name="risk_has_reasons"),
        together("closed", "closed_by", "closed_at"),
        found_by("ix_incident_open", "number", where="closed_at is null"),
    )

    number: int
    organization_id: UUID = to("organization")  # the body that holds the information
    words: bytes | None = blob()
    happened_from: date | None = None
    happened_to: date | None = None
    known_on: date
    people_concerned: int | None = None  # empty where not known yet
    serious_risk: bool | None = None  # empty until assessed
    commission_told_on: date | None = None
    people_told_on: date | None = None
    recorded_by: UUID | None = to("person", default=None)
    recorded_at: datetime = moment()
    closed_by: UUID | None = None
    closed_at: datetime | None = moment(default=None)
    version: int = 1


class IncidentVersion(InProgram, table=True):
    """An incident as it stood at one of its versions, whole. Written with each change; a redaction takes words out.

    The words of the register do not go into the record, which more people read. The change's event there holds the
    digest of this row, so that a version that was rewritten later is found.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "incident_id", "number"),
        CheckConstraint("number >= 1", name="number"),
    )

    incident_id: UUID = to("incident")
    number: int
    stood: dict[str, Any] = structure()  # every field of the register, as JSON
    words: bytes | None = blob()  # its words as they stood, sealed
    digest: str  # SHA-256 of id, `stood` and `words`, hexadecimal; the random id keeps short ones from being guessed
    written_at: datetime = moment()
