"""Versions of a protocol: storing one as it is declared, the one that a case follows, and following a newer one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session, and_

from domain.casework import case_letters, scheduling, tasks, wakeups
from domain.casework import locking as held_tasks
from domain.casework.approving import who_may_approve
from domain.casework.lateness import is_this, keep_lateness
from domain.casework.locking import change_case, hold_case, of_case, refuse_ended
from domain.casework.steps import steps_of, tie, write_steps
from domain.declarations import Protocol, difference
from domain.declared import Declared
from domain.kernel import Actor, Refusal, col, every, local_day, of, program_of, rewrite, scalar, surely
from domain.record import events
from domain.roles import standing
from locales import N_
from models.casework import SETTLED, Case, ProtocolVersion, Task
from models.lifecycles import TASK


def record_protocol(session: Session, declared: Declared[Protocol], *, by: Actor, at: datetime) -> ProtocolVersion:
    """Store a protocol as it is declared now, if it is not stored already. What is stored never changes."""
    protocol = declared.value
    here = program_of(session)
    added = scalar(
        session,
        upsert(ProtocolVersion)
        .values(
            program_id=here,
            id=uuid4(),
            key=protocol.protocol,
            number=protocol.version,
            digest=declared.digest,
            title_fr=protocol.title.fr,
            title_en=protocol.title.en,
            declared=protocol.model_dump(mode="json", by_alias=True, exclude_none=True),
            source=declared.text,
            recorded_at=at,
        )
        .on_conflict_do_nothing(index_elements=["program_id", "key", "digest"])
        .returning(col(ProtocolVersion.id)),
    )
    this = and_(ProtocolVersion.key == protocol.protocol, ProtocolVersion.digest == declared.digest)
    kept = session.scalars(of(ProtocolVersion).where(this)).one()
    if added is not None:
        events.write(session, "protocol.recorded", "protocol", kept.id, by=by, at=at, key=kept.key, number=kept.number)
    return kept


def current_protocol(session: Session, key: str) -> ProtocolVersion:
    """The version of a protocol that a new case follows: the highest number, and of equals the latest recorded.

    Raises Refusal where the program has no such protocol.
    """
    found = session.scalars(
        of(ProtocolVersion)
        .where(ProtocolVersion.key == key)
        .order_by(col(ProtocolVersion.number).desc(), col(ProtocolVersion.recorded_at).desc())
        .limit(1)
    ).first()
    if found is None:
        raise Refusal("protocol.unknown", N_("The program has no such protocol."))
    return found


def pinned(session: Session, case: Case) -> ProtocolVersion:
    """The version of its protocol that a case follows."""
    return scheduling.version_of(session, case.protocol_version_id)


@dataclass(frozen=True)
class VersionOffer:
    """A newer version of a case's protocol, and what it changes, one plain sentence each."""

    version: ProtocolVersion
    changes: Sequence[str]


def newer_version(session: Session, case: Case, language: str) -> VersionOffer | None:
    """The protocol's current version, which is offered to an open case, where it is not the pinned one."""
    if case.state != "open":
        return None
    newest = current_protocol(session, case.protocol)
    if newest.id == case.protocol_version_id:
        return None
    pinned_version = session.get(ProtocolVersion, (program_of(session), case.protocol_version_id))
    if pinned_version is None or newest.number < pinned_version.number:
        return None
    changes = difference(scheduling.protocol_of(pinned_version), scheduling.protocol_of(newest), language)
    return VersionOffer(newest, changes)


def take_version(
    session: Session, case_id: UUID, version_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Follow the protocol's newer version from now on.

    A step that is done stays done and is never asked again, even where the new version no longer has it. New steps are
    added, and steps that are gone and were not done are cancelled. What is open and falls on the same people goes on:
    since when they have it, and which reminders were sent, stays. What was given to a person by name, as a worker or as
    a successor, stays theirs, whatever the new version says. What was handed in is approved by those to which it was
    handed in. Where none of them can, those of the new version's chain are asked. Raises Refusal, also where it is
    older than the one that the case follows.
    """
    held = hold_case(session, case_id, seen=seen)
    refuse_ended(held)
    version = _version_to_take(session, held, version_id)
    before, protocol = (scheduling.pinned_protocol(session, one) for one in (held.protocol_version_id, version.id))
    change_case(session, held, protocol_version_id=version.id)
    case = surely(session.get(Case, (program_of(session), case_id), populate_existing=True))
    rows = every(session, of(Task).where(of_case(case_id)))
    wanted, asked_before = (_by_name(steps_of(session, case, one)) for one in (protocol, before))
    waits_on_nobody = _approvals_on_nobody(session, rows, at)
    going_on = _ask_anew(session, _declared_in(protocol, rows), wanted, asked_before, waits_on_nobody, at=at)
    present = _by_name(rows)
    write_steps(session, (task for name, task in wanted.items() if name not in present))
    tie(session, case, protocol)
    events.write(session, "case.version_taken", "case", case_id, by=by, at=at, case_id=case_id, number=version.number)
    held_tasks.postpone_those_waiting(session, going_on, by=by, at=at)
    scheduling.reschedule(session, case_id, at=at, only=going_on)
    held_tasks.open_ready(session, held, by=by, at=at)
    for task_id in sorted(waits_on_nobody):
        tasks.ask_again(session, task_id, at=at)
    held_tasks.close_if_settled(session, case_id, by=by, at=at)
    wakeups.wake(session, case_id, at=at)


#: What a version declares of each task, by step and item.
Steps = Mapping[tuple[str, str], Task]


def _version_to_take(session: Session, case: Case, version_id: UUID) -> ProtocolVersion:
    version = session.get(ProtocolVersion, (program_of(session), version_id))
    if version is None or version.key != case.protocol:
        raise Refusal("protocol.unknown", N_("The program has no such protocol."))
    if version.number < pinned(session, case).number:
        raise Refusal("protocol.older", N_("This case already follows a newer version: it does not go back."))
    return version


def _by_name(rows: Iterable[Task]) -> dict[tuple[str, str], Task]:
    return {(row.step, row.item): row for row in rows}


def _declared_in(protocol: Protocol, rows: Iterable[Task]) -> list[Task]:
    """Those of a case's tasks of which a version says anything: what a person has in hand is no version's to say."""
    gathered = {step.id for step in protocol.steps if step.for_each and step.for_each.over}
    return [row for row in rows if row.step not in gathered]


def _ask_anew(
    session: Session,
    rows: Iterable[Task],
    wanted: Steps,
    asked_before: Steps,
    waits_on_nobody: Collection[UUID],
    *,
    at: datetime,
) -> list[UUID]:
    """Write what a new version changes of the tasks that are not settled; those that stay open go on."""
    going_on: list[UUID] = []
    for row in rows:
        if row.state in SETTLED:
            continue
        name, on_nobody = (row.step, row.item), row.id in waits_on_nobody
        asked = _asked_anew(row, wanted.get(name), asked_before.get(name), waits_on_nobody=on_nobody)
        if not asked:
            continue
        keep_lateness(session, is_this(row.id), at=at)
        rewrite(session, Task, row.id, **asked)
        if row.state == "open" and "state" not in asked:
            going_on.append(row.id)
    return going_on


def _approvals_on_nobody(session: Session, rows: Sequence[Task], at: datetime) -> set[UUID]:
    """Those of these tasks that were handed in and that none of those who were asked can approve today."""
    handed_in = [row for row in rows if row.state == "submitted"]
    if not handed_in:
        return set()
    today = standing(session, local_day(session, at))
    links = {task.id: case_letters.chain_of(session, task.approved_by_id) for task in handed_in}
    return {task.id for task in handed_in if not who_may_approve(today, task, links[task.id])}


def _asked_anew(row: Task, declared: Task | None, before: Task | None, *, waits_on_nobody: bool) -> dict[str, object]:
    """The columns that a new version changes of an unsettled task; `declared` is None where it no longer has the step.

    `before` is what the case's former version declares of it; `waits_on_nobody`, that it was handed in and no one can
    approve it.
    """
    if declared is None:
        if row.state == "cancelled":
            return {}
        return {"state": TASK.after(row.state, "cancel"), "next_check": None, **held_tasks.act_called_off(row)}
    names = _names_asked(row, declared, before, waits_on_nobody=waits_on_nobody)
    values = {name: getattr(declared, name) for name in names}
    if row.state == "cancelled":
        return values | {"state": TASK.after("cancelled", "restore"), **held_tasks.not_done()}
    if row.state != "open":
        return values
    if any(values.get(name, now) != now for name, now in (("owed_by_id", row.owed_by_id), ("action", row.action))):
        # It is somebody else's now: it is opened for them afterwards, if nothing holds it.
        return values | {"state": TASK.after("open", "postpone"), **held_tasks.act_called_off(row)}
    # Its days are set where the reminders that were sent are known.
    return {name: value for name, value in values.items() if name not in ("due_on", "ladder")}


def _names_asked(row: Task, declared: Task, before: Task | None, *, waits_on_nobody: bool) -> list[str]:
    """Which columns a new version declares anew of a task, but for what somebody was given by name."""
    # What is handed in was asked for as it stood then, and is judged by that.
    names = _DECLARED if row.state != "submitted" else ("position", "stage", "title_fr", "title_en")
    if waits_on_nobody and declared.approved_by_id is not None:
        names = (*names, "approved_by_id", "may_not_approve")
    kept = {"owed_by_id"} if row.handed_back_at else set()
    for asked, columns in _GIVEN.items():
        if before and getattr(row, asked) != getattr(before, asked):
            kept |= columns
    return [name for name in names if name not in kept]


#: Where one of these is not what the case's version declares, the task, or its approval, was given to a person by name;
#: and the columns that say so.
_GIVEN: Final[Mapping[str, frozenset[str]]] = {
    "declared_owed_by_id": frozenset({"owed_by_id", "declared_owed_by_id"}),
    "approved_by_id": frozenset({"approved_by_id"}),
}

#: The columns of a task that its protocol's version declares; all others tell what happened to it.
_DECLARED = (
    "position",
    "stage",
    "title_fr",
    "title_en",
    "sources",
    "clause",
    "evidence",
    "system",
    "asks",
    "required",
    "owed_by_id",
    "declared_owed_by_id",
    "approved_by_id",
    "may_not_approve",
    "on_reject",
    "waived_by",
    "due_on",
    "due_rule",
    "ladder",
    "dates_hang",
    "action",
    "undo",
)
