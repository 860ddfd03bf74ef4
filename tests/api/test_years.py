"""What a list costs does not grow with the years: as many statements, rows and bytes with ten times the past.

Nor does what the database looks at for it, row by row, by its own account: a count gives one row, and reads all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlmodel import Session, SQLModel

from bench.past import PAST, STAYS, add, open_copies
from bench.reading import lists_of
from domain.casework import ASKED_OF_ENGINE, ASKED_OF_POST, board
from models.base import table_of
from tests.api.application import client_for
from tests.cast import AT, TODAY
from tests.conftest import Copies
from tests.databases import bare
from tests.matrix.asked import routes_of
from tests.matrix.world import CODIM, World

#: Who asks for every list; and the others of the world, for the lists that none of these may see.
ASKERS: Final = ("coordinator", "worker_codim", "manager_codim", "privacy_officer")
#: As many copies of all that was, and over which weeks: a year's, then ten times as much in ten years.
ONE_YEAR: Final = (range(1, 27), range(52))
NINE_MORE: Final = (range(27, 261), range(52, 520))
#: Pages of one thing whose past grows, of which each has to be among those that are measured.
OF_ONE_THING: Final = (
    *("/people/{person_id}", "/partners/{organization_id}", "/obligations/{period_id}", "/committees/{key}"),
    *("/protocols/{key}", "/participants/{participant_id}", "/follow-ups/{follow_up_id}", "/cases/{case_id}"),
    *("/meetings/{meeting_id}", "/equipment/{equipment_id}", "/people/{person_id}/access"),
)
#: Lists that answer nothing by themselves, and why.
UNREAD: Final[Mapping[str, str]] = {}
#: Pages that are found before a program is: of a door, an answer, a calendar.
ALONE: Final = ("/static", "/door", "/answer", "/calendar", "/refer/", "/api/v1/openapi.json")
#: By indexes where they serve: what a small table is read whole for says nothing of a large one.
AS_IF_LARGE: Final = ("enable_seqscan = off", "random_page_cost = 1.1")
#: Pages of things of which there are a few hundred after ten years, or that look at all on purpose, and why. Their
#: statements and bytes stay as they are; how many rows are looked at for them may grow.
LOOKS_FURTHER: Final[Mapping[str, str]] = {
    r".*(\.(pdf|docx)|/(pdf|docx)|/statements/2026|/words)": "what leaves is searched for each name that is known",
    r"(/api/v1)?/partners(/ID)?|(/api/v1)?/obligations/ID|/proofs/ID": "a partner's clauses, a period of each a year",
    r"(/api/v1)?/(decisions|endorsements)(/ID)?|(/api/v1)?/committees/clinical(/.*)?": "what a committee decides",
    r"(/api/v1)?/meetings/ID/.*": "the seats of the committee, also those of its time",
    r"(/api/v1)?/agreements/ID/.*|(/api/v1)?/signed-files/ID": "who signed, and what was stored of it",
    r"(/api/v1)?/(follow-ups|tasks|departures)/ID(/.*)?": "parts in follow-ups, of which a departure asks for words",
    r"/api/v1/privacy/unusual-readings": "what is read here, all within its 30 days",
    r"(/api/v1)?/participants/ID(/.*)?|(/api/v1)?/referrals": "all who may be the same person",
    r"/api/v1/cases/ID/events": "the lines of one case are counted",
}
#: What is read whole, on purpose, or is a page that is not full after a year yet, and why.
WHOLE: Final[Mapping[str, str]] = {
    r"/privacy/incidents/register\.(csv|xlsx)": "the register as a file",
    r"/(equipment|tasks)/ID": "the last fifty lines of its history",
    r"/api/v1/agreements/ID/versions/1": "each time that it was signed: its copies are signed as often",
    r"/proofs/ID": "the periods for which it counts: the copies of its finding name it, too",
}
#: So many rows more that the database looks at are no growth: other values, another plan.
FEW: Final = 150


class Cost(NamedTuple):
    """What a page asks of the database, how long it is, and how many rows the database looks at."""

    statements: int
    rows: int
    size: int
    looked_at: int

    def grows_to(self, after: Cost) -> bool:
        """Whether it costs more after, by more than other words in the same lines do."""
        return after.statements > self.statements or after.size > self.size * 1.1 + 400

    def looks_at_more(self, after: Cost) -> bool:
        """Whether more rows are given after, or looked at."""
        return after.rows > self.rows * 1.1 + 12 or after.looked_at > self.looked_at * 1.25 + FEW


#: A page by its asker and its address.
Costs = Mapping[tuple[str, str], Cost]


class Aged(NamedTuple):
    """A program after ten years, those who ask, signed in once, and what each list cost each of them after one."""

    world: World
    clients: Mapping[str, TestClient]
    after_one: Costs


@pytest.fixture(scope="module")
def aged(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[Aged]:
    """A program that grew for ten years, with as much in hand as in the first."""
    name, built = the_world_template
    with copies.of(name) as database:
        world = built.on(database)
        clients = {who: client_for(database, world.people[who], at=AT) for who in sorted(world.cast.members)}
        asked = list(readable(world, clients))
        with psycopg.connect(bare(database.admin_url), autocommit=True) as admin:
            grow(admin, world, *ONE_YEAR)
            after_one = costs_of(world, clients, asked)
            grow(admin, world, *NINE_MORE)
        yield Aged(world, clients, after_one)


def grow(admin: psycopg.Connection[Any], world: World, copies: range, weeks: range) -> None:
    """So many copies of the world's past, over these weeks, that can be opened as what they are copies of."""
    add(admin, world.cast.program_id, copies, weeks, AT)
    with world.cast.session() as session:
        open_copies(session, copies, AT)
    admin.execute("vacuum analyze")


def readable(world: World, clients: Mapping[str, TestClient]) -> Iterator[tuple[str, str]]:
    """Every list by those of `ASKERS` who may read it, or by another; and each page of one thing by one of all."""
    app = app_of(clients)
    lists, things = lists_of(app), set(things_of(world, app))
    left = {*lists, *things}
    for who in (*ASKERS, *(one for one in clients if one not in ASKERS)):
        for path in (*(lists if who in ASKERS else left & {*lists}), *(left & things)):
            if clients[who].get(path).status_code == 200:
                left.discard(path)
                yield who, path
    unread = left & {*lists} - UNREAD.keys()
    assert not unread, f"no one reads them, so nothing is known of what they cost: {sorted(unread)}"


def things_of(world: World, app: FastAPI) -> Iterator[str]:
    """The pages of one thing each, of one organization of the world, whose address names a thing."""
    for route in routes_of(app):
        if route.method == "GET" and "{" in route.path and route.places != ("–",) and not route.path.startswith(ALONE):
            yield route.address(world.things[CODIM])


def app_of(clients: Mapping[str, TestClient]) -> FastAPI:
    app = clients[ASKERS[0]].app
    assert isinstance(app, FastAPI)
    return app


def costs_of(world: World, clients: Mapping[str, TestClient], asked: Iterable[tuple[str, str]]) -> Costs:
    """What each page costs who asks for it."""
    return {(who, path): cost_of(world, clients[who], path) for who, path in asked}


def cost_of(world: World, client: TestClient, path: str) -> Cost:
    """What a page costs once the process knows what it keeps."""
    first = client.get(path)
    assert first.status_code == 200, (path, first.status_code, first.text[:300])
    with counting(world) as seen:
        answer = client.get(path)
    with world.cast.session() as session:
        looked_at = sum(looked_at_by(session, statement, values) for statement, values, _ in seen)
    return Cost(len(seen), sum(rows for _, _, rows in seen), len(answer.content), looked_at)


@contextmanager
def counting(world: World) -> Iterator[list[tuple[str, Any, int]]]:
    """Each statement that is asked inside, its values, and how many rows it gives."""
    seen: list[tuple[str, Any, int]] = []

    def note(_: Any, cursor: Any, statement: str, values: Any, *__: Any) -> None:
        seen.append((statement, values, max(cursor.rowcount, 0)))

    engine = world.cast.database.engine
    event.listen(engine, "after_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "after_cursor_execute", note)


def looked_at_by(session: Session, statement: str, values: Any) -> int:
    """How many rows, and entries of indexes, the database goes through for a statement that reads."""
    if not statement.lstrip().lower().startswith(("select", "with")):
        return 0
    for setting in AS_IF_LARGE:
        session.connection().exec_driver_sql(f"set local {setting}")
    ((explained,),) = session.connection().exec_driver_sql(
        f"explain (analyze, timing off, format json) {statement}", values
    )
    return round(sum(_of_node(node) for node in _nodes(explained[0]["Plan"])))


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _of_node(node: Mapping[str, Any]) -> float:
    """What a node reads of a table or of an index, also what it then leaves out; nothing where it reads neither."""
    if "Relation Name" not in node and "Index Name" not in node:
        return 0
    left_out = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    return float((node["Actual Rows"] + left_out) * node["Actual Loops"])


@pytest.mark.nightly
def test_ten_times_the_past_costs_no_list_a_statement_nor_more_rows_nor_bytes_nor_more_to_look_at(aged: Aged) -> None:
    measured = {path for _, path in aged.after_one}
    assert len(measured) > 50
    after_ten = costs_of(aged.world, aged.clients, aged.after_one)
    grown = [one for one in aged.after_one if _grows(aged, one, after_ten[one])]
    # A connection that lay idle is tried first, by a statement more: so what costs more is asked again.
    again = costs_of(aged.world, aged.clients, grown)
    assert {one: (aged.after_one[one], cost) for one, cost in again.items() if _grows(aged, one, cost)} == {}


def _grows(aged: Aged, page: tuple[str, str], after: Cost) -> bool:
    before = aged.after_one[page]
    kind = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", page[1].partition("?")[0])
    looks_further, whole = (any(re.fullmatch(one, kind) for one in some) for some in (LOOKS_FURTHER, WHOLE))
    return (not whole and before.grows_to(after)) or (not looks_further and not whole and before.looks_at_more(after))


@pytest.mark.nightly
def test_pages_of_one_thing_whose_past_grows_are_among_those_that_are_measured(aged: Aged) -> None:
    measured = {path for _, path in aged.after_one}
    addresses = {
        route.path: route.address(aged.world.things[CODIM])
        for route in routes_of(app_of(aged.clients))
        if route.method == "GET" and route.path in OF_ONE_THING
    }
    assert addresses.keys() == {*OF_ONE_THING}
    assert [path for path, address in addresses.items() if address not in measured] == []


def test_every_table_has_a_past_or_a_reason_to_stay_as_it_is() -> None:
    grown = [table_of(model).name for model in PAST]
    assert sorted([*grown, *STAYS]) == sorted(SQLModel.metadata.tables)


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
