"""A sitting of the Steering Committee in which two partners, CODIM and En Marge, have their agreement in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.endorsement.counting import does_it_count, refuse_unless_it_counts
from domain.kernel.actors import Actor
from meetings import asked_partners, deciding, endorsing
from models.base import table_of
from models.casework import Responsibility, Task
from models.minutes import Decision
from models.obligation import Waiver
from models.outbox import Notice
from simulation.promises import Broken, broken, promises
from simulation.promises import endorsed as promised
from tests.agreeing import agreement_of, in_force
from tests.cast import Arranged, Cast
from tests.meetings.meeting_room import MINUTE, NOW, PRESENT, arrange, meeting, opened

_decision = table_of(Decision)
_task = table_of(Task)
_chain = table_of(Responsibility)
_notice = table_of(Notice)

ASKED: Final = ("codim", "en-marge")
SPEAKER: Final = {"codim": "manager_codim", "en-marge": "manager_em"}
DUE: Final = date(2027, 3, 1)


def sitting_of_two_partners(cast: Cast) -> None:
    """The committee sits with its quorum, and both partners have their agreement."""
    with cast.session() as session:
        arrange(session, cast)
        for place in ASKED:
            in_force(session, cast, place)
        opened(session, cast, *PRESENT)


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which the committee sits with its quorum."""
    arranged(cast, sitting_of_two_partners)
    with cast.session() as made:
        yield made


def decide(session: Session, cast: Cast, **more: Any) -> UUID:
    """A decision of the sitting on management."""
    facts = {"text_fr": "Louer le local.", "text_en": "Rent the room.", "kind": "management", "at": NOW}
    here = more.pop("meeting", None) or meeting(session)
    return deciding.decide(session, here, more.pop("item", None), by=cast.actor("coordinator"), **{**facts, **more})


def say(
    session: Session, cast: Cast, decision: UUID, place: str, said: str, *, at: datetime = NOW + MINUTE, **more: Any
) -> None:
    """What a partner says of it, by its manager where nobody else is named."""
    by: Actor = more.pop("by", None) or cast.actor(SPEAKER[place])
    where = cast.organizations[place]
    if said:
        reason = more.pop("reason", "Trop cher." if said == "objected" else "")
        endorsing.endorse(session, decision, where, said, reason=reason, by=by, at=at, **more)
    else:
        endorsing.take_back(session, decision, where, by=by, at=at, **more)


def all_endorse(session: Session, cast: Cast, decision: UUID, *, at: datetime = NOW + MINUTE) -> None:
    """Both partners endorse it."""
    for place in ASKED:
        say(session, cast, decision, place, "endorsed", at=at)


def stands(session: Session, decision: UUID) -> tuple[str, bool]:
    """What the partners made of it, and whether it counts."""
    state: str = session.scalars(select(_decision.c.endorsement).where(_decision.c.id == decision)).one()
    return state, does_it_count(session, decision)


def task_of(session: Session, task_id: UUID) -> dict[str, Any]:
    """A task's row."""
    return dict(session.execute(select(_task).where(_task.c.id == task_id)).mappings().one())


def asked_of(session: Session, decision: UUID) -> dict[str, dict[str, Any]]:
    """The open tasks that ask partners about it, by the organization on which each falls first."""
    rows = session.execute(
        select(_task, _chain.c.links)
        .join(_chain, (_chain.c.program_id == _task.c.program_id) & (_chain.c.id == _task.c.declared_owed_by_id))
        .where(_task.c.step == asked_partners.ENDORSE, _task.c.item == str(decision), _task.c.state == "open")
    ).mappings()
    return {row["links"][0].at: dict(row) for row in rows}


def told(session: Session, cast: Cast, template: str) -> set[str]:
    """Whom a letter went to, by their short name."""
    name = {person: key for key, person in cast.people.items()}
    rows = session.scalars(select(_notice.c.person_id).where(_notice.c.template == template))
    return {name[person] for person in rows}


def numbers(found: Iterable[Decision]) -> list[str]:
    """The numbers of decisions."""
    return [row.number for row in found]


Act = Callable[[], object]


def rest_waiver(session: Session, cast: Cast, decision: UUID, first: date, last: date) -> None:
    """Rest on a decision a waiver as one was recorded before waivers were proposed: Codim is freed of AG-P2."""
    refuse_unless_it_counts(session, decision)
    session.add(
        Waiver(
            program_id=cast.program_id,
            agreement_id=agreement_of(session, cast, "codim"),
            key="AG-P2",
            starts_on=first,
            ends_on=last,
            decision_id=decision,
            from_before=True,
            reason="Aucune occasion.",
            recorded_at=NOW,
        )
    )
    session.flush()


def promises_broken(session: Session, at: datetime) -> list[Broken]:
    """What is promised of endorsement and does not hold, whatever else a test wrote by hand."""
    mine = {one.sentence for one in promises() if one.look.__module__ == promised.__name__}
    return [one for one in broken(session, at) if one.sentence in mine]
