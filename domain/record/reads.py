"""Who read what of people, when and why: one line of the record for each reading, in the reading's own transaction.

Read means that a person was given it: a document, the text of a letter, a list that leaves the program as a file. Names
and work addresses of staff do not count: the law does not protect what says how to reach a person at work. A
participant's nominative data comes through here too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Refusal, col, in_program, inside, only, scalars, surely
from domain.record import events
from locales import N_
from models.record import Event

READ: Final = "read"
EXPORTED: Final = "exported"

#: What is protected, as the database holds it: an answer with one of these is a reading of people. A test watches the
#: statements of every route, and finds one that reads these without telling the record.
PROTECTED: Final[frozenset[tuple[str, str]]] = frozenset(
    {
        ("evidence_file", "content"),
        ("notice", "message"),
        ("obligation_file", "content"),
        ("signed_file", "content"),
        ("consent_form", "sealed"),
        ("participant", "sealed"),
        ("referral", "sealed"),
        ("referral", "result_sealed"),
        ("criterion_finding", "sealed"),
        ("admission_decision", "sealed"),
        ("risk_assessment", "sealed"),
        ("disclosure", "sealed"),
        ("destruction", "sealed"),
        ("destruction", "answer_sealed"),
        ("kept_until", "sealed"),
        ("weekly_note", "words"),
        ("note_import_sheet", "sealed"),
        ("follow_up_break", "terms"),
        ("case_discussion", "raised"),
        ("case_discussion", "said"),
        ("follow_up_summary", "words"),
        ("task_words", "sealed"),
        ("study_row", "sealed"),
        ("rights_request", "asked"),
        ("rights_request", "masks"),
        ("rights_request", "answer"),
        ("rights_request", "statement"),
        ("rights_package", "sealed"),
    }
)

#: Why someone may read it: they take part in the matter; their role oversees it; they sit on the Clinical Committee
#: (AD-R11); or none of these, and they said what for.
Ground = Literal["part", "role", "committee", "purpose"]


class Purpose(StrEnum):
    """What a person reads for. The first follow from who they are; the last a reader chooses, and answers for."""

    OWN_PART = "own_part"
    COORDINATION = "coordination"
    MANAGEMENT = "management"
    ADMINISTRATION = "administration"
    PROTECTION = "protection"
    FOLLOW_UP = "follow_up"
    WHO_FOLLOWS = "who_follows"
    HAND_OVER = "hand_over"
    URGENT_HELP = "urgent_help"
    REQUEST_OF_PERSON = "request_of_person"
    LEGAL_DUTY = "legal_duty"


#: What a reader may choose, for what lies outside their own follow-ups; the first while the committee discusses a
#: person. From a list and not in words: the record is kept, and what people write of a person is no part of it.
CHOSEN: Final = (
    Purpose.WHO_FOLLOWS,
    Purpose.HAND_OVER,
    Purpose.URGENT_HELP,
    Purpose.REQUEST_OF_PERSON,
    Purpose.LEGAL_DUTY,
)


def chosen(said: str) -> Purpose | None:
    """The purpose that a reader chose, as a window sends it; None where it is no such purpose."""
    return next((one for one in CHOSEN if one.value == said), None)


_BY_ROLE: Final = {
    "coordinator": Purpose.COORDINATION,
    "manager": Purpose.MANAGEMENT,
    "director": Purpose.MANAGEMENT,
    "administrative_officer": Purpose.ADMINISTRATION,
    "administrator": Purpose.ADMINISTRATION,
    "privacy_officer": Purpose.PROTECTION,
}


def record_read(
    session: Session,
    kind: str,
    subject_id: UUID,
    /,
    *,
    what: str,
    ground: Ground,
    by: Actor,
    at: datetime,
    purpose: Purpose | None = None,
    case_id: UUID | None = None,
) -> None:
    """Record that `by` is given `what` ("document", "letter") of this `kind`, in the reading's own transaction.

    Where the reader neither takes part nor oversees by their role, they must say the purpose. `case_id` is the case
    that it belongs to. It is among the facts, so that the case's own page does not tell who looked. Raises Refusal
    where the purpose is missing, and nothing is read.
    """
    beside: dict[str, events.Fact] = {} if case_id is None else {"case": str(case_id)}
    _tell(session, READ, (kind, subject_id), {"what": what, **beside}, ground, purpose, by=by, at=at)


def record_export(
    session: Session, kind: str, subject_id: UUID, /, *, what: str, lines: int, ground: Ground, by: Actor, at: datetime
) -> None:
    """As `record_read`, for a list of that many `lines` that leaves the program as a file."""
    facts: dict[str, events.Fact] = {"what": what, "lines": lines}
    _tell(session, EXPORTED, (kind, subject_id), facts, ground, None, by=by, at=at)


def read_since(
    session: Session, subjects: Collection[UUID], *, what: str, by: Actor, since: datetime
) -> frozenset[UUID]:
    """Of which of these the record says that this person was given `what` since a moment."""
    theirs = Event.verb == READ, Event.actor_id == by.person_id, col(Event.at) >= since
    asked = only(surely(Event.subject_id)).where(
        in_program(Event), *theirs, col(Event.subject_id).in_(subjects), inside(Event.facts)["what"].astext == what
    )
    return frozenset(scalars(session, asked))


def purpose_of(by: Actor, ground: Ground) -> Purpose | None:
    """What a person reads for, as their part or their role says it; None where they have to say it."""
    if ground == "part":
        return Purpose.OWN_PART
    if ground == "committee":
        return Purpose.FOLLOW_UP
    return _BY_ROLE.get(by.role, Purpose.OWN_PART) if ground == "role" else None


def _tell(
    session: Session,
    verb: str,
    thing: tuple[str, UUID],
    facts: dict[str, events.Fact],
    ground: Ground,
    purpose: Purpose | None,
    *,
    by: Actor,
    at: datetime,
) -> None:
    if by.person_id is None:
        msg = "a part of the system does not read: it answers nobody"
        raise ValueError(msg)
    said = purpose_of(by, ground) or purpose
    if said is None or (ground == "purpose" and said not in CHOSEN):
        raise Refusal("read.purpose.missing", N_("This is outside your own follow-ups. Say why you are reading it."))
    kind, subject_id = thing
    told = {**facts, "purpose": said.value, "ground": ground}
    events.write_many(session, verb, kind, [(subject_id, told)], by=by, at=at)
