"""The gate of an onboarding: what must be settled in it before its worker is assigned a follow-up.

A protocol about a worker that has a gate of this name holds its worker back while a case is open, at that case's
organization. A worker without such a case, or with one that ended, follows as before. They were there before the
program kept cases, or their onboarding is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.casework import falls_for_approval
from domain.declarations import MAY_FOLLOW
from domain.declared import Bilingual
from domain.kernel import (
    SHAPE,
    Question,
    also,
    among,
    both,
    built,
    col,
    every,
    inside,
    joins,
    of,
    only,
    same,
    surely,
    tuples,
)
from domain.roles import DayTenures, Link
from locales import N_
from models.casework import SETTLED, Case, ProtocolVersion, Responsibility, Task
from models.lifecycles import CASE
from models.program import Person

#: The person that a gate holds back, and at which organization.
Who = tuple[UUID, UUID]


@dataclass(frozen=True)
class Awaited:
    """A task that keeps a gate shut, with the people who have it: their names, or why no one has it."""

    case_id: UUID
    task_id: UUID
    step: str
    title: Bilingual
    who: Bilingual

    def in_language(self, language: str) -> str:
        """The step and who owes it, in one line."""
        return f"{self.title.in_language(language)} ({self.who.in_language(language)})"


def awaited(session: Session, people: Iterable[UUID], today: DayTenures) -> dict[Who, tuple[Awaited, ...]]:
    """What each of these people's onboardings still waits for before they follow anyone; only those held back."""
    rows = every(session, *asked_of_awaited(people))
    found: dict[Who, tuple[Awaited, ...]] = {}
    if rows:
        named = _named(session, rows, today)
        for row in rows:
            who = (row.subject_id, row.organization_id)
            found[who] = (*found.get(who, ()), _awaited(row, named[row.id]))
    return found


def listed(waits_for: Sequence[Awaited], language: str) -> str:
    """What a gate waits for, and who owes it, as one list."""
    return "; ".join(dict.fromkeys(one.in_language(language) for one in waits_for))


class _Waiting(Task):
    """A task that keeps a gate shut: of whose onboarding, at which organization, and its owner, where that is said."""

    model_config = SHAPE
    subject_id: UUID = surely(Case.subject_id)
    organization_id: UUID = surely(Case.organization_id)
    links: list[Link] | None = also(Responsibility.links)


def asked_of_awaited(people: Iterable[UUID]) -> Question[SelectOfScalar[_Waiting]]:
    """What `awaited` asks first."""
    return Question(_WAITING, {"newcomers": list(people)})


_WAITING: Final = built(
    of(_Waiting)
    .join(Case, joins(Task.case_id, Case))
    .join(ProtocolVersion, joins(Case.protocol_version_id, ProtocolVersion))
    # Of a step that is handed in, whoever approves it has it in hand.
    .outerjoin(
        Responsibility,
        same(Responsibility, Task)
        & (
            ((col(Task.state) == "submitted") & (col(Responsibility.id) == col(Task.approved_by_id)))
            | ((col(Task.state) != "submitted") & (col(Responsibility.id) == col(Task.owed_by_id)))
        ),
    )
    .where(
        Case.state == CASE.initial,
        among(Case.subject_id, "newcomers"),
        col(Case.organization_id).is_not(None),
        inside(ProtocolVersion.declared)["gates"][MAY_FOLLOW]["steps"].has_key(col(Task.step)),
        col(Task.state).not_in([*SETTLED, "cancelled"]),
    )
    .order_by(col(Case.id), col(Task.position), col(Task.item))
)


def _awaited(row: _Waiting, who: Bilingual) -> Awaited:
    case_id = surely(row.case_id)
    return Awaited(case_id, row.id, row.step, Bilingual(fr=row.title_fr, en=row.title_en), who)


def _who(row: _Waiting, today: DayTenures) -> list[UUID]:
    """Those who have a task on the day, or are to begin in time for it."""
    links = row.links or []
    waits = row.state == "submitted"
    falls = falls_for_approval(today, row, links) if waits else today.falls_by(links, row.due_on)
    return [one.person_id for one in falls.holders or falls.waits_for]


def _named(session: Session, rows: Sequence[_Waiting], today: DayTenures) -> dict[UUID, Bilingual]:
    """Those who have each task on the day, by its id."""
    holders = {row.id: _who(row, today) for row in rows}
    names = {
        person_id: f"{given_name} {family_name}"
        for person_id, given_name, family_name in tuples(
            session,
            only(Person.id, Person.given_name, Person.family_name).where(
                col(Person.id).in_({person for people in holders.values() for person in people})
            ),
        )
    }
    said: dict[UUID, Bilingual] = {}
    for row in rows:
        if row.action:
            said[row.id] = both(N_("done automatically"))
        elif holders[row.id]:
            who = ", ".join(dict.fromkeys(names[person] for person in holders[row.id]))
            said[row.id] = Bilingual(fr=who, en=who)
        else:
            said[row.id] = both(N_("this role is vacant"))
    return said
