"""Completing a task in this process, against psycopg alone: CPU an operation, rate, and statements."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from bench.bare import Bare
from bench.figures import Cost, Ratio, costing, median, mixed, ms, table, timing
from bench.ground import Ground, now
from domain.casework import complete_task

STEPS = 25


def measure(ground: Ground, *, rounds: int, cases: int) -> Iterator[Ratio]:
    """Complete all of `cases` cases a round, ours and bare in turn, and hold the one against the other."""
    at = now()
    ours, bare = Ours(ground), Bare(ground)
    try:
        _warm_up(ground, ours.complete, bare.complete, at)
        ours_statements, bare_statements = _check_same(ground, ours, bare, at)
        pairs: list[tuple[Cost, Cost]] = []
        measured: dict[str, Cost] = {}
        for name in mixed(["ours", "bare"], rounds):
            complete = ours.complete if name == "ours" else bare.complete
            measured[name] = run_cases(ground, complete, ground.copies(STEPS, cases, at=at), at)
            if len(measured) == 2:
                pairs.append((measured.pop("ours"), measured.pop("bare")))
    finally:
        bare.close()
    rows = {
        name: (
            ms(median(pair[place].cpu for pair in pairs)),
            ms(median(pair[place].cpu_of_all for pair in pairs)),
            f"{statements:.1f}",
            f"{median(pair[place].rate for pair in pairs):.0f}/s",
            ms(median(pair[place].at(50) for pair in pairs)),
            ms(median(pair[place].at(99) for pair in pairs)),
        )
        for place, (name, statements) in enumerate((("complete_task", ours_statements), ("psycopg", bare_statements)))
    }
    title = f"1. Completing a task of a {STEPS}-step case, committed to disk ({rounds} rounds of {cases * STEPS})"
    print(table(title, ("CPU here", "with server's", "statements", "rate", "p50", "p99"), rows))
    yield Ratio("complete.cpu", median(a.cpu / b.cpu for a, b in pairs), at_most=3)
    yield Ratio("complete.cpu_with_server", median(a.cpu_of_all / b.cpu_of_all for a, b in pairs), at_most=3)
    yield Ratio("complete.rate", median(a.rate / b.rate for a, b in pairs), at_least=0.5)
    yield Ratio("complete.statements", ours_statements / bare_statements, at_most=1.5)


class Ours:
    """Completing a task as the windows do it: a session, the verb, a commit."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def complete(self, task_id: UUID, at: datetime) -> int:
        """Complete a task and commit; how many tasks that opened."""
        with self._ground.session() as session:
            moved = complete_task(session, task_id, by=self._ground.coordinator, at=at)
            session.commit()
        return len(moved.opened)


Complete = Callable[[UUID, datetime], int]


def run_cases(ground: Ground, complete: Complete, cases: list[UUID], at: datetime, *, most: int | None = None) -> Cost:
    """The cost of completing the tasks of these cases, the first `most` of each."""
    tasks = [task for case in cases for task in ground.tasks_of(case)[:most]]
    with costing(ground.servers) as cost:
        for task in tasks:
            with timing(cost):
                complete(task, at)
    return cost


def _warm_up(ground: Ground, ours: Complete, bare: Complete, at: datetime) -> None:
    """Statements are compiled and prepared, on our side and the server's, before anything counts."""
    for complete in (ours, bare):
        run_cases(ground, complete, ground.copies(STEPS, 1, at=at), at)


def _check_same(ground: Ground, ours: Ours, bare: Bare, at: datetime) -> tuple[float, float]:
    """Both leave the same rows behind, or the comparison means nothing. The statements an operation, of each."""
    by_ours, by_bare = ground.copies(STEPS, 2, at=at)
    with contextlib.ExitStack():
        before = ground.statements
        for task in (tasks := ground.tasks_of(by_ours)):
            ours.complete(task, at)
        # tasks_of itself is one statement more, besides saying the program.
        ours_statements = (ground.statements - before - 2) / len(tasks)
        before = bare.statements
        for task in ground.tasks_of(by_bare):
            bare.complete(task, at)
        bare_statements = (bare.statements - before) / len(tasks)
    left = [_left_behind(ground, case) for case in (by_ours, by_bare)]
    assert left[0] == left[1], f"the two do not do the same work: {left}"
    return ours_statements, bare_statements


def _left_behind(ground: Ground, case_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """What was written for a case, without ids: its tasks, its record, its state and its wake-up."""
    asked = {
        "tasks": """select step, state, done_at, done_by, done_as, done_for, note, opened_at, rung, next_check,
                    act_state, version from task where case_id = %s order by step""",
        "events": """select verb, subject_kind, at, actor_id, actor_as, actor_for, facts::text
                    from event where case_id = %s order by 1, 7""",
        "case": """select state, ended_at, ended_by, ended_reason, version from "case" where id = %s""",
        "wake_up": "select want, have, wanted_at, not_before, leased_by from wake_up where case_id = %s",
    }
    with ground.as_admin() as admin:
        return {name: admin.execute(query.encode(), (case_id,)).fetchall() for name, query in asked.items()}
