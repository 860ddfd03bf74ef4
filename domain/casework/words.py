"""What people write with a task about a candidate or participant: sealed under that person's own key.

So it is destroyed with their file, and only those who may open the file on the day read it
(`api.access.permissions.keeps_file`). Words with any other task are in the task's own columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, CompoundSelect, Text, Uuid, any_, bindparam, func, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, or_
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import (
    Question,
    ask_ahead,
    built,
    changes,
    col,
    every,
    joins,
    of,
    only,
    program_of,
    run,
    scalars,
    sealing,
    surely,
)
from models.casework import Case, Task, TaskWords
from models.departure import HandOver, Settlement
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker, Participant
from models.referral import Referral

#: The words in the columns of a task.
IN_TASK: Final = ("note", "reason")
#: How the item of a task begins, where it is an id, as text or in figures alone.
_AN_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: How a title names a participant or candidate.
_CALLED: Final = re.compile(r"#[0-9]{4}-[0-9]{2,}|\bC-[2-9A-HJ-NP-Z]{6}\b")


@dataclass(frozen=True)
class Beside:
    """Words that belong to a task and went with an offer, or with its refusal: by and to which person, and when.

    Words that were added to an offer later have its day, and who made it.
    """

    what: Literal["offered", "refused"]
    text: str
    by_id: UUID | None
    to_id: UUID
    at: datetime


class OfTask(NamedTuple):
    """What tells which participant's file a task is about."""

    id: UUID
    case_id: UUID | None
    item: str
    title_en: str


def about(session: Session, tasks: Iterable[Task | OfTask]) -> dict[UUID, UUID]:
    """The participant each of these tasks is about, by the task's id; tasks about none are left out.

    The case says it; or the item, as a follow-up, a part in one, a referral; or the title, which names them.
    """
    rows = list(tasks)
    of_cases, of_items, of_names = asked_about(rows)
    ask_ahead(session, of_cases, of_items, of_names)
    cases, things = _whose(session, of_cases), _whose(session, of_items)
    named = _by_name(run(session, *of_names)) if any(of_names.values.values()) else {}
    items = _items(rows)

    def found(row: Task | OfTask) -> Iterator[UUID | None]:
        yield cases.get(row.case_id)
        yield things.get(items.get(row.id))
        yield from map(named.get, _CALLED.findall(row.title_en))

    about_whom = ((row.id, next(filter(None, found(row)), None)) for row in rows)
    return {task_id: participant_id for task_id, participant_id in about_whom if participant_id}


def asked_about(rows: Sequence[Task | OfTask]) -> tuple[Question[Any], Question[Any], Question[Any]]:
    """What `about` asks: of the cases of these tasks, of their items, and of whom their titles call."""
    return (
        Question(_OF_CASES, {"cases_about": sorted({row.case_id for row in rows if row.case_id is not None})}),
        Question(_OF_ITEMS, {"items": sorted(set(_items(rows).values()))}),
        Question(_OF_NAMES, {"names": sorted({name for row in rows for name in _CALLED.findall(row.title_en)})}),
    )


def _whose(session: Session, asked: Question[Any]) -> dict[UUID | None, UUID]:
    """Whose each of the things is that are asked for; nothing is asked where there are none."""
    return {row.id: row.participant_id for row in run(session, *asked)} if any(asked.values.values()) else {}


def _items(rows: Iterable[Task | OfTask]) -> dict[UUID, UUID]:
    return {row.id: UUID(found[0]) for row in rows if (found := _AN_ID.match(row.item))}


def _by_name(rows: Iterable[Any]) -> dict[str, UUID]:
    return {name: row.id for row in rows for name in (row.number, row.candidate_ref) if name}


def kept(session: Session, task: Task, case: Case | None, said: Mapping[str, str]) -> dict[str, str]:
    """The columns of a task for what people wrote: empty where it is about a participant, since it is sealed then.

    Raises Refusal: the keys cannot be used, or the participant's is destroyed.
    """
    may_be = (case is not None and case.participant_id is not None) or _may_be_about(task)
    participant_id = about(session, [task]).get(task.id) if may_be else None
    if participant_id is None:
        return dict(said)
    _keep(session, task, participant_id, _in_clear(task) | dict(said))
    return dict.fromkeys(IN_TASK, "")


def keep_beside(session: Session, task: Task, name: str, text: str) -> str:
    """Words of a task stored elsewhere, as they stay in the clear: "" where about a participant, then sealed under
    `name`.

    Raises Refusal as `kept`.
    """
    participant_id = about(session, [task]).get(task.id) if text and _may_be_about(task) else None
    if participant_id is None:
        return text
    _keep(session, task, participant_id, {name: text})
    return ""


def stand_with(session: Session, task_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these tasks that have sealed words. None is opened."""
    return frozenset(scalars(session, *asked_of_sealed(task_ids)))


def asked_of_sealed(task_ids: Sequence[UUID]) -> Question[SelectOfScalar[UUID]]:
    """What `stand_with` asks."""
    return Question(_SEALED, {"tasks_asked": list(task_ids)})


def opened(session: Session, task: Task) -> dict[str, str]:
    """All that people wrote with one task, by what it is: "note", "reason", and what is stored beside it.

    It writes no record: the one who shows it does. Raises Refusal.
    """
    return dict.fromkeys(IN_TASK, "") | _in_clear(task) | _opened(session, task.id)


def beside(session: Session, said: Mapping[str, str]) -> tuple[Beside, ...]:
    """Those of the `opened` words that went with offers of a follow-up and with refusals, in the order of these."""
    found = {UUID(name.partition("/")[2]) for name in said if name not in IN_TASK}
    rows = every(session, of(HandOver).where(col(HandOver.id).in_(found)))
    offers = [
        Beside("offered", said[name], row.proposed_by, row.to_id, row.proposed_at)
        for row in rows
        if (name := offer(row.id)) in said
    ]
    refusals = [
        Beside("refused", said[name], row.to_id, row.to_id, surely(row.answered_at))
        for row in rows
        if (name := refusal(row.id)) in said
    ]
    return tuple(sorted((*offers, *refusals), key=lambda words: words.at))


def seal_what_is_clear(session: Session) -> int:
    """Seal the words in the clear of tasks that are about a participant by now; returns of how many tasks.

    A title may name a number that a participant is given later. Where a file is destroyed, the words are removed.
    """
    rows, found = in_the_clear(session, held=True)
    gone = _destroyed(session, set(found.values()))
    for row in rows:
        if row.id in found:
            _seal(session, row, found[row.id], is_gone=found[row.id] in gone)
    return len(found)


def in_the_clear(session: Session, *, held: bool = False) -> tuple[list[Task], dict[UUID, UUID]]:
    """The tasks with words that can be read without a key, and the participant each is about, where there is one.

    With `held`, no one writes with them until the transaction ends.
    """
    refused = only(HandOver.task_id).where(HandOver.reason != "")
    settled = only(Settlement.task_id).where(Settlement.note != "")
    wanted = (
        of(Task)
        .outerjoin(Case, joins(Task.case_id, Case))
        .where(
            or_(Task.note != "", Task.reason != "", col(Task.id).in_(refused), col(Task.id).in_(settled)),
            or_(
                col(Case.participant_id).is_not(None),
                Task.item != "",
                func.regexp_like(col(Task.title_en), "#[0-9]{4}-[0-9]{2,}|C-[2-9A-HJ-NP-Z]{6}"),
            ),
        )
        .order_by(col(Task.id))
    )
    rows = every(session, wanted.with_for_update(of=Task) if held else wanted)
    return rows, about(session, rows)


def destroy(session: Session, participant_id: UUID) -> None:
    """Remove what people wrote with tasks about a participant whose file is destroyed, sealed or not."""
    run(
        session,
        changes(TaskWords)
        .where(TaskWords.participant_id == participant_id)
        .values(sealed=None, version=col(TaskWords.version) + 1),
    )
    rows, found = in_the_clear(session, held=True)
    for row in rows:
        if found.get(row.id) == participant_id:
            _seal(session, row, participant_id, is_gone=True)


def refusal(hand_over_id: UUID) -> str:
    """The name under which the words of a refused hand-over are stored."""
    return f"refused/{hand_over_id}"


def offer(hand_over_id: UUID) -> str:
    """The name under which the words of an offered follow-up are stored."""
    return f"offered/{hand_over_id}"


# ---------------------------------------------------------------------------------------------------------- its parts


def _may_be_about(task: Task) -> bool:
    return bool(_AN_ID.match(task.item) or _CALLED.search(task.title_en))


def _in_clear(task: Task) -> dict[str, str]:
    return {name: text for name, text in (("note", task.note), ("reason", task.reason)) if text}


def _keep(session: Session, task: Task, participant_id: UUID, said: Mapping[str, str]) -> None:
    before = _opened(session, task.id)
    after = {name: text for name, text in {**before, **said}.items() if text}
    if after == before:
        return
    # Among them are words of before; new ones are looked at as notes are.
    sealed = sealing.seal_again(session, participant_id, _place(task.id), after) if after else None
    run(
        session,
        insert(TaskWords)
        .values(
            program_id=program_of(session),
            id=uuid4(),
            task_id=task.id,
            participant_id=participant_id,
            sealed=sealed,
            version=1,
        )
        .on_conflict_do_update(
            index_elements=["program_id", "task_id"], set_={"sealed": sealed, "version": col(TaskWords.version) + 1}
        ),
    )


def _opened(session: Session, task_id: UUID) -> dict[str, str]:
    row = run(
        session,
        only(TaskWords.participant_id, TaskWords.sealed).where(
            TaskWords.task_id == task_id, col(TaskWords.sealed).is_not(None)
        ),
    ).first()
    return sealing.unseal(session, row.participant_id, _place(task_id), row.sealed) if row is not None else {}


def _place(task_id: UUID) -> str:
    return f"task_words/{task_id}"


def _seal(session: Session, task: Task, participant_id: UUID, *, is_gone: bool) -> None:
    """Leave nothing that was written with a task in the clear. What it says is the same, and so is its version."""
    offers = run(
        session, only(HandOver.id, HandOver.reason).where(HandOver.task_id == task.id, HandOver.reason != "")
    ).all()
    if not is_gone:
        _keep(session, task, participant_id, _in_clear(task) | {refusal(offer.id): offer.reason for offer in offers})
    for change in (
        changes(Task).where(Task.id == task.id).values(note="", reason=""),
        changes(Settlement).where(Settlement.task_id == task.id, Settlement.note != "").values(note=""),
        changes(HandOver).where(col(HandOver.id).in_([offer.id for offer in offers])).values(reason=""),
    ):
        run(session, change)


def _destroyed(session: Session, ids: set[UUID]) -> set[UUID]:
    return set(
        scalars(
            session,
            only(Participant.id).where(col(Participant.id).in_(ids), col(Participant.destroyed_at).is_not(None)),
        )
    )


_SEALED: Final = built(
    only(TaskWords.task_id).where(
        col(TaskWords.task_id) == any_(bindparam("tasks_asked", type_=ARRAY(Uuid()))),
        col(TaskWords.sealed).is_not(None),
    )
)
_OF_CASES: Final = built(
    only(Case.id, Case.participant_id).where(
        col(Case.id) == any_(bindparam("cases_about", type_=ARRAY(Uuid()))), col(Case.participant_id).is_not(None)
    )
)
_ITEMS: Final = bindparam("items", type_=ARRAY(Uuid()))
_OF_ITEMS: Final[CompoundSelect[Any]] = built(
    union_all(
        only(Participant.id, col(Participant.id).label("participant_id")).where(col(Participant.id) == any_(_ITEMS)),
        *(
            only(table.id, table.participant_id).where(
                col(table.id) == any_(_ITEMS), col(table.participant_id).is_not(None)
            )
            for table in (FollowUp, Referral, CandidateWorker, Case)
        ),
        *(
            only(table.id, FollowUp.participant_id)
            .join(FollowUp, joins(table.follow_up_id, FollowUp))
            .where(col(table.id) == any_(_ITEMS))
            for table in (Assignment, HandOver)
        ),
    )
)
_NAMES: Final = bindparam("names", type_=ARRAY(Text()))
_OF_NAMES: Final = built(
    only(Participant.id, Participant.number, Participant.candidate_ref).where(
        or_(col(Participant.number) == any_(_NAMES), col(Participant.candidate_ref) == any_(_NAMES))
    )
)
