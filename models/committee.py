"""Committees and their seats: a seat belongs to an organization, and a person holds it for a while."""

from datetime import date, datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint

from models.base import InProgram, found_by, in_order, moment, never_twice, one_of, structure, to, words

SEAT_KINDS = ("principal", "alternate")


class KeptRhythm(TypedDict, total=False):
    """How often a committee meets, as declared; empty where it is not established yet."""

    times: int
    per: str
    weekday: str
    at: str


class KeptQuorum(TypedDict, total=False):
    """A committee's quorum as declared; empty where it declares none."""

    seats: int
    organizations: int
    must: list[str]


class KeptRule(TypedDict, total=False):
    """One rule as declared; `domain.declarations.program_committees.AgendaRule` reads all of it."""

    points: list[dict[str, str]]
    lists: str | None


class KeptAgenda(TypedDict, total=False):
    """When a committee's agendas go out and are frozen, in hours before it meets, and what fills them, as declared.

    `order` has the keys of the rules as their file has them: JSON keeps none. Empty where the committee declares none.
    """

    circulate_hours: int
    freeze_hours: int
    rules: dict[str, KeptRule]
    order: list[str]


class Committee(InProgram, table=True):
    """A committee of the program, its declared rhythm, and the committees that it is derived from."""

    __table_args__ = (UniqueConstraint("program_id", "key"), CheckConstraint("minutes > 0", name="minutes"))

    key: str
    title_fr: str
    title_en: str
    source: str
    rhythm: KeptRhythm = structure()
    minutes: int | None = None  # none is set where the committee is not established yet
    derived_from: list[str] = words()
    place: str = ""  # where it usually meets
    letters: str  # that the numbers of its decisions begin with
    quorum: KeptQuorum = structure()
    agenda: KeptAgenda = structure()


class Seat(InProgram, table=True):
    """A place on a committee that belongs to an organization, for the holder of a role there."""

    __table_args__ = (UniqueConstraint("program_id", "committee_id", "key"), in_order())

    committee_id: UUID = to("committee", index=True)
    organization_id: UUID = to("organization")
    key: str
    role: str
    title_fr: str
    title_en: str
    voting: bool = True
    starts_on: date | None = None
    ends_on: date | None = None


class SeatHolder(InProgram, table=True):
    """A person's hold of a seat, as principal or as alternate, from a day to a day.

    A hold that is withdrawn before it could count (`withdrawn_at`) is kept, and no longer means anything.
    """

    __table_args__ = (
        one_of("kind", SEAT_KINDS),
        in_order(),
        never_twice("one_principal", "seat_id", where="kind = 'principal' and withdrawn_at is null"),
        never_twice("once_a_seat", "seat_id", "person_id", where="withdrawn_at is null"),
        found_by("ix_seat_holder_lasts", "ends_on", where="withdrawn_at is null"),
    )

    seat_id: UUID = to("seat", index=True)
    person_id: UUID = to("person", index=True)
    kind: str = "principal"
    starts_on: date
    ends_on: date | None = None
    recorded_at: datetime = moment()
    withdrawn_at: datetime | None = moment(default=None)
    version: int = 1
