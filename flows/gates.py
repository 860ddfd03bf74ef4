"""Announcing a gate: those whom it concerns hear when what had to be so is so, and when it is so no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from domain.casework import case_letters, cases, scheduling
from domain.casework.locking import of_case, titles
from domain.casework.steps import links_of
from domain.kernel.actors import ENGINE, Actor
from domain.kernel.scope import local_day, many
from domain.mail import notices
from domain.record import events
from domain.roles.roles import Link, standing
from models.base import table_of
from models.casework import SETTLED, Case, Task
from models.record import Event

_event = table_of(Event)
_task = table_of(Task)


def announce_gates(session: Session, case: Mapping[str, Any], *, at: datetime) -> None:
    """Tell those concerned of each gate of a held case that opened, or that is shut again, since they last heard of it.

    Nobody hears of a case that was cancelled.
    """
    protocol = scheduling.pinned_protocol(session, case["protocol_version_id"])
    if case["state"] == "cancelled" or not protocol.gates:
        return
    row = Case.model_validate(case)
    told = _told(session, case)
    for gate in protocol.gates:
        was_open = told[gate][-1:] == ["gate.opened"]
        is_open = cases.gate_is_open(session, row, gate)
        if is_open != was_open:
            _announce(session, case, gate, is_open=is_open, nth=len(told[gate]), at=at)


def _told(session: Session, case: Mapping[str, Any]) -> defaultdict[str, list[str]]:
    """What was announced of each gate of a case, the oldest first."""
    rows = session.execute(
        select(_event.c.facts["gate"].astext.label("gate"), _event.c.verb)
        .where(
            _event.c.program_id == case["program_id"],
            _event.c.case_id == case["id"],
            _event.c.verb.in_(("gate.opened", "gate.shut")),
        )
        .order_by(_event.c.n)
    ).all()
    told: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        told[row.gate].append(row.verb)
    return told


def _announce(session: Session, case: Mapping[str, Any], gate: str, *, is_open: bool, nth: int, at: datetime) -> None:
    """Tell the person whom the case is about, the manager there and whoever is accountable, each once of this time."""
    protocol = scheduling.pinned_protocol(session, case["protocol_version_id"])
    title = protocol.gates[gate].title
    left = titles(
        many(
            session,
            select(_task.c.title_fr, _task.c.title_en)
            .where(
                of_case(session, case["id"]),
                _task.c.step.in_(protocol.gates[gate].steps),
                _task.c.state.not_in(SETTLED),
            )
            .order_by(_task.c.position, _task.c.item),
        )
    )
    verb = "gate.opened" if is_open else "gate.shut"
    events.write(session, verb, "case", case["id"], by=Actor.system(ENGINE), at=at, case_id=case["id"], gate=gate)
    today = standing(session, local_day(session, at))
    row = Case.model_validate(case)
    manager: list[Link] = []
    if case["organization_id"] is not None:
        manager.append({"role": "manager", "at": str(case["organization_id"])})
    accountable = links_of(session, protocol, protocol.accountable, row)
    people = [case["subject_id"]] if case["subject_id"] is not None else []
    for chain in (manager, accountable):
        people.extend(holder.person_id for holder in today.falls(chain).holders)
    for person_id in dict.fromkeys(people):
        notices.write(
            session,
            "gate_opened" if is_open else "gate_shut",
            to=person_id,
            key=f"gate:{case['id']}:{gate}:{nth}",
            facts=lambda language: {
                "gate": title.in_language(language),
                "case": case_letters.case_title(session, case, language),
                "steps": left[language],
                "path": f"/cases/{case['id']}",
            },
            at=at,
            case_id=case["id"],
        )
