"""The gate of an onboarding: what has to be settled in it before the worker it is about is given a follow-up.

A protocol about a worker that has a gate of this name holds back whom its open cases are about, at the organization
that each is about. Whoever has no such case, or one that ended, follows as before: they were there before the program
kept cases, or their onboarding is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from domain.casework.approving import falls_for_approval
from domain.declarations.protocol import MAY_FOLLOW
from domain.declared.reading import Bilingual
from domain.kernel.bilingual import both
from domain.kernel.scope import many, program_of
from domain.roles.roles import Standing
from locales import N_
from models.base import refers, table_of
from models.casework import SETTLED, Case, ProtocolVersion, Responsibility, Task
from models.lifecycles import CASE
from models.program import Person

_case = table_of(Case)
_task = table_of(Task)
_version = table_of(ProtocolVersion)
_chain = table_of(Responsibility)
_person = table_of(Person)

#: Whom a gate holds back, and where.
Who = tuple[UUID, UUID]


@dataclass(frozen=True)
class Awaited:
    """A task that keeps a gate shut, with whoever has it in hand: their names, or what is so where nobody has."""

    case_id: UUID
    task_id: UUID
    step: str
    title: Bilingual
    who: Bilingual

    def in_language(self, language: str) -> str:
        """The step and who owes it, in one line."""
        return f"{self.title.in_language(language)} ({self.who.in_language(language)})"


def awaited(session: Session, people: Iterable[UUID], today: Standing) -> dict[Who, tuple[Awaited, ...]]:
    """What each of these people's onboardings still waits for before they follow anybody; those held back alone."""
    rows = many(
        session,
        select(
            _case.c.subject_id,
            _case.c.organization_id,
            _task.c.id,
            _task.c.case_id,
            _task.c.step,
            _task.c.title_fr,
            _task.c.title_en,
            _task.c.state,
            _task.c.action,
            *(_task.c[name] for name in ("due_on", "done_by", "done_for", "may_not_approve")),
            _chain.c.links,
        )
        .join(_version, refers(_case.c.protocol_version_id, _version))
        .join(_task, (_task.c.program_id == _case.c.program_id) & (_task.c.case_id == _case.c.id))
        # Of a step that is handed in, whoever approves it has it in hand.
        .outerjoin(
            _chain,
            (_chain.c.program_id == _task.c.program_id)
            & (
                ((_task.c.state == "submitted") & (_chain.c.id == _task.c.approved_by_id))
                | ((_task.c.state != "submitted") & (_chain.c.id == _task.c.owed_by_id))
            ),
        )
        .where(
            _case.c.program_id == program_of(session),
            _case.c.state == CASE.initial,
            _case.c.subject_id.in_(list(people)),
            _case.c.organization_id.is_not(None),
            _version.c.declared["gates"][MAY_FOLLOW]["steps"].has_key(_task.c.step),
            _task.c.state.not_in([*SETTLED, "cancelled"]),
        )
        .order_by(_case.c.id, _task.c.position, _task.c.item),
    )
    found: dict[Who, tuple[Awaited, ...]] = {}
    if rows:
        named = _named(session, rows, today)
        for row in rows:
            who = (row["subject_id"], row["organization_id"])
            found[who] = (*found.get(who, ()), _awaited(row, named[row["id"]]))
    return found


def listed(waits_for: Sequence[Awaited], language: str) -> str:
    """What a gate waits for, and who owes it, as one list."""
    return "; ".join(dict.fromkeys(one.in_language(language) for one in waits_for))


def _awaited(row: Mapping[str, Any], who: Bilingual) -> Awaited:
    return Awaited(row["case_id"], row["id"], row["step"], Bilingual(fr=row["title_fr"], en=row["title_en"]), who)


def _who(row: Mapping[str, Any], today: Standing) -> list[UUID]:
    """Who has a task in hand on the day, or is to begin in time for it."""
    links = row["links"] or []
    waits = row["state"] == "submitted"
    falls = falls_for_approval(today, row, links) if waits else today.falls_by(links, row["due_on"])
    return [one.person_id for one in falls.holders or falls.waits_for]


def _named(session: Session, rows: Sequence[Mapping[str, Any]], today: Standing) -> dict[UUID, Bilingual]:
    """Who has each task in hand on the day, by its id."""
    holders = {row["id"]: _who(row, today) for row in rows}
    names = {
        row.id: f"{row.given_name} {row.family_name}"
        for row in session.execute(
            select(_person.c.id, _person.c.given_name, _person.c.family_name).where(
                _person.c.program_id == program_of(session),
                _person.c.id.in_({person for people in holders.values() for person in people}),
            )
        )
    }
    said: dict[UUID, Bilingual] = {}
    for row in rows:
        if row["action"]:
            said[row["id"]] = both(N_("done automatically"))
        elif holders[row["id"]]:
            who = ", ".join(dict.fromkeys(names[person] for person in holders[row["id"]]))
            said[row["id"]] = Bilingual(fr=who, en=who)
        else:
            said[row["id"]] = both(N_("this role is vacant"))
    return said
