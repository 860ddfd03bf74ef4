"""The limit: completing a task by psycopg alone, in the same transaction of the same role, writing the same rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from bench.ground import Ground
from domain.casework import WAKE_CHANNEL
from domain.kernel import Actor


class Bare:
    """One connection that completes tasks with as few statements as the work needs, and counts them."""

    def __init__(self, ground: Ground) -> None:
        self._connection = ground.as_application()
        self._program = ground.program_id
        self._by: Actor = ground.coordinator
        self.statements = 0

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def complete(self, task_id: UUID, at: datetime) -> int:
        """Complete a task and commit; how many tasks that opened."""
        with self._connection.transaction():
            self._run("select set_config('spheres.program_id', %s, true)", str(self._program))
            case = self._run(_LOCK_CASE, self._program, self._program, task_id).fetchone()
            task = self._run(_LOCK_TASK, self._program, task_id).fetchone()
            assert case is not None, "the case is there"
            assert task is not None, "the task is there"
            case_id, case_state = case
            step, item, state = task
            assert (case_state, state) == ("open", "open"), "only what is open is done"
            self._run(_DO, at, self._by.person_id, self._by.role, self._program, task_id)
            facts = {"step": step, "item": item, "has_note": False}
            self._run(_TELL, *self._event(at, "task.done", task_id, case_id, facts))
            opened = self._run(_OPEN, at, self._program, self._program, self._program, task_id).fetchall()
            for other, its_step, its_item in opened:
                facts = {"step": its_step, "item": its_item}
                self._run(_TELL, *self._event(at, "task.opened", other, case_id, facts))
            if not opened and self._run(_UNSETTLED, self._program, case_id).fetchone() is None:
                self._run(_CLOSE, at, self._by.person_id, self._program, case_id)
                self._run(_TELL, *self._event(at, "case.closed", case_id, case_id, {}, kind="case"))
            self._run(_WAKE, self._program, case_id, at, at)
        return len(opened)

    def _event(
        self, at: datetime, verb: str, subject: UUID, case_id: UUID, facts: dict[str, Any], kind: str = "task"
    ) -> tuple[Any, ...]:
        by = self._by
        return (self._program, uuid4(), at, by.person_id, by.role, verb, kind, subject, case_id, Jsonb(facts))

    def _run(self, statement: LiteralString, *values: Any) -> psycopg.Cursor[Any]:
        self.statements += 1
        return self._connection.execute(statement, values)


_LOCK_CASE = """
select id, state from "case"
where program_id = %s and id = (select case_id from task where program_id = %s and id = %s) for update
"""
_LOCK_TASK = "select step, item, state from task where program_id = %s and id = %s for update"
_DO = """
update task set state = 'done', done_at = %s, done_by = %s, done_as = %s, next_check = null, rung = 0,
version = version + 1
where program_id = %s and id = %s
"""
_TELL = """
insert into event (program_id, id, at, actor_id, actor_as, verb, subject_kind, subject_id, case_id, facts)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_OPEN = """
update task set state = 'open', opened_at = %s, rung = 0, next_check = (ladder->>0)::date, version = version + 1
where program_id = %s and state = 'planned' and not exists (
    select from task_need need
    join task needed on needed.program_id = need.program_id and needed.id = need.needs_id
    where need.program_id = %s and need.task_id = task.id and needed.state not in ('done', 'waived'))
and id in (select task_id from task_need where program_id = %s and needs_id = %s)
returning id, step, item
"""
_UNSETTLED = """
select id from task
where program_id = %s and case_id = %s and required and state in ('planned', 'open', 'submitted') limit 1
"""
_CLOSE = """
update "case" set state = 'closed', ended_at = %s, ended_by = %s, ended_reason = '', version = version + 1
where program_id = %s and id = %s
"""
_WAKE = f"""
with woken as (
    insert into wake_up (program_id, case_id, want, have, wanted_at, not_before, leased_by, attempts, trouble, shown)
    values (%s, %s, 1, 0, %s, %s, '', 0, '', '')
    on conflict (program_id, case_id) do update
    set want = wake_up.want + 1, not_before = excluded.not_before,
        wanted_at = case when wake_up.want > wake_up.have then wake_up.wanted_at else excluded.wanted_at end)
select pg_notify('{WAKE_CHANNEL}', '')
"""
