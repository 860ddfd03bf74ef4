"""Who is signed in, and which requests were already answered."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from models.base import Table, moment, to


class BrowserSession(Table, table=True):
    """A sign-in, found by the digest of its cookie. Read before a program is known, so it has no policy.

    It ends when idle or old, when its person signs out, and when the person leaves: the request's own query asks.
    """

    __tablename__ = "browser_session"
    __table_args__ = (to("person", "person_id"),)

    token_digest: str = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="program.id")
    person_id: UUID
    signed_in_at: datetime = moment()
    seen_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)


class AnsweredRequest(Table, table=True):
    """An idempotency key, scoped to who asked and which route, with the answer's status and place, never its body."""

    __tablename__ = "answered_request"
    __table_args__ = (to("person", "person_id"),)

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    person_id: UUID = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    status: int
    location: str = ""
    answered_at: datetime = moment()
