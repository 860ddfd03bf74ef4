"""The record: what happened, by whom, as which role. Written in the transaction that it tells of, never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, text
from sqlmodel import Field

from models.base import InProgram, moment, structure, to


class Event(InProgram, table=True):
    """One line of the record. `at` is the act's moment; `recorded_at` and `n` are the database's own word."""

    __tablename__ = "event"
    __table_args__ = (
        to("person", "actor_id"),
        to("person", "actor_for"),
        Index("ix_event_case", "program_id", "case_id", "n", postgresql_where=text("case_id is not null")),
        Index("ix_event_subject", "program_id", "subject_id"),
        Index("ix_event_n", "program_id", "n"),
    )

    n: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    recorded_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), server_default=text("clock_timestamp()"), nullable=False),
    )
    at: datetime = moment()
    actor_id: UUID | None = None  # empty for the system
    actor_as: str  # the role, or the part of the system that acted
    actor_for: UUID | None = None  # whom the actor acted for
    verb: str
    subject_kind: str
    subject_id: UUID
    case_id: UUID | None = None
    facts: dict[str, Any] = structure()
