"""How the tests go about an agenda: a weekly season of the Clinical Committee, and the records that its rules read.

What a meeting itself does (opening, treating items, closing) is written into the rows here: `meetings.running` has its
own tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import Session

from domain.kernel.actors import Actor
from domain.roles.roles import responsibility
from meetings import agendas, schedule
from meetings.agenda_items import items_of
from meetings.committees import committee_of
from models.agenda import AgendaItem, AgendaVersion, ItemReason
from models.base import table_of
from models.casework import Link, Task
from models.meeting import Meeting
from models.minutes import Decision, Minutes, QuorumStanding
from models.record import Event
from tests.cast import AT, Cast
from tests.meetings.sitting import seat_everyone

_item = table_of(AgendaItem)
_version = table_of(AgendaVersion)
_meeting = table_of(Meeting)
_minutes = table_of(Minutes)
_decision = table_of(Decision)
_event = table_of(Event)

FIRST = date(2026, 12, 2)  # a Wednesday
SECOND = FIRST + timedelta(days=7)
THIRD = FIRST + timedelta(days=14)
FOURTH = FIRST + timedelta(days=21)

#: A layer above that asks for items brings its own words; the tests use two of the program's own.
TRIAGED = ItemReason("triaged", "Décision attendue: %(day)s", {"day": "2026-11-20"})
SEEN_AGAIN = ItemReason("seen_again", "Vu de nouveau: %(day)s", {"day": "2026-11-22"})


@pytest.fixture
def session(cast: Cast) -> Iterator[Session]:
    """A session in which everyone sits, with five weekly meetings of the Clinical Committee."""
    with cast.session() as made:
        seat_everyone(made, cast)
        schedule.plan_season(
            made,
            "clinical",
            first=FIRST,
            last=FIRST + timedelta(days=28),
            hour=time(9, 30),
            by=cast.actor("coordinator"),
            at=AT,
        )
        yield made


def meeting(session: Session, day: date) -> UUID:
    """The meeting of that local day."""
    found: UUID = session.scalars(
        select(_meeting.c.id).where(
            _meeting.c.program_id == session.info["program_id"],
            _meeting.c.starts >= datetime.combine(day, time.min),
            _meeting.c.starts < datetime.combine(day + timedelta(days=1), time.min),
        )
    ).one()
    return found


def admission(
    session: Session, cast: Cast, subject: str = "#2026-07", reason: ItemReason = TRIAGED, **more: Any
) -> UUID:
    """Ask for an admission at the Clinical Committee, as a layer above does, under a rule that says `more` of it."""
    said = {name: more.pop(name) for name in ("minutes", "audience") if name in more}
    facts = {"title_fr": f"Admission {subject}", "title_en": f"Admission {subject}", **more}
    made = agendas.ask(
        session, "clinical", "admission", subject, reasons=[reason], by=cast.actor("coordinator"), at=AT, **facts
    )
    if said:
        session.execute(update(_item).where(_item.c.id == made).values(**said))
    return made


def move(session: Session, item_id: UUID, before: UUID | None, *, by: Actor, at: datetime) -> None:
    """Put an item before another of its agenda, or last."""
    here = item(session, item_id)["meeting_id"]
    others = [row.id for row in items_of(session, here) if row.id != item_id] if here else []
    agendas.move_to(session, item_id, 1 + (others.index(before) if before else len(others)), by=by, at=at)


def item(session: Session, item_id: UUID) -> dict[str, Any]:
    """An item as it stands now."""
    row = session.execute(select(_item).where(_item.c.id == item_id)).mappings().one()
    return dict(row)


def everything(session: Session) -> list[dict[str, Any]]:
    """Every item of the program, whole, by its id."""
    rows = session.execute(
        select(_item).where(_item.c.program_id == session.info["program_id"]).order_by(_item.c.id)
    ).mappings()
    return [dict(row) for row in rows]


def versions(session: Session, meeting_id: UUID) -> list[dict[str, Any]]:
    """The agendas of a meeting as they were written down."""
    rows = session.execute(select(_version).where(_version.c.meeting_id == meeting_id).order_by(_version.c.n))
    return [dict(row) for row in rows.mappings()]


def titles(session: Session, meeting_id: UUID, kind: str | None = None) -> list[str]:
    """The English titles on an agenda, in its order."""
    return [row.title_en for row in items_of(session, meeting_id) if kind in (None, row.kind)]


def hold(session: Session, meeting_id: UUID, *, carried: tuple[UUID, ...] = ()) -> None:
    """Have a meeting treat everything on its agenda but what it carried, and be closed."""
    start = session.scalar(select(_meeting.c.starts_at).where(_meeting.c.id == meeting_id))
    assert start is not None
    session.execute(
        update(_item)
        .where(_item.c.meeting_id == meeting_id, _item.c.state == "scheduled")
        .values(state="settled", outcome="treated", settled_at=start, settled_as="coordinator")
    )
    session.execute(update(_item).where(_item.c.id.in_(carried)).values(outcome="carried"))
    session.execute(
        update(_meeting)
        .where(_meeting.c.id == meeting_id)
        .values(state="held", opened_at=start, closed_at=start + timedelta(hours=2))
    )


def circulate_minutes(session: Session, cast: Cast, meeting_id: UUID) -> None:
    """Have the minutes of a held meeting sent to the members."""
    session.execute(
        insert(_minutes).values(
            program_id=cast.program_id,
            id=uuid4(),
            meeting_id=meeting_id,
            state="circulated",
            circulations=1,
            digest="",
            circulated_at=AT,
            version=1,
        )
    )


def decided(
    session: Session,
    cast: Cast,
    meeting_id: UUID,
    number: str,
    *,
    due_on: date | None = None,
    text_fr: str = "Écrire au partenaire",
    text_en: str = "Write to the partner",
    state: str = "open",
) -> UUID:
    """A decision of the Clinical Committee; with a last day, the coordinator owes a task by it."""
    decision_id, task_id = uuid4(), None
    if due_on is not None:
        task_id = uuid4()
        owed_by = responsibility(session, [Link("coordinator")])
        session.add(
            Task(
                program_id=cast.program_id,
                id=task_id,
                step="decision",
                title_fr=number,
                title_en=number,
                owed_by_id=owed_by,
                state="open",
                opened_at=AT,
                due_on=due_on,
            )
        )
        session.flush()
    session.execute(
        insert(_decision).values(
            program_id=cast.program_id,
            id=decision_id,
            committee_id=committee_of(session, "clinical").id,
            meeting_id=meeting_id,
            number=number,
            kind="other",
            text_fr=text_fr,
            text_en=text_en,
            has_quorum=True,
            quorum=QuorumStanding(True, True, 5, 5, 5, 5),
            owner_role="coordinator" if task_id else "",
            due_on=due_on,
            task_id=task_id,
            needs_endorsement=False,
            why_not_management="",
            endorsement="not_asked",
            counts_since=datetime(2026, 12, 2, 15, 0, tzinfo=UTC),
            wanted_why="",
            state=state,
            decided_at=datetime(2026, 12, 2, 15, 0, tzinfo=UTC),
            version=1,
        )
    )
    return decision_id


def told(session: Session, subject_id: UUID) -> list[str]:
    """The verbs of the record about something, in their order."""
    return list(session.scalars(select(_event.c.verb).where(_event.c.subject_id == subject_id).order_by(_event.c.n)))
