"""The interview sheet of a recruiting: two interviewers, two marks each, and who passes. Guide: GV-8.

An applicant is a number here. Who they are stands in the employer's own file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.casework import hold_case, judges
from domain.kernel import Actor, Refusal, col, every, is_text, of, program_of, run, says_something, trimmed
from domain.record import events
from locales import N_
from models.casework import Case
from models.departure import Interview

#: The protocol of which the interviews are a step.
PROTOCOL: Final = "recruiting"
LEADERSHIP: Final = 40
CLINICAL: Final = 60
PASS_MARK: Final = 70
INTERVIEWERS: Final = 2
LONGEST_NOTE: Final = 4_000
_MOST: Final = 100
_MOST_APPLICANTS: Final = 99


@dataclass(frozen=True)
class Marked:
    """An applicant's marks: each interviewer's row, and the mean of both once there are two."""

    applicant: int
    sheets: Sequence[Interview]

    @property
    def mark(self) -> float | None:
        """Out of 100: 40 % leadership and 60 % clinical, the mean of the interviewers; None until there are two."""
        if len(self.sheets) < INTERVIEWERS:
            return None
        marks: list[int] = [LEADERSHIP * one.leadership + CLINICAL * one.clinical for one in self.sheets]
        return sum(marks) / len(marks) / 100

    @property
    def passes(self) -> bool:
        """Whether two interviewers' mark reaches the pass mark."""
        return self.mark is not None and self.mark >= PASS_MARK


def record_interview(
    session: Session,
    case_id: UUID,
    *,
    applicant: int,
    leadership: int,
    clinical: int,
    note: str,
    by: Actor,
    at: datetime,
) -> None:
    """Record one's own marks of an applicant, in place of earlier ones. Raises Refusal.

    Two people interview: a third one's marks are refused, and each interviewer's are theirs alone.
    """
    case = hold_case(session, case_id, seen=None)
    if case.protocol != PROTOCOL or case.state != "open":
        raise Refusal("interview.no_recruiting", N_("Interviews belong to a recruiting that is open."))
    note = trimmed(note)
    _refuse_out_of_range(applicant, (leadership, clinical))
    if not says_something(note) or len(note) > LONGEST_NOTE or not is_text(note):
        raise Refusal("interview.note", N_("The interview guide asks for notes: write what you heard."), source="GV-8")
    if by.person_id is None:
        raise Refusal("interview.nobody", N_("An interview needs an interviewer."))
    others = {row.interviewer_id for row in _sheets(session, case_id) if row.applicant == applicant}
    if len(others - {by.person_id}) >= INTERVIEWERS:
        raise Refusal("interview.two", N_("Two people interview an applicant, and both have given their marks."))
    sheet = Interview(
        program_id=program_of(session),
        case_id=case_id,
        applicant=applicant,
        interviewer_id=by.person_id,
        leadership=leadership,
        clinical=clinical,
        note=note,
        recorded_at=at,
    )
    anew = sheet.model_dump(include={"leadership", "clinical", "note", "recorded_at"})
    run(
        session,
        insert(Interview)
        .values(sheet.model_dump())
        .on_conflict_do_update(
            index_elements=["program_id", "case_id", "applicant", "interviewer_id"],
            set_={**anew, "version": col(Interview.version) + 1},
        ),
    )
    events.write(session, "interview.recorded", "case", case_id, by=by, at=at, case_id=case_id, applicant=applicant)


def _refuse_out_of_range(applicant: int, marks: Sequence[int]) -> None:
    if not 1 <= applicant <= _MOST_APPLICANTS:
        raise Refusal("interview.applicant", N_("An applicant is a number from 1 to 99."))
    if not all(0 <= mark <= _MOST for mark in marks):
        raise Refusal("interview.mark", N_("A mark is out of 100."))


def marks_of(session: Session, case_id: UUID) -> list[Marked]:
    """Every applicant of a recruiting with their marks, the best first, those with one sheet alone last."""
    found: dict[int, list[Interview]] = defaultdict(list)
    for row in _sheets(session, case_id):
        found[row.applicant].append(row)
    marked = [Marked(applicant, sheets) for applicant, sheets in found.items()]
    return sorted(marked, key=lambda one: (-(one.mark or -1), one.applicant))


def passing(session: Session, case_id: UUID) -> list[int]:
    """The applicants of a recruiting who have two interviewers' marks that reach the pass mark, the best first."""
    return [one.applicant for one in marks_of(session, case_id) if one.passes]


@judges("interviews")
def refuse_unless_one_passes(session: Session, case: Case, at: datetime) -> None:  # noqa: ARG001 - as its kin
    """Refuse to call the interviews held before an applicant has two interviewers' marks that reach the pass mark."""
    if passing(session, case.id):
        return
    said = N_(
        "No applicant has the marks of two interviewers that reach %(mark)s %%: 40 %% leadership and"
        " 60 %% clinical skill."
    )
    raise Refusal("interview.nobody_passes", said, source="GV-8", mark=PASS_MARK)


def refuse_unless_passes(session: Session, case_id: UUID, applicant: int) -> None:
    """Refuse to hire an applicant who does not have two interviewers' marks that reach the pass mark."""
    if applicant in passing(session, case_id):
        return
    said = N_(
        "This applicant does not have the marks of two interviewers that reach %(mark)s %%. Choose one who has"
        " them, or record the marks first."
    )
    raise Refusal("interview.not_passed", said, source="GV-8", mark=PASS_MARK)


def _sheets(session: Session, case_id: UUID) -> list[Interview]:
    return every(
        session,
        of(Interview)
        .where(Interview.case_id == case_id)
        .order_by(col(Interview.applicant), col(Interview.recorded_at)),
    )
