"""What people write with a task that is about a candidate or participant: sealed under that person's own key.

So it goes with their file where that is destroyed, and is read by those alone to whom the file is open on the day
(`api.access.permissions.keeps_file`). Words with any other task stand in the task's own columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from domain.kernel import sealing
from domain.kernel.scope import many, program_of
from models.base import refers, table_of
from models.casework import Case, Task, TaskWords
from models.departure import HandOver, Settlement
from models.follow_up import Assignment, FollowUp
from models.participant import CandidateWorker, Participant
from models.referral import Referral

_task = table_of(Task)
_case = table_of(Case)
_words = table_of(TaskWords)
_participant = table_of(Participant)
_follow_up = table_of(FollowUp)
_assignment = table_of(Assignment)
_referral = table_of(Referral)
_named = table_of(CandidateWorker)
_hand_over = table_of(HandOver)
_settlement = table_of(Settlement)

#: The words in the columns of a task.
IN_TASK: Final = ("note", "reason")
#: How the item of a task begins, where it is an id, as text or in figures alone.
_AN_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What a title calls a participant or candidate by.
_CALLED: Final = re.compile(r"#[0-9]{4}-[0-9]{2,}|\bC-[2-9A-HJ-NP-Z]{6}\b")


@dataclass(frozen=True)
class Beside:
    """Words that belong to a task and went with an offer, or with its refusal: of whom, to whom, and when it was.

    Words that were added to an offer later have its day, and who made it.
    """

    what: Literal["offered", "refused"]
    text: str
    by_id: UUID | None
    to_id: UUID
    at: datetime


def about(session: Session, tasks: Iterable[Mapping[str, Any]]) -> dict[UUID, UUID]:
    """Whose file each of these tasks is about, by the task's id; those that are about nobody's are not among them.

    The case says it; or the item, as a follow-up, a part in one, a referral; or the title, which calls them.
    """
    rows = list(tasks)
    cases = _of_cases(session, {row["case_id"] for row in rows if row["case_id"] is not None})
    items = {row["id"]: UUID(found[0]) for row in rows if (found := _AN_ID.match(row["item"]))}
    of_item = _of_items(session, set(items.values()))
    called = {row["id"]: _CALLED.findall(row["title_en"]) for row in rows}
    of_name = _of_names(session, {name for names in called.values() for name in names})
    found_of = {
        row["id"]: cases.get(row["case_id"])
        or of_item.get(items.get(row["id"]))  # type: ignore[arg-type]  # None is no key of it
        or next((of_name[name] for name in called[row["id"]] if name in of_name), None)
        for row in rows
    }
    return {task_id: participant_id for task_id, participant_id in found_of.items() if participant_id is not None}


def kept(
    session: Session, task: Mapping[str, Any], case: Mapping[str, Any] | None, said: Mapping[str, str]
) -> dict[str, str]:
    """The columns of a task for what people wrote: empty where it is about a participant, since it is sealed then.

    Raises Refusal: the keys cannot be used, or the participant's is destroyed.
    """
    may_be = (case is not None and case["participant_id"] is not None) or _may_be_about(task)
    participant_id = about(session, [task]).get(task["id"]) if may_be else None
    if participant_id is None:
        return dict(said)
    _keep(session, task, participant_id, {name: task[name] for name in IN_TASK if task[name]} | dict(said))
    return dict.fromkeys(IN_TASK, "")


def keep_beside(session: Session, task: Mapping[str, Any], name: str, text: str) -> str:
    """What stays in the clear of words that belong to a task and stand elsewhere; sealed under `name` where about
    somebody. Raises Refusal as `kept`."""
    participant_id = about(session, [task]).get(task["id"]) if text and _may_be_about(task) else None
    if participant_id is None:
        return text
    _keep(session, task, participant_id, {name: text})
    return ""


def stand_with(session: Session, task_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these tasks with which sealed words stand. None is opened."""
    return frozenset(
        session.scalars(
            select(_words.c.task_id).where(
                _words.c.program_id == program_of(session),
                _words.c.task_id.in_(task_ids),
                _words.c.sealed.is_not(None),
            )
        )
    )


def opened(session: Session, task: Mapping[str, Any]) -> dict[str, str]:
    """All that people wrote with one task, by what it is: "note", "reason", and what else stands beside it.

    It tells nobody: whoever shows it does. Raises Refusal.
    """
    return {name: task[name] for name in IN_TASK} | _opened(session, task["id"])


def beside(session: Session, said: Mapping[str, str]) -> tuple[Beside, ...]:
    """What of the words that are `opened` went with offers of a follow-up and with refusals, in the order of these."""
    found = {UUID(name.partition("/")[2]) for name in said if name not in IN_TASK}
    rows = many(
        session, select(_hand_over).where(_hand_over.c.program_id == program_of(session), _hand_over.c.id.in_(found))
    )
    offers = [
        Beside("offered", said[name], row["proposed_by"], row["to_id"], row["proposed_at"])
        for row in rows
        if (name := offer(row["id"])) in said
    ]
    refusals = [
        Beside("refused", said[name], row["to_id"], row["to_id"], row["answered_at"])
        for row in rows
        if (name := refusal(row["id"])) in said
    ]
    return tuple(sorted((*offers, *refusals), key=lambda words: words.at))


def seal_what_is_clear(session: Session) -> int:
    """Seal the words in the clear with tasks that are about a participant by now; returns with how many tasks.

    A title may call a number that a participant is given later. Of a file that is destroyed, the words are taken away.
    """
    rows, found = in_the_clear(session, held=True)
    gone = _destroyed(session, set(found.values()))
    for row in rows:
        if row["id"] in found:
            _seal(session, row, found[row["id"]], is_gone=found[row["id"]] in gone)
    return len(found)


def in_the_clear(session: Session, *, held: bool = False) -> tuple[list[dict[str, Any]], dict[UUID, UUID]]:
    """The tasks with which words stand that can be read without a key, and about whom those are that are so.

    `held`, nobody writes with them until the transaction ends.
    """
    here = program_of(session)
    refused = select(_hand_over.c.task_id).where(_hand_over.c.program_id == here, _hand_over.c.reason != "")
    settled = select(_settlement.c.task_id).where(_settlement.c.program_id == here, _settlement.c.note != "")
    wanted = (
        select(_task)
        .outerjoin(_case, refers(_task.c.case_id, _case))
        .where(
            _task.c.program_id == here,
            or_(_task.c.note != "", _task.c.reason != "", _task.c.id.in_(refused), _task.c.id.in_(settled)),
            or_(
                _case.c.participant_id.is_not(None),
                _task.c.item != "",
                func.regexp_like(_task.c.title_en, "#[0-9]{4}-[0-9]{2,}|C-[2-9A-HJ-NP-Z]{6}"),
            ),
        )
        .order_by(_task.c.id)
    )
    rows = many(session, wanted.with_for_update(of=_task) if held else wanted)
    return rows, about(session, rows)


def destroy(session: Session, participant_id: UUID) -> None:
    """Take away what people wrote with tasks about somebody whose file is destroyed, sealed or not."""
    here = program_of(session)
    session.execute(
        update(_words)
        .where(_words.c.program_id == here, _words.c.participant_id == participant_id)
        .values(sealed=None, version=_words.c.version + 1)
    )
    rows, found = in_the_clear(session, held=True)
    for row in rows:
        if found.get(row["id"]) == participant_id:
            _seal(session, row, participant_id, is_gone=True)


def refusal(hand_over_id: UUID) -> str:
    """Under what the words stand with which a hand-over was refused."""
    return f"refused/{hand_over_id}"


def offer(hand_over_id: UUID) -> str:
    """Under what the words stand with which a follow-up was offered."""
    return f"offered/{hand_over_id}"


# ---------------------------------------------------------------------------------------------------------- its parts


def _may_be_about(task: Mapping[str, Any]) -> bool:
    return bool(_AN_ID.match(task["item"]) or _CALLED.search(task["title_en"]))


def _keep(session: Session, task: Mapping[str, Any], participant_id: UUID, said: Mapping[str, str]) -> None:
    before = _opened(session, task["id"])
    after = {name: text for name, text in {**before, **said}.items() if text}
    if after == before:
        return
    sealed = sealing.seal(session, participant_id, _place(task["id"]), after) if after else None
    session.execute(
        insert(_words)
        .values(
            program_id=program_of(session),
            id=uuid4(),
            task_id=task["id"],
            participant_id=participant_id,
            sealed=sealed,
            version=1,
        )
        .on_conflict_do_update(
            index_elements=["program_id", "task_id"], set_={"sealed": sealed, "version": _words.c.version + 1}
        )
    )


def _opened(session: Session, task_id: UUID) -> dict[str, str]:
    row = session.execute(
        select(_words.c.participant_id, _words.c.sealed).where(
            _words.c.program_id == program_of(session), _words.c.task_id == task_id, _words.c.sealed.is_not(None)
        )
    ).first()
    return sealing.unseal(session, row.participant_id, _place(task_id), row.sealed) if row is not None else {}


def _place(task_id: UUID) -> str:
    return f"task_words/{task_id}"


def _seal(session: Session, task: Mapping[str, Any], participant_id: UUID, *, is_gone: bool) -> None:
    """Have nothing of what was written with a task stand in the clear. What it says is the same: so is its version."""
    here = program_of(session)
    offers = session.execute(
        select(_hand_over.c.id, _hand_over.c.reason).where(
            _hand_over.c.program_id == here, _hand_over.c.task_id == task["id"], _hand_over.c.reason != ""
        )
    ).all()
    if not is_gone:
        said = {name: task[name] for name in IN_TASK if task[name]}
        _keep(session, task, participant_id, said | {refusal(offer.id): offer.reason for offer in offers})
    for change in (
        update(_task).where(_task.c.program_id == here, _task.c.id == task["id"]).values(note="", reason=""),
        update(_settlement)
        .where(_settlement.c.program_id == here, _settlement.c.task_id == task["id"], _settlement.c.note != "")
        .values(note=""),
        update(_hand_over)
        .where(_hand_over.c.program_id == here, _hand_over.c.id.in_([offer.id for offer in offers]))
        .values(reason=""),
    ):
        session.execute(change)


def _destroyed(session: Session, ids: set[UUID]) -> set[UUID]:
    return set(
        session.scalars(
            select(_participant.c.id).where(
                _participant.c.program_id == program_of(session),
                _participant.c.id.in_(ids),
                _participant.c.destroyed_at.is_not(None),
            )
        )
    )


def _of_cases(session: Session, ids: set[UUID]) -> dict[UUID, UUID]:
    if not ids:
        return {}
    rows = session.execute(
        select(_case.c.id, _case.c.participant_id).where(
            _case.c.program_id == program_of(session), _case.c.id.in_(ids), _case.c.participant_id.is_not(None)
        )
    )
    return {row.id: row.participant_id for row in rows}


def _of_items(session: Session, ids: set[UUID]) -> dict[UUID, UUID]:
    if not ids:
        return {}
    here = program_of(session)
    of_follow_up = [
        select(table.c.id, _follow_up.c.participant_id)
        .join(_follow_up, refers(table.c.follow_up_id, _follow_up))
        .where(table.c.program_id == here, table.c.id.in_(ids))
        for table in (_assignment, _hand_over)
    ]
    of_file = [
        select(table.c.id, table.c.participant_id).where(
            table.c.program_id == here, table.c.id.in_(ids), table.c.participant_id.is_not(None)
        )
        for table in (_follow_up, _referral, _named, _case)
    ]
    own = select(_participant.c.id, _participant.c.id.label("participant_id")).where(
        _participant.c.program_id == here, _participant.c.id.in_(ids)
    )
    return {row.id: row.participant_id for row in session.execute(union_all(own, *of_file, *of_follow_up))}


def _of_names(session: Session, names: set[str]) -> dict[str, UUID]:
    if not names:
        return {}
    rows = session.execute(
        select(_participant.c.id, _participant.c.number, _participant.c.candidate_ref).where(
            _participant.c.program_id == program_of(session),
            or_(_participant.c.number.in_(names), _participant.c.candidate_ref.in_(names)),
        )
    )
    return {name: row.id for row in rows for name in (row.number, row.candidate_ref) if name}
