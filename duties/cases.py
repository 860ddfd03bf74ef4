"""The doors of a case: opening it from its protocol, moving its days, taking a new version, ending and reopening it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session

from duties import events, notices, people, scheduling, tasks, wakeups
from duties import held as held_tasks
from duties.actors import Actor
from duties.declared import Declared
from duties.here import local_day, one, program, program_of
from duties.planning import instances
from duties.protocol import REQUESTER, Protocol, Step
from duties.protocol_difference import difference
from duties.refusals import Refusal
from duties.roles import Link, responsibility
from locales import N_, say
from models.base import table_of
from models.casework import SETTLED, Case, ProtocolVersion, Task, TaskNeed
from models.lifecycles import ACT, CASE, TASK, NoSuchMove
from models.program import Person, Tenure

#: The role that the subject of a case holds, by the kind of subject that its protocol declares.
ROLE_OF_SUBJECT = {"worker": "youth_worker"}

_case = table_of(Case)
_task = table_of(Task)
_need = table_of(TaskNeed)
_version = table_of(ProtocolVersion)
_tenure = table_of(Tenure)


def record_protocol(session: Session, declared: Declared[Protocol], *, by: Actor, at: datetime) -> ProtocolVersion:
    """Keep a protocol as it is declared now, if it is not kept already. What is kept never changes."""
    protocol = declared.value
    here = program_of(session)
    added = session.scalar(
        upsert(_version)
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
        .returning(_version.c.id)
    )
    kept = session.scalars(
        select(ProtocolVersion).where(
            ProtocolVersion.program_id == here,  # type: ignore[arg-type]
            ProtocolVersion.key == protocol.protocol,  # type: ignore[arg-type]
            ProtocolVersion.digest == declared.digest,  # type: ignore[arg-type]
        )
    ).one()
    if added is not None:
        events.write(session, "protocol.recorded", "protocol", kept.id, by=by, at=at, key=kept.key, number=kept.number)
    return kept


def current_protocol(session: Session, key: str) -> ProtocolVersion:
    """The version of a protocol that a new case follows: the highest number, and of equals the latest recorded.

    Raises Refusal where the program has no such protocol.
    """
    found = session.scalars(
        select(ProtocolVersion)
        .where(
            ProtocolVersion.program_id == program_of(session),  # type: ignore[arg-type]
            ProtocolVersion.key == key,  # type: ignore[arg-type]
        )
        .order_by(_version.c.number.desc(), _version.c.recorded_at.desc())
        .limit(1)
    ).first()
    if found is None:
        raise Refusal("protocol.unknown", N_("The program has no such protocol."))
    return found


def open_case(session: Session, key: str, *, subject_id: UUID, organization_id: UUID, by: Actor, at: datetime) -> UUID:
    """Open a case of a protocol for a person at an organization, and every step of it that can begin.

    The case pins the protocol as it stands now and keeps its own copy of the steps. Its named days come from
    the person's tenure there. Raises Refusal: no such person, no tenure, or already one open.
    """
    version = current_protocol(session, key)
    protocol = scheduling.protocol_of(version)
    here = program_of(session)
    # Held, so that of two who open at the same instant the second is told.
    if session.scalar(select(Person).where(_person_is(here, subject_id)).with_for_update()) is None:
        raise Refusal("person.unknown", N_("There is no such person."))
    tenure = _tenure_of_subject(session, protocol, subject_id, organization_id)
    if session.scalar(
        select(_case.c.id).where(
            _case.c.program_id == here,
            _case.c.protocol == key,
            _case.c.subject_id == subject_id,
            _case.c.organization_id == organization_id,
            _case.c.state == "open",
        )
    ):
        raise Refusal("case.already_open", N_("This person already has an open case of this protocol there."))
    case = Case(
        program_id=here,
        id=uuid4(),
        protocol=key,
        protocol_version_id=version.id,
        subject_id=subject_id,
        organization_id=organization_id,
        anchors=_given_days(protocol, tenure, local_day(session, at)),
        opened_at=at,
        opened_by=by.person_id,
        opened_as=by.role,
    )
    session.add(case)
    session.flush()
    session.execute(insert(_task), list(_columns(session, case, protocol)))
    _tie(session, case, protocol)
    events.write(
        session, "case.opened", "case", case.id, by=by, at=at, case_id=case.id, protocol=key, number=version.number
    )
    held_tasks.open_ready(session, {"id": case.id}, by=by, at=at)
    notices.case_opened(session, case, by=by, at=at)
    wakeups.wake(session, case.id, at=at)
    return case.id


def cancel_case(
    session: Session, case_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> None:
    """End a case that will not be finished, with the reason. Nothing is deleted; what the program did is undone.

    Raises Refusal.
    """
    held = _lock(session, case_id, seen=seen)
    state = _move(held, "cancel")
    reason = tasks.needed_reason(reason)
    _change(session, held, state=state, ended_at=at, ended_by=by.person_id, ended_reason=reason)
    session.execute(
        update(_task)
        .where(_mine(session, case_id), _task.c.state.in_(TASK.open_to("cancel")))
        .values(**held_tasks.cancelled(), version=_task.c.version + 1)
    )
    to_undo = and_(_task.c.state == "done", _task.c.act_state.in_(ACT.open_to("want_undo")), _task.c.undo != "")
    session.execute(
        update(_task)
        .where(_mine(session, case_id), to_undo)
        .values(act_state=ACT.moved(_task.c.act_state, "want_undo"), version=_task.c.version + 1)
    )
    events.write(session, "case.cancelled", "case", case_id, by=by, at=at, case_id=case_id)
    notices.case_cancelled(session, held, by=by, at=at)
    wakeups.wake(session, case_id, at=at)


def reopen_case(
    session: Session, case_id: UUID, *, by: Actor, at: datetime, reason: str, seen: int | None = None
) -> None:
    """Open a case that was closed or cancelled again. What was done stays done; what was undone is done again.

    Raises Refusal, also where the person meanwhile has another open case of the protocol.
    """
    held = _lock(session, case_id, seen=seen)
    state = _move(held, "reopen")
    reason = tasks.needed_reason(reason)
    if session.scalar(
        select(_case.c.id).where(
            _case.c.program_id == program_of(session),
            _case.c.protocol == held["protocol"],
            _case.c.subject_id == held["subject_id"],
            _case.c.organization_id == held["organization_id"],
            _case.c.state == "open",
        )
    ):
        raise Refusal("case.already_open", N_("This person already has an open case of this protocol there."))
    _change(session, held, state=state, ended_at=None, ended_by=None, ended_reason="")
    session.execute(
        update(_task)
        .where(_mine(session, case_id), _task.c.state == "cancelled")
        .values(
            state=TASK.moved(_task.c.state, "restore"),
            done_at=None,
            done_by=None,
            done_as=None,
            done_for=None,
            version=_task.c.version + 1,
        )
    )
    session.execute(
        update(_task)
        .where(_mine(session, case_id), _task.c.state == "done", _task.c.act_state.in_(["undo_wanted", "undone"]))
        .values(
            state=TASK.moved(_task.c.state, "postpone"),
            done_at=None,
            done_by=None,
            done_as=None,
            version=_task.c.version + 1,
        )
    )
    events.write(session, "case.reopened", "case", case_id, by=by, at=at, case_id=case_id, reason_given=bool(reason))
    # The calendar may have changed meanwhile, and what was handed in has the ladder of whoever approves.
    scheduling.reschedule(session, case_id)
    held_tasks.open_ready(session, held, by=by, at=at)
    wakeups.wake(session, case_id, at=at)


def close_case(session: Session, case_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """Close a case in which nothing that is required is left. It also closes by itself when the last step is settled.

    Raises Refusal, naming the steps that are left.
    """
    held = _lock(session, case_id, seen=seen)
    _move(held, "close")
    if held_tasks.close_if_settled(session, case_id, by=by, at=at):
        wakeups.wake(session, case_id, at=at)
        return
    left = session.scalars(
        select(_task.c.step)
        .where(_mine(session, case_id), _task.c.required, _task.c.state.not_in([*SETTLED, "cancelled"]))
        .order_by(_task.c.position)
    ).all()
    raise Refusal(
        "case.work_left",
        N_("A case does not close while required steps are left: %(steps)s."),
        steps=", ".join(dict.fromkeys(left)),
    )


def move_day(
    session: Session,
    case_id: UUID,
    *,
    anchor: str,
    day: date,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Move one of a case's named days, such as the arrival. Only this case's due days follow.

    Where the day is the start of the person's tenure, the tenure starts on it. What the engine did because of the day
    it looks at again, such as from when on a seat is held. Raises Refusal.
    """
    held = _lock(session, case_id, seen=seen)
    if held["state"] != "open":
        raise Refusal("case.not_open", N_("This case is no longer open. Reopen it to change its tasks."))
    protocol = scheduling.protocol_of(pinned(session, held))
    declared = protocol.anchors.get(anchor)
    if declared is None or declared.from_ not in ("worker.starts_on", "worker.ends_on"):
        raise Refusal("case.day_is_not_given", N_("This day follows from what is done; it cannot be moved by hand."))
    if declared.from_ == "worker.starts_on":
        _move_start(session, protocol, held, day, by=by, at=at)
    _change(session, held, anchors={**held["anchors"], anchor: day.isoformat()})
    scheduling.reschedule(session, case_id)
    _look_again(session, protocol, case_id, anchor)
    events.write(
        session,
        "case.day_moved",
        "case",
        case_id,
        by=by,
        at=at,
        case_id=case_id,
        anchor=anchor,
        was=held["anchors"].get(anchor),
        day=day.isoformat(),
    )
    wakeups.wake(session, case_id, at=at)


@dataclass(frozen=True)
class Offer:
    """A newer version of a case's protocol, and what it changes, one plain sentence each."""

    version: ProtocolVersion
    changes: Sequence[str]


def newer_version(session: Session, case: Case, language: str) -> Offer | None:
    """What is offered to an open case: the protocol's current version, where it is not the one that is pinned."""
    if case.state != "open":
        return None
    newest = current_protocol(session, case.protocol)
    if newest.id == case.protocol_version_id:
        return None
    pinned_version = session.get(ProtocolVersion, (program_of(session), case.protocol_version_id))
    if pinned_version is None or newest.number < pinned_version.number:
        return None
    changes = difference(scheduling.protocol_of(pinned_version), scheduling.protocol_of(newest), language)
    return Offer(newest, changes)


def take_version(
    session: Session, case_id: UUID, version_id: UUID, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Follow the protocol's newer version from now on.

    A step that is done stays done and is never asked again, even where the new version no longer has it;
    steps that are new are added, steps that are gone and were not done are cancelled. Raises Refusal.
    """
    held = _lock(session, case_id, seen=seen)
    if held["state"] != "open":
        raise Refusal("case.not_open", N_("This case is no longer open. Reopen it to change its tasks."))
    version = session.get(ProtocolVersion, (program_of(session), version_id))
    if version is None or version.key != held["protocol"]:
        raise Refusal("protocol.unknown", N_("The program has no such protocol."))
    protocol = scheduling.protocol_of(version)
    _change(session, held, protocol_version_id=version.id)
    case = session.get(Case, (program_of(session), case_id), populate_existing=True)
    if case is None:
        msg = "a case that is held does not exist"
        raise LookupError(msg)
    rows = session.execute(
        select(
            _task.c.id,
            _task.c.step,
            _task.c.item,
            _task.c.state,
            _task.c.act_state,
            _task.c.undo,
            _task.c.handed_back_at,
        ).where(_mine(session, case_id))
    ).all()
    present = {(row.step, row.item): row for row in rows}
    wanted: dict[tuple[str, str], dict[str, Any]] = {}
    for columns in _columns(session, case, protocol):
        wanted[columns["step"], columns["item"]] = columns
    for name, row in present.items():
        if row.state not in SETTLED and (asked := _asked_anew(row._asdict(), wanted.get(name))):
            session.execute(
                update(_task)
                .where(_task.c.program_id == case.program_id, _task.c.id == row.id)
                .values(**asked, version=_task.c.version + 1)
            )
    fresh = [columns for name, columns in wanted.items() if name not in present]
    if fresh:
        session.execute(insert(_task), fresh)
    _tie(session, case, protocol)
    events.write(session, "case.version_taken", "case", case_id, by=by, at=at, case_id=case_id, number=version.number)
    held_tasks.open_ready(session, held, by=by, at=at)
    held_tasks.close_if_settled(session, case_id, by=by, at=at)
    wakeups.wake(session, case_id, at=at)


def _asked_anew(row: Mapping[str, Any], declared: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a new version changes of a task that is not settled; `declared` is None where it no longer has the step."""
    if declared is None:
        if row["state"] == "cancelled":
            return {}
        return {"state": TASK.after(row["state"], "cancel"), "next_check": None, **held_tasks.act_called_off(row)}
    # What is handed in was asked for as it stood then, and is judged so.
    names = _DECLARED if row["state"] != "submitted" else ("position", "stage", "title_fr", "title_en")
    values = {name: declared[name] for name in names if not (name == "owed_by_id" and row["handed_back_at"])}
    if row["state"] == "cancelled":
        values["state"] = TASK.after("cancelled", "restore")
    elif row["state"] == "open":
        # Whatever it waits for now, it is opened again afterwards if nothing holds it.
        values |= {"state": TASK.after("open", "postpone"), **held_tasks.act_called_off(row)}
    return values


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


def gate_is_open(session: Session, case: Case, gate: str) -> bool:
    """Whether every step of a gate is settled in this case, such as what must be before a worker follows anyone.

    Raises KeyError for a gate that the case's protocol does not have.
    """
    version = session.get(ProtocolVersion, (program_of(session), case.protocol_version_id))
    if version is None:
        msg = "a case's protocol version does not exist"
        raise LookupError(msg)
    steps = scheduling.protocol_of(version).gates[gate].steps
    holding = session.scalar(
        select(_task.c.id)
        .where(_mine(session, case.id), _task.c.step.in_(steps), _task.c.state.not_in(SETTLED))
        .limit(1)
    )
    return holding is None


def pinned(session: Session, case: Mapping[str, Any]) -> ProtocolVersion:
    """The version of its protocol that a case follows."""
    found = session.get(ProtocolVersion, (program_of(session), case["protocol_version_id"]))
    if found is None:
        msg = "a case's protocol version does not exist"
        raise LookupError(msg)
    return found


def links_allowed(session: Session, case: Mapping[str, Any], act: Literal["cancel", "reopen"]) -> list[Link]:
    """The links of the roles that a case's protocol lets cancel or reopen it."""
    protocol = scheduling.protocol_of(pinned(session, case))
    allowed = protocol.cancel if act == "cancel" else protocol.reopen
    row = session.get(Case, (program_of(session), case["id"]))
    if row is None:
        return []
    return [link for role in allowed.by for link in links_of(session, protocol, role, row)]


# How a protocol becomes the tasks of a case.


def _columns(session: Session, case: Case, protocol: Protocol) -> Iterator[dict[str, Any]]:
    """The rows of the case's own copy of its steps, all alike in shape so that they are written in one statement."""
    calendar = scheduling.calendar_for(session, protocol, case.organization_id)
    anchors = scheduling.named_days(session, case, protocol)
    hung_on = {anchor.step for anchor in protocol.anchors.values() if anchor.step}
    opened = local_day(session, case.opened_at)
    chains: dict[str, UUID] = {}

    def owed_by(role: str) -> UUID:
        if role not in chains:
            chains[role] = responsibility(session, links_of(session, protocol, role, case))
        return chains[role]

    for place, step in enumerate(protocol.steps):
        approval = step.approved_by
        owner = owed_by(step.by) if step.by else None
        barred = [name for name in approval.not_same_as if name != REQUESTER] if approval else []
        for item, title_fr, title_en in _items(step):
            yield {
                "program_id": case.program_id,
                "id": uuid4(),
                "case_id": case.id,
                "step": step.id,
                "item": item,
                "position": place,
                "stage": step.stage,
                "title_fr": title_fr,
                "title_en": title_en,
                "sources": list(step.source),
                "clause": step.clause or "",
                "evidence": step.evidence,
                "system": step.system or "",
                "required": step.required,
                "owed_by_id": owner,
                "declared_owed_by_id": owner,
                "approved_by_id": owed_by(approval.role) if approval else None,
                "may_not_approve": [link for name in barred for link in links_of(session, protocol, name, case)[:1]],
                "on_reject": step.on_reject or "",
                "waived_by": [] if step.waive == "never" else _held_roles(protocol, step.waive.by),
                "state": TASK.initial,
                "due_rule": step.due.model_dump(mode="json", exclude_none=True) if step.due else {},
                "dates_hang": step.id in hung_on,
                "rung": 0,
                "note": "",
                "settled_as": "",
                "reason": "",
                "action": step.action or "",
                "undo": step.undone_by or "",
                "act_state": ACT.initial,
                "version": 1,
                **scheduling.timing(protocol, step, anchors, calendar, not_before=opened),
            }


def _tie(session: Session, case: Case, protocol: Protocol) -> None:
    """Write which task waits for which, anew."""
    rows = session.execute(select(_task.c.id, _task.c.step).where(_mine(session, case.id))).all()
    by_step: dict[str, list[UUID]] = {}
    for row in rows:
        by_step.setdefault(row.step, []).append(row.id)
    everyone = [row.id for row in rows]
    session.execute(delete(_need).where(_need.c.program_id == case.program_id, _need.c.task_id.in_(everyone)))
    edges = [
        {"program_id": case.program_id, "task_id": waiting, "needs_id": needed}
        for step in protocol.steps
        for name in protocol.waits_for(step)
        for waiting in by_step.get(step.id, [])
        for needed in by_step.get(name, [])
    ]
    if edges:
        session.execute(insert(_need), edges)


def _items(step: Step) -> Iterator[tuple[str, str, str]]:
    for item in instances(step):
        if item is None:
            yield "", step.title.fr, step.title.en
        else:
            yield (
                item.id,
                say("fr", _ONE_OF, step=step.title.fr, item=item.title.fr),
                say("en", _ONE_OF, step=step.title.en, item=item.title.en),
            )


_ONE_OF = N_("%(step)s: %(item)s")


def links_of(session: Session, protocol: Protocol, role: str, case: Case) -> list[Link]:
    """The chain on which a duty of a protocol's role falls in this case, as it is stored."""
    links: list[Link] = []
    for name in protocol.chain(role):
        declared = protocol.roles[name]
        if declared.subject is not None:
            links.append(
                {
                    "person": str(case.subject_id),
                    "role": ROLE_OF_SUBJECT[declared.subject],
                    "at": str(case.organization_id),
                }
            )
            continue
        links.extend({"role": declared.holds, "at": place} for place in _places(session, declared.at or "", case))
    return links


def _places(session: Session, at: str, case: Case) -> list[str]:
    if at == "employer":
        return [str(case.organization_id)]
    if at == "coordination":
        return [str(place) for place in program(session).coordination["organizations"]]
    return ["*"] if at == "anywhere" else [at]


def _held_roles(protocol: Protocol, name: str) -> list[str]:
    """The agreements' roles that a protocol's role stands for, itself alone: to waive is not handed down a chain."""
    declared = protocol.roles[name]
    return [declared.holds] if declared.holds else [ROLE_OF_SUBJECT[declared.subject or "worker"]]


def _given_days(protocol: Protocol, tenure: Any, opened: date) -> dict[str, str]:
    known = {
        "case.opened_on": opened,
        "worker.starts_on": tenure.starts_on,
        "worker.ends_on": tenure.ends_on,
    }
    days = {name: known.get(anchor.from_) for name, anchor in protocol.anchors.items()}
    return {name: day.isoformat() for name, day in days.items() if day is not None}


def _tenure_of_subject(session: Session, protocol: Protocol, subject_id: UUID, organization_id: UUID) -> Any:
    role = ROLE_OF_SUBJECT[protocol.subject.kind]
    found = session.execute(
        select(_tenure)
        .where(
            _tenure.c.program_id == program_of(session),
            _tenure.c.person_id == subject_id,
            _tenure.c.organization_id == organization_id,
            _tenure.c.role == role,
        )
        .order_by(_tenure.c.starts_on.desc())
        .limit(1)
    ).first()
    if found is None:
        raise Refusal(
            "case.no_tenure", N_("This person does not hold the role at this organization. Appoint them first.")
        )
    return found


def _move_start(
    session: Session, protocol: Protocol, case: Mapping[str, Any], day: date, *, by: Actor, at: datetime
) -> None:
    """Have the tenure that a case is about start on a day."""
    tenure = _tenure_of_subject(session, protocol, case["subject_id"], case["organization_id"])
    if tenure.starts_on == day:
        return
    if tenure.ends_on is not None and tenure.ends_on < day:
        raise Refusal("tenure.ends_before", N_("The person's role there ends before that day."))
    people.refuse_overlap(session, {**tenure._asdict(), "starts_on": day})
    session.execute(
        update(_tenure)
        .where(_tenure.c.program_id == program_of(session), _tenure.c.id == tenure.id)
        .values(starts_on=day, version=_tenure.c.version + 1)
    )
    events.write(
        session,
        "tenure.moved",
        "person",
        case["subject_id"],
        by=by,
        at=at,
        case_id=case["id"],
        role=tenure.role,
        organization=str(tenure.organization_id),
        was=tenure.starts_on.isoformat(),
        starts_on=day.isoformat(),
    )


def _look_again(session: Session, protocol: Protocol, case_id: UUID, anchor: str) -> None:
    """Have the engine look at what it did of the steps that hang on a day. What has nothing to undo stays as it is."""
    steps = [step.id for step in protocol.steps if step.action and step.due and step.due.anchor == anchor]
    session.execute(
        update(_task)
        .where(
            _mine(session, case_id),
            _task.c.step.in_(steps),
            _task.c.undo != "",
            _task.c.act_state.in_(ACT.open_to("look_again")),
        )
        .values(act_state=ACT.moved(_task.c.act_state, "look_again"), version=_task.c.version + 1)
    )


# What every verb stands on.


def _lock(session: Session, case_id: UUID, *, seen: int | None) -> dict[str, Any]:
    held = one(
        session,
        select(_case).where(_case.c.program_id == program_of(session), _case.c.id == case_id).with_for_update(of=_case),
    )
    if held is None:
        raise Refusal("case.unknown", N_("There is no such case."))
    if seen is not None and held["version"] != seen:
        raise Refusal(
            "case.changed",
            N_("Someone else changed this case while you were looking at it. Nothing was saved; look at it again."),
        )
    return held


def _change(session: Session, held: Mapping[str, Any], **values: Any) -> None:
    session.execute(
        update(_case)
        .where(_case.c.program_id == program_of(session), _case.c.id == held["id"])
        .values(**values, version=_case.c.version + 1)
    )


def _move(held: Mapping[str, Any], move: str) -> str:
    try:
        return CASE.after(held["state"], move)
    except NoSuchMove:
        why = _NOT_NOW[held["state"], move]  # on its own line: a literal inside a Refusal is taken for a msgid
        raise Refusal("case.not_now", why) from None


def _mine(session: Session, case_id: UUID) -> Any:
    return and_(_task.c.program_id == program_of(session), _task.c.case_id == case_id)


def _person_is(here: UUID, person_id: UUID) -> Any:
    person = table_of(Person)
    return and_(person.c.program_id == here, person.c.id == person_id)


_NOT_NOW = {
    ("closed", "close"): N_("This case is already closed."),
    ("closed", "cancel"): N_("This case is closed: it cannot be cancelled any more. Reopen it first."),
    ("cancelled", "close"): N_("This case was cancelled. Reopen it first."),
    ("cancelled", "cancel"): N_("This case was already cancelled."),
    ("open", "reopen"): N_("This case is open already."),
}
