"""The register of decisions: what was decided, as it is read, and as a document has it. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, func
from sqlmodel import Session, and_, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import (
    Language,
    Question,
    Refusal,
    built,
    col,
    every,
    in_program,
    joins,
    local_day,
    moments_of,
    of,
    only,
    program,
    replaced,
    run,
    same,
    scalars,
    select,
    tuples,
    value_of,
)
from locales import N_, pick
from meetings import quorum
from meetings.agenda_papers import PARTNERS, WIDEST
from meetings.committees import CommitteeSeat, committee_of, committees
from meetings.decision_rows import RegisteredDecision, count_of, read_state
from meetings.decision_words import endorsement_in_words, shown_state
from meetings.documents.content import Both, RegisterContent, RegisterLine
from meetings.endorsements import declared, endorsements
from meetings.taking_back import settles_objections
from models.agenda import AgendaItem
from models.casework import Responsibility, Task
from models.committee import Committee
from models.decision_kinds import OF_ITS_COMMITTEE
from models.meeting import Meeting
from models.minutes import Decision, QuorumStanding
from models.program import Organization, Role


def decision_of(session: Session, decision_id: UUID) -> RegisteredDecision:
    """One decision. Raises Refusal where there is none."""
    row = find(session, decision_id)
    if row is None:
        raise Refusal("decision.unknown", N_("There is no such decision."))
    return row


def find(session: Session, decision_id: UUID) -> RegisteredDecision | None:
    """As `decision_of`, None where there is none."""
    return next(iter(_read(session, col(Decision.id) == decision_id)), None)


def numbered(session: Session, numbers: Collection[str]) -> list[RegisteredDecision]:
    """The decisions of these numbers, in their order."""
    return _read(session, col(Decision.number).in_(list(numbers))) if numbers else []


def of_task(session: Session, task_id: UUID) -> tuple[UUID, str] | None:
    """The id and the number of the decision that opened a task; None where none did."""
    found = run(session, only(Decision.id, Decision.number).where(Decision.task_id == task_id)).first()
    return None if found is None else (found.id, found.number)


def decisions_of(session: Session, meeting_id: UUID) -> list[RegisteredDecision]:
    """What one meeting decided, in the order of the numbers."""
    return _read(session, Decision.meeting_id == meeting_id)


def registers(session: Session, committee_ids: Iterable[UUID], year: int) -> list[RegisteredDecision]:
    """The decisions of a year of these committees, one committee after the other."""
    return _shown(session, every(session, *asked_of_registers(committee_ids, year)))


def asked_of_registers(committee_ids: Iterable[UUID], year: int) -> Question[SelectOfScalar[RegisteredDecision]]:
    """What `registers` asks."""
    return Question(_OF_YEAR, {"committees": list(committee_ids), "of_year": f"%-{year}-%"})


def years(session: Session, committee_ids: Iterable[UUID]) -> list[int]:
    """The years in which these committees decided something, the last one first."""
    return sorted(map(int, scalars(session, *asked_of_years(committee_ids))), reverse=True)


def asked_of_years(committee_ids: Iterable[UUID]) -> Question[SelectOfScalar[str]]:
    """What `years` asks."""
    return Question(_YEARS_IN, {"committees": list(committee_ids)})


def latest(session: Session, committee_id: UUID, most: int) -> list[RegisteredDecision]:
    """What a committee decided last, the last decision first."""
    its = only(Decision.id).where(Decision.committee_id == committee_id)
    last = its.order_by(col(Decision.decided_at).desc(), col(Decision.id)).limit(most)
    return _read(session, col(Decision.id).in_(last))[::-1]


def open_in(session: Session, committee_ids: Iterable[UUID]) -> list[RegisteredDecision]:
    """What these committees decided and is not done yet, the first due day first."""
    rows = _shown(session, every(session, *asked_of_open_in(committee_ids)))
    return sorted((row for row in rows if row.state == "open"), key=lambda row: (row.due_on, row.number))


def asked_of_open_in(committee_ids: Iterable[UUID]) -> Question[SelectOfScalar[RegisteredDecision]]:
    """What `open_in` asks."""
    return Question(_OPEN, {"committees": list(committee_ids)})


def to_endorse(session: Session, organization_ids: Collection[UUID], year: int) -> list[RegisteredDecision]:
    """Decisions on management on which one of these organizations is asked, but for withdrawn ones.

    Those of a year, and whatever the partners have not endorsed yet.
    """
    if not organization_ids:
        return []
    rows = _shown(session, every(session, *asked_to_endorse(year)))
    asked = endorsements(session, [row.id for row in rows])
    return [row for row in rows if any(one.organization_id in organization_ids for one in asked[row.id])]


def asked_to_endorse(year: int) -> Question[SelectOfScalar[RegisteredDecision]]:
    """What `to_endorse` asks first."""
    return Question(_TO_ENDORSE, {"of_year": f"%-{year}-%"})


def not_to_endorse(session: Session, since: date) -> list[RegisteredDecision]:
    """Decisions since a local day that are not about management, on which no partner is asked, the last one first.

    What another committee than the one that settles objections decides as clinical is its own matter, and left out.
    """
    return _read(
        session,
        or_(Committee.key == declared(session).committee, col(Decision.kind).not_in(OF_ITS_COMMITTEE)),
        col(Decision.endorsement) == "not_asked",
        col(Decision.settles_id).is_(None),
        col(Decision.state) != "withdrawn",
        col(Decision.decided_at) >= moments_of(session, since)[0],
    )[::-1]


def owed_by(session: Session, organization_id: UUID) -> list[RegisteredDecision]:
    """What this organization carries out or carried out, in the order of the numbers."""
    return _read(session, Decision.owner_organization_id == organization_id)


def taken_on(session: Session, committee_key: str, kind: str, subject: str) -> list[RegisteredDecision]:
    """What a committee decided on what was asked for as this kind and subject, in order; withdrawn ones too."""
    return _read(
        session,
        col(Decision.committee_id) == committee_of(session, committee_key).id,
        col(AgendaItem.kind) == kind,
        col(AgendaItem.subject) == subject,
    )


def taken_before(session: Session, moment: datetime) -> list[RegisteredDecision]:
    """Everything that was decided before a moment."""
    return _read(session, col(Decision.decided_at) < moment)


def with_age(session: Session, row: RegisteredDecision, day: date) -> RegisteredDecision:
    """An open decision with its age on a local day."""
    return replaced(row, age_days=(day - local_day(session, row.decided_at)).days)


def register_paper(
    session: Session, committee_id: UUID, year: int, on: date, *, audience: str = PARTNERS
) -> RegisterContent:
    """A committee's register of a year as a document has it on the local day `on`, for this audience."""
    here, committee = program(session), committees(session)[committee_id]
    rows = [row for row in registers(session, [committee_id], year) if is_for(row, audience)]
    endorsed = endorsements_in_words(session, rows)
    return RegisterContent(
        program=Both(fr=here.title_fr, en=here.title_en),
        committee=Both(fr=committee.title_fr, en=committee.title_en),
        on=on,
        decisions=tuple(_register_line(session, row, endorsed[row.id]) for row in rows),
    )


def unwritten(row: Decision) -> Language | None:
    """The language in which a decision is not written; None where it is written in both."""
    return "en" if not row.text_en else "fr" if not row.text_fr else None


def refuse_unwritten(content: RegisterContent, language: str) -> None:
    """Refuse a register in a language in which decisions are not written, and name them. Raises Refusal."""
    numbers = [line.number for line in content.decisions if not pick(language, line.text)]
    if numbers:
        raise Refusal(
            "document.untranslated",
            N_("This register is not complete in this language. Decisions that are not written in it: %(numbers)s."),
            numbers=", ".join(numbers),
        )


def is_for(row: RegisteredDecision, audience: str) -> bool:
    """Whether an audience may read a decision: those who may read the item that it was taken on."""
    return WIDEST.index(row.audience) <= WIDEST.index(audience)


def owner_of(row: RegisteredDecision) -> Both:
    """Who owes a decision, as people read it; blank where it has no owner."""
    where = f", {row.owner_organization}" if row.owner_organization else ""
    return Both(fr=row.owner_fr + where, en=row.owner_en + where) if row.owner_role else Both()


def quorum_words(stood: QuorumStanding, seats: Sequence[CommitteeSeat]) -> Both:
    """A standing in both languages; `seats` have the titles of those that it says are missing."""
    return Both(fr=quorum.in_words(stood, "fr", seats), en=quorum.in_words(stood, "en", seats))


def endorsements_in_words(session: Session, rows: Sequence[RegisteredDecision]) -> dict[UUID, Both]:
    """What the partners made of each of these decisions, in both languages, by its id."""
    asked = endorsements(session, [row.id for row in rows])
    ids = [row.settles_id for row in rows if row.settles_id]
    named = tuples(session, only(Decision.id, Decision.number).where(col(Decision.id).in_(ids))) if ids else ()
    settled: dict[UUID | None, str] = dict(named)
    return {row.id: endorsement_in_words(row, asked[row.id], settles=settled.get(row.settles_id, "")) for row in rows}


def _register_line(session: Session, row: RegisteredDecision, endorsement: Both) -> RegisterLine:
    return RegisterLine(
        number=row.number,
        decided_on=local_day(session, row.decided_at),
        text=Both(fr=row.text_fr, en=row.text_en),
        state=shown_state(row),  # type: ignore[arg-type]  # one of the words of both
        owner=owner_of(row),
        due_on=row.due_on,
        closed_on=local_day(session, row.closed_at) if row.closed_at else None,
        endorsement=endorsement,
        has_quorum=row.has_quorum,
    )


def _read(session: Session, *conditions: Any) -> list[RegisteredDecision]:
    return _shown(session, every(session, _REGISTERED.where(*conditions)))


_REGISTERED: Final = (
    of(RegisteredDecision)
    .join(Committee, joins(Decision.committee_id, Committee))
    .join(Meeting, joins(Decision.meeting_id, Meeting))
    .outerjoin(AgendaItem, joins(Decision.item_id, AgendaItem))
    .outerjoin(Task, joins(Decision.task_id, Task))
    .outerjoin(Responsibility, joins(Task.owed_by_id, Responsibility))
    .outerjoin(Role, and_(same(Role, Decision), Role.key == Decision.owner_role))
    .outerjoin(Organization, joins(Decision.owner_organization_id, Organization))
)
_IN_THESE: Final = col(Decision.committee_id) == any_(bindparam("committees", type_=ARRAY(Uuid())))
_OPEN: Final = built(_REGISTERED.where(_IN_THESE, col(Decision.state) == "open"))
_OF_YEAR: Final = built(_REGISTERED.where(_IN_THESE, col(Decision.number).like(bindparam("of_year", type_=Text()))))
_YEARS_IN: Final = built(
    select(value_of(func.substring(col(Decision.number), "-([0-9]+)-[0-9]+$", type_=Text())))
    .where(in_program(Decision), _IN_THESE)
    .distinct()
)
_TO_ENDORSE: Final = built(
    _REGISTERED.where(
        col(Decision.needs_endorsement),
        col(Decision.state) != "withdrawn",
        or_(
            col(Decision.endorsement).in_(["pending", "objected"]),
            col(Decision.number).like(bindparam("of_year", type_=Text())),
        ),
    )
)


def _shown(session: Session, rows: Sequence[RegisteredDecision]) -> list[RegisteredDecision]:
    """Decisions as they are read, in the order of their numbers."""
    settling = declared(session).committee  # asked also of none: what is not there answers as what may not be read
    found = [_as_its_task_is(row, settling) for row in rows]
    return sorted(found, key=lambda row: (row.letters, *count_of(row.number)))


def _as_its_task_is(row: RegisteredDecision, settling: str) -> RegisteredDecision:
    """A decision that reads as done while its task is; its last day moves where the partners took longer."""
    state = read_state(row)
    closed = {"state": state, "closed_at": row.done_at, "closed_as": row.done_as} if state == "done" else {}
    is_there = row.committee_key == settling
    return replaced(row, due_on=row.task_due_on or row.due_on, is_where_objections_settle=is_there, **closed)


def may_be_named(session: Session, committee_id: UUID) -> list[RegisteredDecision]:
    """What a decision of this committee may say that it takes back, the last first."""
    mine = or_(
        Decision.committee_id == committee_id,
        *([col(Decision.kind).not_in(OF_ITS_COMMITTEE)] if settles_objections(session, committee_id) else []),
    )
    rows = _read(session, mine, col(Decision.state).in_(["open", "standing"]), col(Decision.endorsement) != "objected")
    return sorted((row for row in rows if row.state != "done"), key=lambda row: row.decided_at, reverse=True)
