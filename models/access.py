"""Who may get in and who is signed in: identities, passkeys, doors by letter, sign-ins, and requests already answered.

What is read before a program is known holds nothing nominative: digests, opaque ids and moments. Where a digest stands,
the database takes nothing else. A row is still only added by its own program (`models.walls.ADDED_BY_OWN`).
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from models.base import Table, at_most_one, found_by, is_digest, moment, one_of, structure, to, together
from models.ports import FlowKept

#: How someone signs in. A link by letter opens the enrolment of a passkey and nothing else.
MEANS = ("demonstration", "entra", "passkey")
#: Why a sign-in ended before its time.
ENDINGS = ("signed_out", "ended_elsewhere", "left", "door_closed", "restored")
#: Where a door by letter leads.
DOORS = ("invitation", "enrolment")
#: The kinds of half-done sign-in.
FLOWS = ("entra", "passkey", "enrolment")


class BrowserSession(Table, table=True):
    """A sign-in, found by the digest of its cookie. Read before a program is known, so every program may find it.

    It ends when idle or old, when its person signs out or ends it elsewhere, and when the person leaves: the
    request's own query asks. `id` names it in the person's list of sign-ins, where the digest is never shown. `shows`
    is the one candidate whose name its pages show, until a moment: opened once, for a sitting of work. `watched_at` is
    when a meeting that sits was last watched by it: that page alone is held by it, and no other.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "id"),
        one_of("means", MEANS),
        one_of("ended_as", ("", *ENDINGS)),
        is_digest("token_digest"),
        together("shows", "shows", "shows_until"),
        Index("ix_browser_session_seen", "program_id", "person_id", "seen_at"),
    )

    token_digest: str = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="program.id")
    person_id: UUID = to("person")
    id: UUID = Field(default_factory=uuid4)
    means: str = MEANS[0]
    device: str = ""  # browser and system, in words of ours: "Firefox, Windows"
    signed_in_at: datetime = moment()
    seen_at: datetime = moment()
    watched_at: datetime | None = moment(default=None)
    ended_at: datetime | None = moment(default=None)
    ended_as: str = ""
    shows: UUID | None = None
    shows_until: datetime | None = moment(default=None)


class Identity(Table, table=True):
    """How a directory knows a person: tenant and object id, never an address. Linked by invitation.

    The same identity may be one person in each of several programs. In one program it is one person at a time, and a
    person has one at a time. One that was linked to the wrong person is unlinked, and the row stays as it was.
    """

    __table_args__ = (
        Index(
            "one_person_an_identity",
            "tenant_id",
            "object_id",
            "program_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        at_most_one("one_identity_a_person", "person_id", where="ended_at is null"),
    )

    tenant_id: UUID = Field(primary_key=True)
    object_id: UUID = Field(primary_key=True)
    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    person_id: UUID = to("person", primary_key=True, index=True)
    linked_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)


class Passkey(Table, table=True):
    """A passkey of a person: what its authenticator gave at enrolment. The secret never leaves the authenticator."""

    __table_args__ = (
        UniqueConstraint("program_id", "id"),
        CheckConstraint("credential_id ~ '^[A-Za-z0-9_-]+$'", name="credential_id"),
        found_by("ix_passkey_open", "person_id", where="ended_at is null"),
    )

    credential_id: str = Field(primary_key=True)  # base64url, as browsers write it
    program_id: UUID = Field(foreign_key="program.id")
    person_id: UUID = to("person", index=True)
    id: UUID = Field(default_factory=uuid4)
    public_key: bytes = Field(sa_type=LargeBinary)
    sign_count: int = 0
    device: str = ""
    enrolled_at: datetime = moment()
    used_at: datetime | None = moment(default=None)
    ended_at: datetime | None = moment(default=None)


class Door(Table, table=True):
    """A link that a letter carries: works once, until it expires, and an enrolment only in the browser that asked."""

    __table_args__ = (
        one_of("kind", DOORS),
        together("used", "used_at", "used_by_digest"),
        is_digest("token_digest"),
        is_digest("browser_digest", or_empty=True),
        is_digest("used_by_digest", or_empty=True),
    )

    token_digest: str = Field(primary_key=True)
    program_id: UUID = Field(foreign_key="program.id")
    person_id: UUID = to("person", index=True)
    kind: str
    browser_digest: str = ""  # of the browser's own cookie; empty where any browser may use it
    made_by: UUID | None = to("person", default=None)
    made_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(default=None)
    used_by_digest: str | None = None


class SignInFlow(Table, table=True):
    """A sign-in that has begun and waits for its other half. Belongs to no program yet; taken once, then gone."""

    __table_args__ = (one_of("kind", FLOWS), is_digest("cookie_digest"))

    cookie_digest: str = Field(primary_key=True)
    kind: str
    kept: FlowKept = structure()  # state, nonce, verifier or challenge; the door that it came through
    expires_at: datetime = moment()


class RateCount(Table, table=True):
    """How often something was tried in a span of time, shared by every process of the web. Not logged: it may be lost.

    `key` is a digest of what is counted, so that no address is stored here.
    """

    __table_args__ = (is_digest("key"), CheckConstraint("tries >= 1", name="tries"), {"prefixes": ["UNLOGGED"]})

    key: str = Field(primary_key=True)
    starts_at: datetime = moment(primary_key=True)
    tries: int = 1


class AnsweredRequest(Table, table=True):
    """An idempotency key, scoped to who asked and which route, with the answer's status and place, never its body."""

    program_id: UUID = Field(primary_key=True, foreign_key="program.id")
    person_id: UUID = to("person", primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    digest: str
    status: int
    location: str = ""
    answered_at: datetime = moment()
