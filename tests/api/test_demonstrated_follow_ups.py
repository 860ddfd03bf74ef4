"""The demonstration's follow-ups: on whatever day it is loaded, one is being lost, one on a break, one has nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from adapters.database import program_session
from api.cli.demonstration import load_demonstration
from duties.follow_ups import assigning, breaks, load, lost, owed
from duties.here import local_day
from models.base import table_of
from models.casework import Task
from models.follow_up import FollowUp, WeeklyNote
from tests.cast import KEYS, stationery
from tests.conftest import Database

_follow_up = table_of(FollowUp)
_note = table_of(WeeklyNote)
_task = table_of(Task)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 25, 14, 0, tzinfo=UTC),
        datetime(2027, 1, 4, 14, 0, tzinfo=UTC),  # after two weeks of holidays
        datetime(2027, 3, 17, 3, 30, tzinfo=UTC),  # after midnight in UTC, a Tuesday evening here
    ],
)
def test_every_state_and_every_trouble_is_there_to_be_seen(database: Database, at: datetime) -> None:
    program_id = load_demonstration(database.engine, stationery(), at=at, keys=KEYS)
    with program_session(database.engine, program_id) as session:
        day = local_day(session, at)
        states = {row.id: row.state for row in session.execute(select(_follow_up.c.id, _follow_up.c.state))}
        assert sorted(states.values()) == ["active"] * 5 + ["inactive", "on_break"]
        found = lost.losing(session, day)
        assert {one.number[-2:] for one in found if one.is_lost} >= {"03"}
        assert breaks.due_to_return(session, day) == []
        vacant = session.scalars(
            select(_task.c.state).where(_task.c.step == assigning.FIND_A_WORKER, _task.c.program_id == program_id)
        )
        assert list(vacant) in ([], ["open"])  # the round of the day asks where the demonstration's own days did not
        written = session.execute(select(_note.c.has_words, _note.c.is_complete)).all()
        assert len(written) > 25
        assert all(row.is_complete for row in written)
        assert any(row.has_words for row in written)
        assert owed.missing(session, day)
        assert any(one.primary for one in load.loads(session, day))
