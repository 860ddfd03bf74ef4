"""The letters of a decision that the partners endorse: a partner objects, and an objection is settled.

A letter holds the number and no reason: the objection is read on the decision's page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from domain.kernel import Actor, Language, program_of
from domain.mail import notices
from models.minutes import Decision
from models.program import Organization


def objected(
    session: Session,
    decision: Decision,
    organization_id: UUID,
    people: Iterable[UUID],
    *,
    counts: bool,
    own_waiver: bool,
    by: Actor,
    at: datetime,
) -> None:
    """Tell everyone concerned but its author that a partner objects: each time, so that the last letter is true.

    `counts`: the others are a sufficient majority, so that the decision is in effect all the same. `own_waiver`: it
    revokes what frees that partner of a clause, so that its objection stops nothing.
    """
    organization = session.get_one(Organization, (program_of(session), organization_id)).short_name
    key = f"decision_objected:{decision.id}:{organization_id}:{at.isoformat()}"
    more = {"organization": organization, "counts": counts, "own_waiver": own_waiver}
    _to_each(session, "decision_objected", decision, people, key, by=by, at=at, **more)


def settled(session: Session, decision: Decision, people: Iterable[UUID], *, by: Actor, at: datetime) -> None:
    """Tell the same people that no such objection is left, or that one was settled."""
    key = f"objection_settled:{decision.id}:{at.isoformat()}"
    _to_each(session, "objection_settled", decision, people, key, by=by, at=at)


def _to_each(
    session: Session,
    template: str,
    decision: Decision,
    people: Iterable[UUID],
    key: str,
    *,
    by: Actor,
    at: datetime,
    **more: Any,
) -> None:
    def facts(_: Language) -> Mapping[str, object]:
        return {"number": decision.number, "path": f"/decisions/{decision.id}", **more}

    for person_id in sorted(people):
        if person_id != by.person_id:
            notices.write(session, template, to=person_id, key=key, facts=facts, at=at)
