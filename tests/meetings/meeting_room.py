"""How the tests go about a meeting: one of the Steering Committee that is open, with an agenda of three items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from meetings import agenda_requests, agendas, attendance, freezing, running, schedule
from meetings.agenda_items import PresentedItem, items_of
from models.base import table_of
from models.meeting import Meeting
from models.record import Event
from tests.cast import AT, Arranged, Cast
from tests.meetings.sitting import seat, seat_everyone

_meeting = table_of(Meeting)
_event = table_of(Event)

LOCAL: Final = datetime(2027, 1, 20, 13, 0)
#: Five minutes into it, in Montréal.
NOW: Final = datetime(2027, 1, 20, 18, 5, tzinfo=UTC)
NEXT_LOCAL: Final = datetime(2027, 4, 14, 13, 0)
NEXT: Final = datetime(2027, 4, 14, 17, 5, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

#: The five whose presence makes the quorum of the Steering Committee: four seats of four organizations, and one more.
PRESENT: Final = ("ccsmtl", "codim", "spvm", "en-marge", "anonyme")


@pytest.fixture
def session(cast: Cast, arranged: Arranged[None]) -> Iterator[Session]:
    """A session in which everyone sits, with two meetings of the Steering Committee, the first one with three items."""
    arranged(cast, planned)
    with cast.session() as made:
        yield made


def planned(cast: Cast) -> None:
    """What `arrange` does, in a session of its own."""
    with cast.session() as session:
        arrange(session, cast)


def arrange(session: Session, cast: Cast) -> None:
    """Seat everyone, plan two meetings, and put three items that people asked for on the first, frozen."""
    by = cast.actor("coordinator")
    seat_everyone(session, cast)
    schedule.plan_meetings(session, "steering", [LOCAL, NEXT_LOCAL], by=by, at=AT)
    for title in ("Budget", "Formation", "Local"):
        item = agenda_requests.request(session, "steering", title_fr=title, title_en=f"{title} (en)", by=by, at=AT)
        agendas.put_on(session, item, meeting(session), by=by, at=AT)
    freezing.freeze(session, meeting(session), by=by, at=AT)


def meeting(session: Session, local: datetime = LOCAL) -> UUID:
    """The meeting at that local time."""
    found: UUID = session.scalars(
        select(_meeting.c.id).where(_meeting.c.program_id == session.info["program_id"], _meeting.c.starts == local)
    ).one()
    return found


def opened(session: Session, cast: Cast, *keys: str, local: datetime = LOCAL, at: datetime = NOW) -> UUID:
    """The meeting, opened, with the principals of these seats at the table."""
    here = meeting(session, local)
    running.open_meeting(session, here, by=cast.actor("coordinator"), at=at)
    for key in keys:
        sit(session, cast, key, at=at, local=local)
    return here


def sit(session: Session, cast: Cast, key: str, state: str = "present", **more: Any) -> int:
    """Record how a seat of the Steering Committee is filled at the meeting, once its hours have passed."""
    here = meeting(session, more.pop("local", LOCAL))
    hours = [more[name] for name in ("arrived_at", "left_at") if name in more]
    at = more.pop("at", max([NOW, *hours]))
    who = seat(session, "steering", key)
    return attendance.record(session, here, who, state, by=cast.actor("coordinator"), at=at, **more)


def items(session: Session, local: datetime = LOCAL) -> list[PresentedItem]:
    """What is on the meeting's agenda."""
    return items_of(session, meeting(session, local))


def events_of(session: Session, subject_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    """What the record says of a subject, the first first: verb and facts."""
    rows = session.execute(
        select(_event.c.verb, _event.c.facts)
        .where(_event.c.program_id == session.info["program_id"], _event.c.subject_id == subject_id)
        .order_by(_event.c.n)
    )
    return [(row.verb, row.facts) for row in rows]
