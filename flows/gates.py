"""Announces a gate: those concerned are told when its conditions are met, and when they no longer are."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session

from domain.casework import case_letters, cases, links_of, of_case, scheduling, titles
from domain.kernel import ENGINE, Actor, col, every, in_program, inside, local_day, run, scalar, select
from domain.mail import notices
from domain.record import events
from domain.roles import Link, standing
from models.casework import SETTLED, Case, Task
from models.record import Event


def announce_gates(session: Session, case: Case, *, at: datetime) -> None:
    """Tell those concerned of each gate of a locked case that opened, or shut again, since they were last told.

    No one is told of a case that was cancelled.
    """
    protocol = scheduling.pinned_protocol(session, case.protocol_version_id)
    if case.state == "cancelled" or not protocol.gates:
        return
    row = Case.model_validate(case)
    told = _told(session, case)
    for gate in protocol.gates:
        was_open = told[gate][-1:] == ["gate.opened"]
        is_open = cases.gate_is_open(session, row, gate)
        if is_open != was_open:
            _announce(session, case, gate, is_open=is_open, nth=len(told[gate]), at=at)


def _told(session: Session, case: Case) -> defaultdict[str, list[str]]:
    """What was announced about each gate of a case, the oldest first."""
    rows = run(
        session,
        select(inside(Event.facts)["gate"].astext.label("gate"), Event.verb)
        .where(in_program(Event), Event.case_id == case.id, col(Event.verb).in_(("gate.opened", "gate.shut")))
        .order_by(col(Event.n)),
    ).all()
    told: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        told[row.gate].append(row.verb)
    return told


def _announce(session: Session, case: Case, gate: str, *, is_open: bool, nth: int, at: datetime) -> None:
    """Tell the case's person, the manager there and those accountable, each once this time."""
    protocol = scheduling.pinned_protocol(session, case.protocol_version_id)
    title = protocol.gates[gate].title
    left = titles(
        every(
            session,
            select(Task)
            .where(of_case(case.id), col(Task.step).in_(protocol.gates[gate].steps), col(Task.state).not_in(SETTLED))
            .order_by(col(Task.position), col(Task.item)),
        )
    )
    verb = "gate.opened" if is_open else "gate.shut"
    events.write(session, verb, "case", case.id, by=Actor.system(ENGINE), at=at, case_id=case.id, gate=gate)
    today = standing(session, local_day(session, at))
    row = Case.model_validate(case)
    manager: list[Link] = []
    if case.organization_id is not None:
        manager.append(Link("manager", str(case.organization_id)))
    accountable = links_of(session, protocol, protocol.accountable, row)
    people = [case.subject_id] if case.subject_id is not None else []
    for chain in (manager, accountable):
        people.extend(holder.person_id for holder in today.falls(chain).holders)
    # What a round finds again after a restore follows from the same act as before it, and is told once.
    key = f"gate:{case.id}:{gate}:{nth}:{_last_act(session, case)}"
    for person_id in dict.fromkeys(people):
        notices.write(
            session,
            "gate_opened" if is_open else "gate_shut",
            to=person_id,
            key=key,
            facts=lambda language: {
                "gate": title.in_language(language),
                "case": case_letters.case_title(session, case, language),
                "steps": left[language],
                "path": f"/cases/{case.id}",
            },
            at=at,
            case_id=case.id,
        )


def _last_act(session: Session, case: Case) -> str:
    """The moment of the last act of a person in a case, as the key of a letter has it; "" where none acted."""
    last = select(func.max(col(Event.at))).where(
        in_program(Event), Event.case_id == case.id, col(Event.actor_id).is_not(None)
    )
    at = scalar(session, last)
    return notices.once_by(at) if at else ""
