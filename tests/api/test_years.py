"""What a list costs does not grow with the years: as many statements, rows and bytes with ten times the past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event

from bench.past import add
from bench.reading import lists_of
from domain.casework import ASKED_OF_ENGINE, ASKED_OF_POST, board
from tests.api.application import client_for
from tests.cast import AT, TODAY
from tests.conftest import Copies
from tests.databases import bare
from tests.matrix.world import World

ASKERS: Final = ("coordinator", "worker_codim", "manager_codim", "privacy_officer")
#: As many copies of all that was, and over which weeks: a year's, then ten times as much in ten years.
ONE_YEAR: Final = (range(1, 27), range(52))
NINE_MORE: Final = (range(27, 261), range(52, 520))


class Cost(NamedTuple):
    """What a page asks of the database, and how long it is."""

    statements: int
    rows: int
    size: int

    def grows_to(self, after: Cost) -> bool:
        """Whether it costs more after, by more than other words in the same lines do."""
        more = after.statements > self.statements or after.rows > self.rows * 1.1 + 12
        return more or after.size > self.size * 1.1 + 400


class Aged(NamedTuple):
    """A program after ten years, and what each list cost each asker after one."""

    world: World
    after_one: Mapping[tuple[str, str], Cost]


@pytest.fixture(scope="module")
def aged(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[Aged]:
    """A program that grew for ten years, with as much in hand as in the first."""
    name, built = the_world_template
    with copies.of(name) as database:
        world = built.on(database)
        with psycopg.connect(bare(database.admin_url), autocommit=True) as admin:
            add(admin, world.cast.program_id, *ONE_YEAR, AT)
            admin.execute("analyze")
            after_one = dict(costs_of(world))
            add(admin, world.cast.program_id, *NINE_MORE, AT)
            admin.execute("analyze")
        yield Aged(world, after_one)


def costs_of(world: World) -> Iterator[tuple[tuple[str, str], Cost]]:
    """What each list costs each asker whose it is."""
    for who in ASKERS:
        client = reader(world, who)
        assert isinstance(client.app, FastAPI)
        for path in lists_of(client.app):
            cost = cost_of(world, client, path)
            if cost is not None:
                yield (who, path), cost


def reader(world: World, who: str) -> TestClient:
    return client_for(world.cast.database, world.people[who], at=AT)


def cost_of(world: World, client: TestClient, path: str) -> Cost | None:
    """What a page costs once the process knows what it keeps; None of one that is not theirs."""
    if client.get(path).status_code != 200:
        return None
    with counting(world) as seen:
        answer = client.get(path)
    return Cost(len(seen), sum(seen), len(answer.content))


@contextmanager
def counting(world: World) -> Iterator[list[int]]:
    """How many rows each statement gives that is asked inside."""
    seen: list[int] = []

    def note(_: Any, cursor: Any, *__: Any) -> None:
        seen.append(max(cursor.rowcount, 0))

    engine = world.cast.database.engine
    event.listen(engine, "after_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "after_cursor_execute", note)


@pytest.mark.nightly
def test_ten_times_the_past_costs_no_list_a_statement_nor_more_rows_nor_bytes(aged: Aged) -> None:
    assert len({path for _, path in aged.after_one}) > 50
    after_ten = dict(costs_of(aged.world))
    assert after_ten.keys() == aged.after_one.keys()
    grown = [one for one, before in aged.after_one.items() if before.grows_to(after_ten[one])]
    # A connection that lay idle is tried first, by a statement more: so what costs more is asked again.
    again = {(who, path): cost_of(aged.world, reader(aged.world, who), path) for who, path in grown}
    assert {
        one: (aged.after_one[one], cost)
        for one, cost in again.items()
        if cost is None or aged.after_one[one].grows_to(cost)
    } == {}


@pytest.mark.nightly
def test_what_is_late_stuck_or_waits_is_counted_by_an_index_of_that_alone(aged: Aged) -> None:
    plans = {
        "ix_task_stuck": ASKED_OF_ENGINE[2],
        "ix_notice_due": ASKED_OF_POST[0],
        "ix_task_live": board.asked_of_late(TODAY, aged.world.people["coordinator"], 100),
    }
    with aged.world.cast.session() as session:
        for index, (statement, values) in plans.items():
            asked = statement.params(**values).compile(session.get_bind(), compile_kwargs={"literal_binds": True})
            plan = session.connection().exec_driver_sql(f"explain {asked}", ()).scalars()
            assert index in "\n".join(plan)
