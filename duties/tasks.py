"""The doors of a task: the only functions that change its state.

Each locks the case first (of several, in the order of their ids), then reads the task, refuses or writes: the
change, the tasks that it opens, its events, its letters and the wake-up of the engine, in one transaction that
the caller commits. Completing reads only the tasks that wait for this one, so it costs the same in a case of
25 steps and of 400. Whether this person may ask is `api.permissions`; whether it may happen now, and by
them, is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, select, text, update
from sqlalchemy.orm import aliased
from sqlmodel import Session

from duties import events, notices, proofs, scheduling, wakeups
from duties.actors import ENGINE, Actor
from duties.here import program_of
from duties.refusals import Refusal
from duties.roles import Link, responsibility, standing
from locales import N_
from models.base import table_of
from models.casework import SETTLED, Case, Responsibility, Task, TaskNeed
from models.lifecycles import ACT, CASE, TASK, NoSuchMove

LONGEST_NOTE = 4_000

_task = table_of(Task)
_case = table_of(Case)
_need = table_of(TaskNeed)
_chain = table_of(Responsibility)


@dataclass(frozen=True)
class Moved:
    """What a verb did: the task's new state, the tasks that it opened, and whether it closed the case."""

    task_id: UUID
    state: str
    case_id: UUID | None = None
    opened: tuple[UUID, ...] = ()
    case_closed: bool = False


@dataclass(frozen=True)
class _Locked:
    """A task and its case, held until the transaction ends."""

    task: RowMapping
    case: RowMapping | None
    at: datetime
    by: Actor

    @property
    def id(self) -> UUID:
        found: UUID = self.task["id"]
        return found

    @property
    def case_id(self) -> UUID | None:
        found: UUID | None = self.task["case_id"]
        return found


def complete_task(
    session: Session,
    task_id: UUID,
    *,
    by: Actor,
    at: datetime,
    note: str = "",
    evidence: Sequence[proofs.Proof] = (),
    seen: int | None = None,
) -> Moved:
    """Record that what the task asks was done. Where the step is approved by someone, it then waits for them.

    `evidence` is added first; a step that asks for evidence is not done without it. `seen` is the version
    that the person was looking at: if somebody changed the task since, nothing is written.
    Raises Refusal.
    """
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    note = _checked_note(note)
    if held.task["action"] and not by.is_system:
        raise Refusal("task.automatic", N_("The program does this step by itself, once the steps before it are done."))
    _refuse_unless_open(session, held)
    if held.task["evidence"] == "note" and not note:
        raise Refusal("note.missing", N_("This step asks for a note: say in a few words what was done."))
    for proof in evidence:
        proofs.add(session, held.task, held.case, proof, by=by, at=at)
    proofs.refuse_if_missing(session, held.task, given=len(evidence))

    waits = held.task["approved_by_id"] is not None
    state = TASK.after(held.task["state"], "submit" if waits else "complete")
    _change(
        session,
        held,
        state=state,
        done_at=at,
        done_by=by.person_id,
        done_as=by.role,
        done_for=by.acting_for,
        note=note,
        next_check=None,
        rung=0,
    )
    verb = "task.submitted" if waits else "task.done"
    _tell(session, held, verb, step=held.task["step"], item=held.task["item"], has_note=bool(note))
    if waits:
        notices.approval_asked(session, held.task, by=by, at=at)
        _wake(session, held)
        return Moved(held.id, state, held.case_id)
    return _settled(session, held, state)


def approve_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, note: str = "", seen: int | None = None
) -> Moved:
    """Approve what was done. Never one's own, nor what was done on one's behalf, under whichever hat.

    Raises Refusal.
    """
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_waiting(held)
    _refuse_own(session, held)
    state = TASK.after(held.task["state"], "approve")
    _change(
        session,
        held,
        state=state,
        settled_at=at,
        settled_by=by.person_id,
        settled_as=by.role,
        reason=_checked_note(note),
    )
    _tell(session, held, "task.approved", step=held.task["step"], item=held.task["item"])
    return _settled(session, held, state)


def reject_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> Moved:
    """Send back what was done, with the reason. It, or the step that the protocol names, is open again.

    Raises Refusal, also where no reason is given.
    """
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_waiting(held)
    _refuse_own(session, held)
    reason = needed_reason(reason)
    _change(
        session,
        held,
        state=TASK.after(held.task["state"], "reject"),
        reason=reason,
        settled_at=None,
        settled_by=None,
        settled_as="",
        **_undone(held, at),
    )
    _tell(session, held, "task.rejected", step=held.task["step"], item=held.task["item"])
    notices.rejected(session, held.task, by=by, at=at)
    if held.task["on_reject"]:
        _reopen_step(session, held, held.task["on_reject"], reason)
    _wake(session, held)
    return Moved(held.id, "open", held.case_id)


def undo_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str = "", seen: int | None = None
) -> Moved:
    """Take back a mistaken completion, submission or waiver. The record keeps that it was made.

    Steps that this one had opened wait again, and what the program did by itself because of it is undone by
    its declared undo. Where people already did a later step, that one is undone first: Raises Refusal.
    """
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    if held.task["action"]:
        raise Refusal("task.automatic", N_("The program does this step by itself, once the steps before it are done."))
    _refuse_closed_case(held)
    reason = _checked_note(reason)
    move_to = _move(held, "undo")
    _fall_back(session, held)
    _change(
        session,
        held,
        state=move_to,
        settled_at=None,
        settled_by=None,
        settled_as="",
        reason=reason,
        **_undone(held, at),
    )
    proofs.withdraw_all(session, held.task, why="undone", by=by, at=at)
    _tell(session, held, "task.undone", step=held.task["step"], item=held.task["item"], was=held.task["state"])
    opened = _open_ready(session, held, [held.id]) if move_to == "planned" else ()
    _wake(session, held)
    return Moved(held.id, "open" if opened else move_to, held.case_id, opened)


def waive_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> Moved:
    """Decide, with a reason, that this step is not needed in this case. Where the protocol says never, it is refused.

    Raises Refusal.
    """
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    reason = needed_reason(reason)
    if not held.task["waived_by"]:
        raise Refusal("task.never_waived", N_("The protocol does not let anyone waive this step."))
    _refuse_closed_case(held)
    state = _move(held, "waive")
    acts = {"act_state": "none"} if held.task["act_state"] in ("wanted", "stuck") else {}
    _change(
        session,
        held,
        state=state,
        settled_at=at,
        settled_by=by.person_id,
        settled_as=by.role,
        reason=reason,
        next_check=None,
        **_not_done(),
        **acts,
    )
    _tell(session, held, "task.waived", step=held.task["step"], item=held.task["item"])
    return _settled(session, held, state)


def hand_back_task(
    session: Session, task_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> Moved:
    """Say, with a reason, that one cannot do it: it falls to the next of its chain, who is told.

    Raises Refusal, also where nobody stands behind in the chain.
    """
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_open(session, held)
    reason = needed_reason(reason)
    rest = _links(session, held.task["owed_by_id"])[1:]
    if not rest:
        raise Refusal(
            "task.nobody_behind",
            N_("Nobody stands behind this role for this step: it cannot be handed back."),
        )
    _change(
        session,
        held,
        owed_by_id=responsibility(session, rest),
        handed_back_at=at,
        handed_back_by=by.person_id,
        reason=reason,
    )
    _tell(session, held, "task.handed_back", step=held.task["step"], item=held.task["item"])
    notices.handed_back(session, held.task, rest, by=by, at=at)
    _wake(session, held)
    return Moved(held.id, "open", held.case_id)


def return_task(session: Session, task_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> Moved:
    """Give a handed-back task again to the role that owes it under the protocol. Raises Refusal."""
    held = _lock(session, task_id, by=by, at=at, seen=seen)
    _refuse_unless_open(session, held)
    if held.task["handed_back_at"] is None:
        raise Refusal("task.not_handed_back", N_("Nobody handed this task back."))
    _change(
        session,
        held,
        owed_by_id=held.task["declared_owed_by_id"],
        handed_back_at=None,
        handed_back_by=None,
        reason="",
    )
    _tell(session, held, "task.returned", step=held.task["step"], item=held.task["item"])
    _wake(session, held)
    return Moved(held.id, "open", held.case_id)


def record_act(session: Session, task_id: UUID, *, undone: bool, by: Actor, at: datetime) -> Moved:
    """The engine verified that a step's action was done, or undone. Idempotent: a second telling changes nothing.

    Where the case was cancelled, or the step fell back, while the action was under way, what was done is
    marked to be undone.
    """
    held = _lock(session, task_id, by=by, at=at, seen=None)
    act = held.task["act_state"]
    if undone:
        if act == "undo_wanted":
            _change(session, held, act_state=ACT.after(act, "undo"))
            _tell(session, held, "act.undone", step=held.task["step"], action=held.task["undo"])
            opened = _open_ready(session, held, [held.id])
            closed = bool(held.case_id and held.case and held.case["state"] == "open" and not opened) and (
                close_if_settled(session, held.case_id, by=by, at=at)
            )
            return Moved(held.id, held.task["state"], held.case_id, opened, closed)
        return Moved(held.id, held.task["state"], held.case_id)
    if act == "done":
        return Moved(held.id, held.task["state"], held.case_id)
    still_asked = act in ("wanted", "stuck") and held.task["state"] == "open"
    if not still_asked:
        # It was called off while the engine was at it: what was done must be taken back.
        _change(session, held, act_state="undo_wanted" if held.task["undo"] else "undone")
        _tell(session, held, "act.done_too_late", step=held.task["step"], action=held.task["action"])
        return Moved(held.id, held.task["state"], held.case_id)
    state = TASK.after("open", "complete")
    _change(
        session,
        held,
        state=state,
        act_state=ACT.after(act, "perform"),
        done_at=at,
        done_by=None,
        done_as=by.role,
        next_check=None,
    )
    _tell(session, held, "act.done", step=held.task["step"], action=held.task["action"])
    return _settled(session, held, state)


def record_trouble(session: Session, task_id: UUID, *, code: str, by: Actor, at: datetime) -> None:
    """The engine cannot do a step's action for now. The record keeps the code; people see it, and it is tried again."""
    held = _lock(session, task_id, by=by, at=at, seen=None)
    _tell(session, held, "act.trouble", step=held.task["step"], action=held.task["action"], code=code)


def open_ready(session: Session, case: Mapping[str, Any], *, by: Actor, at: datetime) -> tuple[UUID, ...]:
    """Open every planned task of a case whose needs are settled. For a case just opened, reopened or moved on."""
    planned = session.scalars(
        select(_task.c.id).where(_of(session, case["id"]), _task.c.state == "planned").order_by(_task.c.id)
    )
    return _open(session, list(planned), case["id"], by=by, at=at)


def close_if_settled(session: Session, case_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Close the case if nothing that it requires is unsettled, and nothing waits to be done or undone by the engine."""
    unsettled = select(_task.c.id).where(
        _of(session, case_id), _task.c.required, _task.c.state.not_in([*SETTLED, "cancelled"])
    )
    if session.scalar(unsettled.limit(1)) is not None:
        return False
    if session.scalar(
        select(_task.c.id).where(_of(session, case_id), _task.c.act_state.in_(["wanted", "undo_wanted"])).limit(1)
    ):
        return False
    closed = session.execute(
        update(_case)
        .where(_case.c.program_id == program_of(session), _case.c.id == case_id, _case.c.state == "open")
        .values(
            state=CASE.after("open", "close"),
            ended_at=at,
            ended_by=by.person_id,
            ended_reason="",
            version=_case.c.version + 1,
        )
    )
    if closed.rowcount == 0:  # type: ignore[attr-defined]
        return False
    # What is not required and was never done ends with the case; it is kept.
    session.execute(
        update(_task)
        .where(_of(session, case_id), _task.c.state.in_(["planned", "open", "submitted"]))
        .values(state="cancelled", next_check=None, version=_task.c.version + 1)
    )
    events.write(session, "case.closed", "case", case_id, by=by, at=at, case_id=case_id)
    return True


# What every verb stands on.


def _lock(session: Session, task_id: UUID, *, by: Actor, at: datetime, seen: int | None) -> _Locked:
    here = program_of(session)
    case_of = select(_task.c.case_id).where(_task.c.program_id == here, _task.c.id == task_id).scalar_subquery()
    case = (
        session.execute(
            select(_case).where(_case.c.program_id == here, _case.c.id == case_of).with_for_update(of=_case)
        )
        .mappings()
        .first()
    )
    task = (
        session.execute(
            select(_task).where(_task.c.program_id == here, _task.c.id == task_id).with_for_update(of=_task)
        )
        .mappings()
        .first()
    )
    if task is None:
        raise Refusal("task.unknown", N_("There is no such task."))
    if seen is not None and task["version"] != seen:
        raise Refusal(
            "task.changed",
            N_("Someone else changed this task while you were looking at it. Nothing was saved; look at it again."),
        )
    return _Locked(task, case, at, by)


def _change(session: Session, held: _Locked, **values: Any) -> None:
    done = session.execute(
        update(_task)
        .where(
            _task.c.program_id == program_of(session),
            _task.c.id == held.id,
            _task.c.version == held.task["version"],
        )
        .values(**values, version=_task.c.version + 1)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        msg = "a locked task changed under its lock"
        raise RuntimeError(msg)


def _tell(session: Session, held: _Locked, verb: str, **facts: events.Fact) -> None:
    events.write(session, verb, "task", held.id, by=held.by, at=held.at, case_id=held.case_id, **facts)


def _wake(session: Session, held: _Locked) -> None:
    # The engine goes on with the case in hand: its own acts do not call it again.
    if held.case_id is not None and held.by.role != ENGINE:
        wakeups.wake(session, held.case_id, at=held.at)


def _settled(session: Session, held: _Locked, state: str) -> Moved:
    """After a task came to rest: open what waited for it, close the case if it was the last, wake the engine."""
    if held.case_id is None:
        return Moved(held.id, state)
    if held.task["dates_hang"]:
        scheduling.reschedule(session, held.case_id)
    waiting = session.scalars(
        select(_need.c.task_id).where(_need.c.program_id == program_of(session), _need.c.needs_id == held.id)
    ).all()
    opened = _open_ready(session, held, waiting)
    closed = False
    if not opened:
        closed = close_if_settled(session, held.case_id, by=held.by, at=held.at)
    _wake(session, held)
    return Moved(held.id, state, held.case_id, opened, closed)


def _open_ready(session: Session, held: _Locked, candidates: Sequence[UUID]) -> tuple[UUID, ...]:
    if held.case is None or held.case["state"] != "open" or not candidates:
        return ()
    return _open(session, candidates, held.case_id, by=held.by, at=held.at)


def _open(
    session: Session, candidates: Sequence[UUID], case_id: UUID | None, *, by: Actor, at: datetime
) -> tuple[UUID, ...]:
    """Open those of `candidates` that are planned and wait for nothing more."""
    if not candidates:
        return ()
    here = program_of(session)
    needed = aliased(_task)
    waits = (
        select(_need.c.needs_id)
        .join(needed, and_(needed.c.program_id == _need.c.program_id, needed.c.id == _need.c.needs_id))
        .where(
            _need.c.program_id == here,
            _need.c.task_id == _task.c.id,
            needed.c.state.not_in(SETTLED),
        )
        .exists()
    )
    rows = session.execute(
        update(_task)
        .where(
            _task.c.program_id == here,
            _task.c.id.in_(candidates),
            _task.c.state == "planned",
            # What is still to be undone is undone before it is done again.
            _task.c.act_state != "undo_wanted",
            ~waits,
        )
        .values(
            state=TASK.after("planned", "open"),
            opened_at=at,
            rung=0,
            next_check=text("(task.ladder->>0)::date"),
            act_state=text("case when task.action <> '' then 'wanted' else task.act_state end"),
            version=_task.c.version + 1,
        )
        .returning(_task.c.id, _task.c.step, _task.c.item)
    ).all()
    if rows:
        events.write_many(
            session,
            "task.opened",
            "task",
            [(row.id, {"step": row.step, "item": row.item}) for row in rows],
            by=by,
            at=at,
            case_id=case_id,
        )
    return tuple(row.id for row in rows)


def _fall_back(session: Session, held: _Locked) -> None:
    """What `held` had opened waits again, and what the engine did because of it is to be undone."""
    here = program_of(session)
    reached: dict[UUID, RowMapping] = {}
    frontier = [held.id]
    while frontier:
        rows = session.execute(
            select(_task)
            .join(_need, and_(_need.c.program_id == _task.c.program_id, _need.c.task_id == _task.c.id))
            .where(_need.c.program_id == here, _need.c.needs_id.in_(frontier), _task.c.id.not_in(list(reached)))
        ).mappings()
        found = {row["id"]: row for row in rows}
        reached.update(found)
        frontier = [row["id"] for row in found.values() if row["action"]]
    in_the_way = [r for r in reached.values() if not r["action"] and r["state"] in ("done", "submitted")]
    if in_the_way:
        raise Refusal(
            "task.others_followed",
            N_("Later steps rest on this one and are done: %(steps)s. Undo them first."),
            steps=", ".join(sorted({row["step"] for row in in_the_way})),
        )
    for row in reached.values():
        if row["state"] not in ("open", "done"):
            continue
        act = row["act_state"]
        if act in ("done", "wanted", "stuck"):
            act = "undo_wanted" if act == "done" and row["undo"] else ("undone" if act == "done" else "none")
        session.execute(
            update(_task)
            .where(_task.c.program_id == here, _task.c.id == row["id"])
            .values(
                state=TASK.after(row["state"], "postpone"),
                act_state=act,
                next_check=None,
                opened_at=None,
                **_not_done(),
                version=_task.c.version + 1,
            )
        )
        events.write(
            session,
            "task.postponed",
            "task",
            row["id"],
            by=held.by,
            at=held.at,
            case_id=held.case_id,
            step=row["step"],
        )


def _reopen_step(session: Session, held: _Locked, step: str, reason: str) -> None:
    """A rejection reopens an earlier step, and this one waits for it again."""
    others = session.scalars(
        select(_task.c.id)
        .where(_of(session, held.case_id), _task.c.step == step, _task.c.state == "done")
        .order_by(_task.c.id)
    ).all()
    for other in others:
        undo_task(session, other, by=held.by, at=held.at, reason=reason)


def _of(session: Session, case_id: UUID | None) -> Any:
    return and_(_task.c.program_id == program_of(session), _task.c.case_id == case_id)


def _links(session: Session, chain_id: UUID) -> list[Link]:
    found: list[Link] | None = session.scalar(
        select(_chain.c.links).where(_chain.c.program_id == program_of(session), _chain.c.id == chain_id)
    )
    return found or []


def _undone(held: _Locked, at: datetime) -> dict[str, Any]:
    """A task that somebody must do again: what was recorded of its doing is taken off, and its ladder starts anew."""
    ladder = held.task["ladder"]
    return {**_not_done(), "opened_at": at, "rung": 0, "next_check": ladder[0] if ladder else None}


def _not_done() -> dict[str, Any]:
    return {"done_at": None, "done_by": None, "done_as": None, "done_for": None}


# The refusals, one each.


def _refuse_closed_case(held: _Locked) -> None:
    if held.case is not None and held.case["state"] != "open":
        raise Refusal("case.not_open", N_("This case is no longer open. Reopen it to change its tasks."))


def _refuse_unless_open(session: Session, held: _Locked) -> None:
    _refuse_closed_case(held)
    state = held.task["state"]
    if state == "open":
        return
    if state == "planned":
        waits = _waits_for(session, held)
        raise Refusal(
            "task.blocked",
            N_("This step waits for others to be done first: %(steps)s."),
            steps=", ".join(waits),
        )
    raise Refusal("task.not_open", _NOT_OPEN[state])


def _refuse_unless_waiting(held: _Locked) -> None:
    _refuse_closed_case(held)
    if held.task["state"] != "submitted":
        raise Refusal("task.not_submitted", N_("Nothing waits for an approval here."))


def _refuse_own(session: Session, held: _Locked) -> None:
    own: list[UUID | None] = [held.task["done_by"], held.task["done_for"]]
    if held.by.is_one_of(*own):
        raise Refusal(
            "task.own_request",
            N_("Nobody approves what they did themselves, nor what was done on their behalf."),
        )
    for link in held.task["may_not_approve"]:
        if held.by.is_one_of(*_people_of(session, link, held.at)):
            raise Refusal("task.own_case", N_("The protocol bars you from approving this step."))


def _people_of(session: Session, link: Link, at: datetime) -> list[UUID]:
    """Whom a barred link means: the one whom the case is about, or whoever holds the role on that day."""
    if "person" in link:
        return [UUID(link["person"])]
    on_the_day = standing(session, local_day(session, at))
    return [tenure.person_id for tenure in on_the_day.tenures_of(link)]


def _move(held: _Locked, move: str) -> str:
    try:
        return TASK.after(held.task["state"], move)
    except NoSuchMove:
        raise Refusal("task.not_now", _NOT_NOW[held.task["state"]]) from None


def _waits_for(session: Session, held: _Locked) -> list[str]:
    rows = session.scalars(
        select(_task.c.step)
        .join(_need, and_(_need.c.program_id == _task.c.program_id, _need.c.needs_id == _task.c.id))
        .where(
            _need.c.program_id == program_of(session),
            _need.c.task_id == held.id,
            _task.c.state.not_in(SETTLED),
        )
        .order_by(_task.c.position)
    )
    return list(dict.fromkeys(rows))


def _checked_note(note: str) -> str:
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise Refusal(
            "note.too_long",
            N_("This note is longer than %(most)s characters. Shorten it."),
            most=LONGEST_NOTE,
        )
    if "\x00" in note:
        raise Refusal("note.not_text", N_("This note holds characters that are not text."))
    return note


def needed_reason(reason: str) -> str:
    """The reason that an act needs, trimmed. Raises Refusal where there is none, or it is too long."""
    reason = _checked_note(reason)
    if not reason:
        raise Refusal("reason.missing", N_("Say why, in a few words."))
    return reason


_NOT_OPEN = {
    "submitted": N_("This was already done, and waits for an approval."),
    "done": N_("This task is already done."),
    "waived": N_("This task was waived."),
    "cancelled": N_("This task was cancelled with its case."),
}
_NOT_NOW = {
    "planned": N_("This step has not begun: there is nothing to take back."),
    "open": N_("This task is not done yet: there is nothing to take back."),
    **_NOT_OPEN,
}
