"""A duty outside any case is owed, reminds, is done and taken back as a step is, and is called off for good."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from domain.casework.assigning import assign, call_off
from domain.casework.tasks import complete_task, undo_task
from domain.kernel.refusals import Refusal
from domain.mail.notices import COORDINATION
from models.base import table_of
from models.casework import Task
from tests.cast import AT, TODAY, Cast

_task = table_of(Task)

DUE = date(2026, 12, 14)


def _assigned(session: Session, cast: Cast, due: date = DUE) -> UUID:
    return assign(
        session,
        "decision",
        "CD-2026-001",
        title_fr="Décision CD-2026-001",
        title_en="Decision CD-2026-001",
        chain=COORDINATION,
        due_on=due,
        by=cast.actor("coordinator"),
        at=AT,
    )


def _row(session: Session, task_id: UUID) -> dict[str, Any]:
    found = session.execute(
        select(_task).where(_task.c.program_id == session.info["program_id"], _task.c.id == task_id)
    )
    return dict(found.mappings().one())


def test_it_is_open_at_once_and_reminds_around_its_due_day(cast: Cast) -> None:
    with cast.session() as session:
        row = _row(session, _assigned(session, cast))
        assert (row["case_id"], row["state"], row["due_on"]) == (None, "open", DUE)
        assert row["ladder"] == [date(2026, 12, 10), date(2026, 12, 14), date(2026, 12, 17), date(2026, 12, 23)]
        assert row["next_check"] == date(2026, 12, 10)


def test_one_that_is_due_today_reminds_from_the_next_working_day(cast: Cast) -> None:
    with cast.session() as session:
        row = _row(session, _assigned(session, cast, TODAY))
        assert min(row["ladder"]) == TODAY + timedelta(days=1)


def test_it_is_done_and_taken_back_as_a_step_is(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        task = _assigned(session, cast)
        complete_task(session, task, by=by, at=AT)
        assert (_row(session, task)["state"], _row(session, task)["next_check"]) == ("done", None)
        with pytest.raises(Refusal) as refused:
            call_off(session, task, by=by, at=AT)
        assert refused.value.code == "task.over"
        undo_task(session, task, by=by, at=AT)
        assert (_row(session, task)["state"], _row(session, task)["next_check"]) == ("open", date(2026, 12, 10))


def test_what_was_called_off_is_asked_of_nobody_and_reminds_nobody(cast: Cast) -> None:
    by = cast.actor("coordinator")
    with cast.session() as session:
        task = _assigned(session, cast)
        call_off(session, task, by=by, at=AT)
        assert (_row(session, task)["state"], _row(session, task)["next_check"]) == ("cancelled", None)
        with pytest.raises(Refusal):
            complete_task(session, task, by=by, at=AT)
        with pytest.raises(Refusal):
            call_off(session, task, by=by, at=AT)
