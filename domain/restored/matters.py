"""The matters that a restore left: read, and whom each concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import Question, built, col, every, first, in_program, of, only, scalar, select
from domain.record import apart
from models.follow_up import FollowUp
from models.ledger import Restoration, RestoredMatter
from models.referral import Referral
from models.written import from_json

#: The kinds that who answers for privacy decides. The coordination decides the others.
FOR_PRIVACY: Final = frozenset({"consent", "restriction", "redaction"})


#: The acts of which nothing is kept closed until it is decided, and why.
OPEN_MEANWHILE: Final[Mapping[str, str]] = {
    "role.ended": "its row stays as it is: what ended it is the program's own file, which is loaded again",
    "evidence.withdrawn": "the step that it proved is done again with it: who undid that one undoes it again",
    "obligation.document_withdrawn": "a withdrawn one is read as any other, and people look at the clause again",
    "reply.address_forgotten": "it is forgotten again by the next round",
    "incident.redacted": "the register is read by those who decide alone",
}


def is_closed_meanwhile(matter: RestoredMatter) -> bool:
    """Whether something stays closed until a matter is decided: not of an act that this version does not know."""
    return matter.verb not in OPEN_MEANWHILE and matter.verb in apart.CLOSINGS


def waiting(session: Session) -> list[RestoredMatter]:
    """What waits for a decision, in the order in which it was done: that of the ledger's lines."""
    asked = of(RestoredMatter).where(col(RestoredMatter.decided_at).is_(None))
    return every(session, asked.order_by(col(RestoredMatter.ledger_n)))


_IS_WAITING: Final = col(RestoredMatter.decided_at).is_(None)
_COUNT: Final = built(select(func.count()).select_from(RestoredMatter).where(in_program(RestoredMatter), _IS_WAITING))
#: What `count_waiting` asks.
ASKED_OF_WAITING: Final[Question[Any]] = Question(_COUNT)


def count_waiting(session: Session) -> int:
    """How much waits for a decision."""
    return scalar(session, _COUNT) or 0


def decided(session: Session) -> list[RestoredMatter]:
    """What was decided, the last one first."""
    asked = of(RestoredMatter).where(col(RestoredMatter.decided_at).is_not(None))
    return every(session, asked.order_by(col(RestoredMatter.decided_at).desc(), col(RestoredMatter.ledger_n)))


def find(session: Session, matter_id: UUID) -> RestoredMatter | None:
    """One matter; None where there is none."""
    return first(session, of(RestoredMatter).where(RestoredMatter.id == matter_id))


def last_restoration(session: Session) -> Restoration | None:
    """The last time that the program was restored; None where it never was."""
    return first(session, of(Restoration).order_by(col(Restoration.epoch).desc()).limit(1))


#: The lines of each text of which words were taken out, which go with the one that says that it was done.
_TEXTS_OF_A_REDACTION: Final = ("minutes.redacted", "notice.redacted", "incident.redacted")


def with_it(matter: RestoredMatter, rows: Iterable[RestoredMatter]) -> list[RestoredMatter]:
    """The other lines, among these, of the act that took the same words out: it is decided once."""
    if matter.verb != "redaction.done" and matter.verb not in _TEXTS_OF_A_REDACTION:
        return []
    return [one for one in rows if one.id != matter.id and one.verb in _TEXTS_OF_A_REDACTION and one.at == matter.at]


def each_once(rows: Sequence[RestoredMatter]) -> list[RestoredMatter]:
    """These matters, but of the lines of one redaction one alone: that it was done, else the first text's."""
    whole = {one.at for one in rows if one.verb == "redaction.done"}
    shown = []
    for one in rows:
        if one.verb in _TEXTS_OF_A_REDACTION:
            if one.at in whole:
                continue
            whole.add(one.at)
        shown.append(one)
    return shown


#: The facts of a matter that name a person.
_PEOPLE: Final = ("person", "worker", "deputy", "instead_of", "director")


def concerned(matter: RestoredMatter) -> frozenset[UUID]:
    """The people whom it is about: whose access, role, absence, part or signature, or who stood in. None decides it."""
    named = {matter.person_id, *(id_in(matter, fact) for fact in _PEOPLE)}
    named.add(matter.subject_id if matter.subject_kind == "person" else None)
    return frozenset(one for one in named if one is not None)


def file_of(session: Session, matter: RestoredMatter) -> UUID | None:
    """The participant whose file a matter is about; None where it is about none, or it is not here any more."""
    table = _OF_A_FILE.get(matter.subject_kind)
    if table is None:
        return matter.subject_id if matter.subject_kind == "participant" else None
    return scalar(session, only(table.participant_id).where(col(table.id) == matter.subject_id))


_OF_A_FILE: Final[Mapping[str, type[FollowUp | Referral]]] = {"follow_up": FollowUp, "referral": Referral}


def decided_before(matter: RestoredMatter) -> apart.DecidedBefore | None:
    """What had been decided of a matter, and was lost with another restore; None where nothing was."""
    return from_json(apart.DecidedBefore, matter.before) if matter.before else None


def id_in(matter: RestoredMatter, fact: str) -> UUID | None:
    """The id that a matter names as this fact; None where it names none."""
    said = matter.facts.get(fact)
    return UUID(str(said)) if said else None
