"""Letters waiting to be sent, each with its finished bytes, so that a second try is the same letter."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from models.base import InProgram, found_by, moment, one_of, to, words
from models.lifecycles import NOTICE


class Notice(InProgram, table=True):
    """One letter to one person. `key` names its cause, so that the same cause never writes twice."""

    __table_args__ = (
        UniqueConstraint("program_id", "key"),
        one_of("state", NOTICE.states),
        CheckConstraint("(state = 'sent') = (sent_at is not null)", name="sent"),
        CheckConstraint("(state = 'queued') = (next_attempt_at is not null)", name="queued"),
        found_by("ix_notice_due", "next_attempt_at", "n", where="state = 'queued'"),
        found_by("ix_notice_not_sent", "state", "n", where="state in ('queued', 'failed')"),
        found_by("ix_notice_sent_at", "sent_at", where="sent_at is not null"),
        Index("ix_notice_n", "program_id", "n"),
        found_by("ix_notice_thread", "person_id", "thread", "n", where="state = 'queued' and thread <> ''"),
    )

    n: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    key: str
    person_id: UUID = to("person")
    to_address: str
    language: str
    template: str
    thread: str = ""  # letters of one thread to one person leave in the order in which they were written
    subject: str  # has no number or reference
    calls: list[str] = words()  # the numbers and references of its participants, which the subject leaves out
    message: bytes = Field(sa_type=LargeBinary)
    case_id: UUID | None = to("case", default=None)
    state: str = NOTICE.initial
    created_at: datetime = moment()
    attempts: int = 0
    next_attempt_at: datetime | None = moment(default=None)
    leased_until: datetime | None = moment(default=None)
    sent_at: datetime | None = moment(default=None)
    code: str = ""  # of the last answer; never the server's free text
