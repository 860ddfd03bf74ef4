"""Announcing a gate: what had to be so before something may begin is so, and those whom it concerns hear of it once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from duties import cases, events, notices, scheduling
from duties.actors import ENGINE, Actor
from duties.here import local_day
from duties.roles import Link, standing
from duties.steps import links_of
from models.base import table_of
from models.casework import Case
from models.record import Event

_event = table_of(Event)


def announce_gates(session: Session, case: Mapping[str, Any], *, at: datetime) -> None:
    """Tell those concerned of each gate of a held case that is open and was never announced."""
    for gate in _opened_gates(session, case):
        _announce(session, case, gate, at)


def _opened_gates(session: Session, case: Mapping[str, Any]) -> Iterator[str]:
    """The gates of an open or closed case that are open now and were never announced."""
    protocol = scheduling.pinned_protocol(session, case["protocol_version_id"])
    if case["state"] == "cancelled" or not protocol.gates:
        return
    told = session.scalars(
        select(_event.c.facts["gate"].astext).where(
            _event.c.program_id == case["program_id"],
            _event.c.case_id == case["id"],
            _event.c.verb == "gate.opened",
        )
    ).all()
    row = Case.model_validate(case)
    for gate in protocol.gates:
        if gate not in told and cases.gate_is_open(session, row, gate):
            yield gate


def _announce(session: Session, case: Mapping[str, Any], gate: str, at: datetime) -> None:
    """Tell the person whom the case is about, the manager there and whoever is accountable that a gate opened. Once."""
    protocol = scheduling.pinned_protocol(session, case["protocol_version_id"])
    title = protocol.gates[gate].title
    events.write(
        session, "gate.opened", "case", case["id"], by=Actor.system(ENGINE), at=at, case_id=case["id"], gate=gate
    )
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
            "gate_opened",
            to=person_id,
            key=f"gate:{case['id']}:{gate}",
            facts=lambda language: {
                "gate": title.in_language(language),
                "case": notices.case_title(session, case, language),
                "path": f"/cases/{case['id']}",
            },
            at=at,
            case_id=case["id"],
        )
