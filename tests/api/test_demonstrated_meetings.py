"""The demonstration's meetings: on whatever day it is loaded, a season is under way and people have answered."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from adapters.database import program_session
from api.cli.demonstration import load_demonstration
from meetings import decisions
from meetings.committees import committees
from models.agenda import AgendaItem
from models.base import table_of
from models.invitation import MeetingAnswer
from models.meeting import Meeting
from models.minutes import Minutes
from tests.cast import stationery
from tests.conftest import Database

_meeting = table_of(Meeting)
_answer = table_of(MeetingAnswer)
_item = table_of(AgendaItem)
_minutes = table_of(Minutes)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
        datetime(2026, 12, 25, 14, 0, tzinfo=UTC),  # a holiday, with others around it
        datetime(2027, 3, 17, 3, 30, tzinfo=UTC),  # after midnight in UTC, a Tuesday evening here
    ],
)
def test_a_season_is_under_way_with_a_moved_and_a_cancelled_date_and_people_have_answered(
    database: Database, at: datetime
) -> None:
    program_id = load_demonstration(database.engine, stationery(), at=at)
    with program_session(database.engine, program_id) as session:
        named = {row["key"]: one for one, row in committees(session).items()}
        rows = session.execute(
            select(_meeting).where(_meeting.c.program_id == program_id).order_by(_meeting.c.starts)
        ).all()
        clinical = [row for row in rows if row.committee_id == named["clinical"]]
        steering = [row for row in rows if row.committee_id == named["steering"]]
        assert min(row.starts_at for row in clinical) < at < max(row.starts_at for row in clinical)
        moved = [row for row in clinical if row.starts != row.original]
        assert [row.reason for row in moved] == ["Salle prise ce jour-là"]
        assert any(row.state == "cancelled" and row.cancelled_at < at and row.starts_at > at for row in clinical)
        assert 2 <= len(steering) <= 4
        said = session.execute(
            select(_answer.c.answer, func.count()).where(_answer.c.program_id == program_id).group_by(_answer.c.answer)
        ).all()
        assert {one for one, _count in said} == {"accepted", "tentative", "declined"}
        assert session.scalar(
            select(func.count())
            .select_from(_item)
            .where(_item.c.program_id == program_id, _item.c.meeting_id.is_not(None))
        )
        held = [row for row in clinical if row.starts_at < at and row.state != "cancelled"]
        assert {row.state for row in held if row.starts.date() < _local(at).date()} == {"held"}
        kept = session.execute(
            select(_minutes.c.state)
            .join(_meeting, _meeting.c.id == _minutes.c.meeting_id)
            .where(_minutes.c.program_id == program_id)
            .order_by(_meeting.c.starts)
        ).scalars()
        *before, last = kept
        assert set(before) == {"approved"}
        assert last == "circulated"
        register = decisions.register(session, named["clinical"], held[0].starts.year)
        assert {"done", "standing"} <= {row["state"] for row in register}
        assert all(row["has_quorum"] for row in register)


def _local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo("America/Toronto"))
