"""What was settled in departures, and what they handed over to the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, literal
from sqlmodel import Session, or_
from sqlmodel.sql.expression import SelectOfScalar

from api.access.permissions import Asker
from api.access.tasks import closed_to, keeps_files
from api.views.names import names_by_id
from domain.casework import words
from domain.departure import BY_ITSELF, endings, of_its_case, was_taken_back
from domain.kernel import SHAPE, Question, also, built, col, every, joins, of, only, scalar, title_of
from domain.roles import task_is_open_to
from locales import say
from models.casework import Task
from models.departure import Departure, Settlement
from models.follow_up import Assignment


@dataclass(frozen=True)
class Settled:
    """One thing that was settled: what it was, who has it now or how it ended, by whom and when."""

    title: str
    successor: str
    ended: str
    note: str
    by: str
    at: datetime
    from_whom: str = ""
    case_id: UUID | None = None
    task_id: UUID | None = None
    has_words: bool = False  # about a participant: they are opened on the task's own page
    follow_up_id: UUID | None = None


def settled_of(session: Session, asker: Asker, case_id: UUID, language: str) -> list[Settled]:
    """What was settled in a departure, the last first, as the asker may see it."""
    return _settled(session, asker, language, col(Settlement.case_id) == case_id)


def handed_over_to(session: Session, asker: Asker, language: str) -> list[Settled]:
    """What departures handed over to the asker, the last first."""
    return _settled(session, asker, language, col(Settlement.successor_id) == asker.person_id)


def was_handed_over_to(session: Session, person_id: UUID) -> bool:
    """Whether a departure ever handed anything over to this person."""
    return scalar(session, *asked_of_handed_over(person_id)) is not None


def asked_of_handed_over(person_id: UUID) -> Question[SelectOfScalar[UUID]]:
    """What `was_handed_over_to` asks."""
    return Question(_HANDED_OVER, {"person": person_id})


_HANDED_OVER: Final = built(
    only(Settlement.id).where(col(Settlement.successor_id) == bindparam("person", type_=Uuid())).limit(1)
)


class _SettledRow(Settlement):
    """A settlement, with the step that asked for it and who leaves."""

    model_config = SHAPE
    title_fr: str = also(Task.title_fr)
    title_en: str = also(Task.title_en)
    item: str = also(Task.item)
    person_id: UUID = also(Departure.person_id)
    follow_up_id: UUID | None = also(Assignment.follow_up_id)


def _settled(session: Session, asker: Asker, language: str, which: ColumnElement[bool]) -> list[Settled]:
    rows = every(
        session,
        of(_SettledRow)
        .join(Task, joins(Settlement.task_id, Task))
        .join(Departure, of_its_case(Settlement))
        .outerjoin(Assignment, joins(Settlement.holding_id, Assignment))
        # What came to rest by itself and is back in their hands is not settled: it is among what is left.
        .where(
            which,
            task_is_open_to(literal(asker.person_id, Uuid())),
            or_(Settlement.ended_as != BY_ITSELF, Task.state == "done"),
            ~was_taken_back(),
        )
        .order_by(col(Settlement.settled_at).desc(), col(Settlement.id)),
    )
    closed = closed_to(session, asker, {row.task_id for row in rows})
    rows = [row for row in rows if row.task_id not in closed]
    named = {one for row in rows for one in (row.successor_id, row.settled_by, row.person_id)}
    names, with_words = names_by_id(session, named), _with_words(session, asker, rows)
    return [
        Settled(
            title_of(row, language),
            _name(names, row.successor_id),
            say(language, endings.ENDS[row.ended_as]) if row.ended_as else "",
            row.note,
            _name(names, row.settled_by),
            row.settled_at,
            _name(names, row.person_id),
            row.case_id,
            row.task_id,
            has_words=row.task_id in with_words,
            follow_up_id=row.follow_up_id,
        )
        for row in rows
    ]


def _name(names: Mapping[UUID, str], person_id: UUID | None) -> str:
    return names.get(person_id, "") if person_id else ""


def _with_words(session: Session, asker: Asker, rows: Sequence[_SettledRow]) -> set[UUID]:
    """Of these settlements the steps with which words about a participant stand whose file the asker keeps."""
    sealed = words.stand_with(session, [row.task_id for row in rows])
    about = words.about(
        session,
        [words.OfTask(row.task_id, row.case_id, row.item, row.title_en) for row in rows if row.task_id in sealed],
    )
    keeps = keeps_files(session, asker, set(about.values()))
    return {task_id for task_id, whose in about.items() if keeps[whose] is not None}
