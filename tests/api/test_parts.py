"""Lists are read in parts while they change: what stays is in one of them, once, on the pages and over JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql
from sqlalchemy import event

from bench.past import add
from domain.kernel import Order, of
from models.record import Event
from tests.api.application import client_for
from tests.api.test_statements import counting
from tests.cast import AT
from tests.conftest import Copies
from tests.databases import bare
from tests.matrix.world import CODIM, World

pytestmark = pytest.mark.ci

_ID: Final = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"


@dataclass(frozen=True)
class Listed:
    """A list that is read in parts, by someone, and the table of its rows.

    `leaves` has a row leave it, as SQL; its last row `stays` where it would take its place with it. `comes` are the
    columns in which a copy of a row differs that comes into it. A page leads to each row by `href`, and has so many
    rows as `size` names; an answer over JSON has them under `items`.
    """

    path: str
    table: LiteralString
    leaves: LiteralString = ""
    comes: LiteralString = ""
    stays: bool = False
    who: str = "coordinator"
    href: str = ""
    size: str = ""
    items: str = "items"


_CLOSES: Final[LiteralString] = "state = 'cancelled', ended_at = coalesce(ended_at, now())"
_IS_DONE: Final[LiteralString] = "state = 'done', done_at = now(), done_as = 'coordinator', done_by = %(who)s"
_IS_LOST: Final[LiteralString] = "state = 'lost', state_at = now(), state_as = 'coordinator'"
_IS_SEEN: Final[LiteralString] = "outcome = 'set_aside', seen_at = now()"
_CASE: Final[LiteralString] = (
    "'state', 'closed', 'ended_at', now(), 'once', false, 'opened_at', now(), 'protocol', 'onboarding'"
)
_TASK: Final[LiteralString] = "'item', gen_random_uuid()"
_PERSON: Final[LiteralString] = "'key', gen_random_uuid(), 'email', null"
_THING: Final[LiteralString] = "'serial', gen_random_uuid(), 'serial_key', gen_random_uuid()"
_MAIL: Final[LiteralString] = "'digest', encode(sha256(gen_random_uuid()::text::bytea), 'hex'), 'received_at', now()"

PAGES: Final = (
    Listed("/cases?state=closed", "case", _CLOSES, _CASE, href=f'row-link" href="/cases/{_ID}', size="cases.A_PAGE"),
    Listed("/cases?state=open", "case", _CLOSES, href=f'row-link" href="/cases/{_ID}', size="cases.A_PAGE"),
    Listed("/departures", "case", href=f'href="/departures/{_ID}', size="departures.ENDED_SHOWN"),
    Listed("/people/by-name", "person", "", _PERSON, href=f'href="/people/{_ID}', size="people.A_PAGE"),
    Listed(
        "/people/by-name?q=a",
        "person",
        "sort_key = 'zzz'",
        _PERSON,
        True,
        "officer",
        f'href="/people/{_ID}',
        "people.A_PAGE",
    ),
    Listed("/", "task", _IS_DONE, _TASK, href=f'id="task-{_ID}"', size="work.A_PAGE"),
    Listed(
        "/equipment?state=available",
        "equipment",
        _IS_LOST,
        _THING,
        href=f'href="/equipment/{_ID}',
        size="equipment.A_PAGE",
    ),
    Listed("/strays", "stray_reply", _IS_SEEN, _MAIL, href=f'<li id="stray-{_ID}"', size="unmatched_replies.A_PAGE"),
    Listed(
        "/caseload",
        "follow_up",
        "state = 'active', inactive_reason = null",
        "",
        True,
        "worker_codim",
        f'href="/follow-ups/{_ID}/ended"',
        "caseload.ENDED_SHOWN",
    ),
)
ANSWERS: Final = (
    Listed("/api/v1/cases", "case", "", _CASE),
    Listed("/api/v1/cases?state=closed", "case", _CLOSES, _CASE),
    Listed("/api/v1/cases?state=open", "case", _CLOSES),
    Listed("/api/v1/cases/{case_id}/events", "event"),
    Listed("/api/v1/people", "person", "", _PERSON),
    Listed("/api/v1/work", "task", _IS_DONE, _TASK),
    Listed("/api/v1/equipment", "equipment", "", _THING),
    Listed("/api/v1/strays", "stray_reply", _IS_SEEN, _MAIL),
    Listed("/api/v1/strays?seen=true", "stray_reply"),
    Listed("/api/v1/caseload", "follow_up", "state = 'completed', inactive_reason = null", items="follow_ups"),
    Listed("/api/v1/caseload?ended=true", "follow_up", items="follow_ups"),
)
#: Lists of some days or of what one reads whole: where the last row that was read has left, they begin again.
WHOLE: Final = (
    Listed(
        "/api/v1/meetings?from=2026-06-01&to=2028-01-01", "meeting", "starts = starts + interval '9 years'", "", True
    ),
    Listed("/api/v1/decisions?year=2026", "decision"),
    Listed("/api/v1/activities", "activity", "held_on = date '2020-01-01'", "", True),
    Listed("/api/v1/statements", "program"),
)


#: What is in hand is too little to be read in parts: some mails wait again, some cases are open again, things can be
#: lent again, and a worker had all that ended.
_IN_HAND: Final[tuple[LiteralString, ...]] = (
    (
        "update stray_reply set outcome = '', seen_at = null, seen_by = null "
        "where id in (select id from stray_reply where seen_at is not null order by id limit 12)"
    ),
    (
        "update \"case\" set state = 'open', ended_at = null, gathers = true "
        "where id in (select id from \"case\" where state = 'closed' and protocol <> 'departure' order by id limit 12)"
    ),
    "update equipment set state = 'in_use', state_at = null, state_as = null where state = 'out_of_use'",
    "update assignment set person_id = %(worker)s where ended_at is not null and kind = 'primary'",
)


@pytest.fixture(scope="module")
def grown(copies: Copies, the_world_template: tuple[str, World]) -> Iterator[World]:
    """A program with a past, and with mails that wait."""
    name, built = the_world_template
    with copies.of(name) as database:
        world = built.on(database)
        with admin_of(world) as admin:
            add(admin, world.cast.program_id, range(1, 3), range(4), AT)
            for change in _IN_HAND:
                admin.execute(change, {"worker": world.people["worker_codim"]})
        yield world


def admin_of(world: World) -> psycopg.Connection[object]:
    """Who changes rows beside the program's verbs, and without their triggers."""
    no_rules = "-c session_replication_role=replica"
    return psycopg.connect(bare(world.cast.database.admin_url), autocommit=True, options=no_rules)


@dataclass(frozen=True)
class Reading:
    """Someone who reads a list of a program."""

    world: World
    client: TestClient
    listed: Listed

    @classmethod
    def of(cls, world: World, listed: Listed) -> Reading:
        return cls(world, client_for(world.cast.database, world.people[listed.who], at=AT), listed)

    def part(self, *, most: int, after: str = "") -> tuple[list[str], str]:
        """The rows of a part by their ids, and the row after which the next one begins; "" where nothing follows."""
        path = self.listed.path.format_map(self.world.things[CODIM])
        asked = {"limit": str(most)} | ({"after": after} if after else {})
        if self.listed.href:
            del asked["limit"]
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        answer = self.client.get(path + ("?" if "?" not in path else "&") * bool(query) + query)
        assert answer.status_code == 200, answer.text
        if not self.listed.href:
            page = answer.json()
            rows = page[self.listed.items]
            return [str(row.get("id") or row.get("n") or row.get("period")) for row in rows], page["next"] or ""
        main = html.unescape(answer.text[answer.text.index("<main") :])
        found = re.search(r'rel="next" href="[^"]*[?&]after=([^"&#]+)', main)
        part = main[main.index('id="ended"') :] if "departures" in path and 'id="ended"' in main else main
        return list(dict.fromkeys(re.findall(self.listed.href, part))), found[1] if found else ""

    def whole(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Every row."""
        self.of_size(monkeypatch, 200)
        rows, following = self.part(most=200)
        assert not following
        return rows

    def of_size(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        """Have pages of so many rows."""
        if self.listed.size:
            monkeypatch.setattr(f"api.pages.{self.listed.size}", most)

    def in_parts(self, most: int, between: Callable[[list[str], str], None]) -> list[list[str]]:
        """Every part, one after the other; between two, something happens to what was shown and to the last of it."""
        parts, after = [], ""
        while True:
            rows, after = self.part(most=most, after=after)
            parts.append(rows)
            if not after:
                return parts
            between(rows, after)

    def leave(self, row_id: str) -> None:
        """Have a row leave the list."""
        with admin_of(self.world) as admin:
            changed = sql.SQL("update {} set ").format(self._table) + sql.SQL(self.listed.leaves)
            who = self.world.people[self.listed.who]
            admin.execute(changed + sql.SQL(" where id = %(id)s"), {"id": row_id, "who": who})

    def come(self, row_id: str) -> None:
        """Have a copy of a row come into the list."""
        with admin_of(self.world) as admin:
            other = sql.SQL("jsonb_build_object('id', gen_random_uuid(), ") + sql.SQL(self.listed.comes) + sql.SQL(")")
            copied = sql.SQL("insert into {table} select (jsonb_populate_record(one, {other})).* from {table} one")
            admin.execute(copied.format(table=self._table, other=other) + sql.SQL(" where id = %s"), (row_id,))

    @property
    def _table(self) -> sql.Identifier:
        return sql.Identifier(self.listed.table)


def named(listed: Listed) -> str:
    return listed.path


@pytest.mark.parametrize("listed", [*PAGES, *ANSWERS, *WHOLE], ids=named)
def test_what_stays_in_a_list_is_in_one_part_of_it_once_while_others_leave_and_come(
    grown: World, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, chance, gone = Reading.of(grown, listed), Random(listed.path), set[str]()  # noqa: S311 - no secret hangs on it
    before = reading.whole(monkeypatch)
    read: list[str] = []

    def change(shown: list[str], last: str) -> None:
        read.extend(shown)
        if listed.comes:
            reading.come(last)
        if listed.leaves:
            ahead = [one for one in before if one not in read and one not in gone]
            leaving = {shown[0] if listed.stays else last, *chance.sample(ahead, min(1, len(ahead)))}
            for one in leaving - ({last} if listed.stays else set()):
                reading.leave(one)
                gone.add(one)

    reading.of_size(monkeypatch, most := max(1, len(before) // 5))
    parts = reading.in_parts(most, change)
    assert len(parts) > 1
    assert max(map(len, parts)) <= most
    together = [one for part in parts for one in part]
    assert len(together) == len(set(together))
    stayed = [one for one in before if one not in gone]
    assert set(stayed) <= set(together)
    if not listed.href:
        assert [one for one in together if one in stayed] == stayed


@pytest.mark.parametrize("listed", [PAGES[0], ANSWERS[7]], ids=named)
@pytest.mark.parametrize("seed", range(4))
def test_as_many_may_leave_and_come_between_two_parts_as_will_and_whichever_they_are(
    grown: World, listed: Listed, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, chance, gone = Reading.of(grown, listed), Random(seed), set[str]()  # noqa: S311 - no secret hangs on it
    for _ in range(6):
        reading.come(chance.choice(reading.whole(monkeypatch)))
    before = reading.whole(monkeypatch)

    def change(*_: object) -> None:
        for one in chance.sample(before, chance.randrange(3)):
            reading.leave(one)
            gone.add(one)
        for one in chance.sample(before, chance.randrange(3)):
            reading.come(one)

    reading.of_size(monkeypatch, most := chance.randrange(1, 4))
    together = [one for part in reading.in_parts(most, change) for one in part]
    assert len(together) == len(set(together))
    assert [one for one in together if one in set(before) - gone] == [one for one in before if one not in gone]


@pytest.mark.parametrize("listed", [*PAGES, *ANSWERS, *WHOLE[:-1]], ids=named)
def test_after_a_row_that_is_none_or_of_another_program_a_list_begins_anew(
    grown: World, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading.of(grown, listed)
    reading.of_size(monkeypatch, 2)
    with admin_of(grown) as admin:
        others = sql.SQL("select id from {} where program_id = %s limit 1").format(sql.Identifier(listed.table))
        elsewhere = admin.execute(others, (grown.cast.other.program_id,)).fetchone()
    of_others = [str(elsewhere[0])] if elsewhere is not None else []  # type: ignore[index]  # a row of one column
    for no_row in (str(uuid4()), str(UUID(int=0)), *of_others):
        assert reading.part(most=2, after=no_row) == reading.part(most=2)


@pytest.mark.parametrize("given", ["'", "1", "x" * 400])
def test_what_is_no_id_is_refused(grown: World, given: str) -> None:
    clients = {who: client_for(grown.cast.database, grown.people[who], at=AT) for who in grown.people}
    for listed in (*PAGES, *ANSWERS, *WHOLE[:-1]):
        path = listed.path.format_map(grown.things[CODIM])
        answer = clients[listed.who].get(f"{path}{'&' if '?' in path else '?'}after={given}")
        assert answer.status_code == 422, path


@pytest.mark.parametrize(
    ("path", "table", "theirs"),
    [
        ("/api/v1/cases", "case", 'select id from "case" where program_id = %s and not id::text = any(%s)'),
        (
            "/api/v1/work",
            "task",
            "select id from task where program_id = %s and case_id is null and not id::text = any(%s)",
        ),
    ],
)
def test_after_a_row_that_the_reader_may_not_see_a_list_begins_anew_and_tells_nothing_of_it(
    grown: World, path: str, table: LiteralString, theirs: LiteralString
) -> None:
    reading = Reading.of(grown, Listed(path, table, who="worker_codim"))
    seen, _ = reading.part(most=200)
    with admin_of(grown) as admin:
        hidden = [str(row[0]) for row in admin.execute(theirs, (grown.cast.program_id, seen))]  # type: ignore[index]
    assert len(hidden) > 2
    for one in hidden[:5]:
        assert reading.part(most=200, after=one)[0] == seen


def test_after_a_row_that_was_destroyed_a_list_begins_anew(grown: World) -> None:
    reading = Reading.of(grown, next(one for one in ANSWERS if one.path == "/api/v1/strays"))
    (first, *_), after = reading.part(most=1)
    with admin_of(grown) as admin:
        admin.execute("delete from stray_reply where id = %s", (first,))
    assert after == first
    assert reading.part(most=1, after=after) == reading.part(most=1)


def test_a_later_part_asks_as_many_statements_as_the_first(grown: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for listed in (*PAGES, *ANSWERS):
        reading = Reading.of(grown, listed)
        reading.of_size(monkeypatch, 1)
        _, after = reading.part(most=1)
        reading.part(most=1, after=after)
        with counting(grown) as first:
            reading.part(most=1)
        with counting(grown) as later:
            reading.part(most=1, after=after)
        assert len(later) <= len(first), listed.path


def test_a_later_part_is_found_by_the_index_of_its_order_and_reads_nothing_before_it(grown: World) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, sent: str, values: object, *___: object) -> None:
        asked.append((sent, values))

    newest, of_case = (
        Order(Event.n, newest_first=True),
        of(Event).where(Event.case_id == UUID(grown.things[CODIM]["case_id"])),
    )
    with grown.cast.session() as session:
        event.listen(session.get_bind(), "before_cursor_execute", note)
        newest.part(session, of_case, after=uuid4(), most=5)
        event.remove(session.get_bind(), "before_cursor_execute", note)
        session.connection().exec_driver_sql("set local enable_seqscan = off; set local enable_sort = off")
        sent, values = asked[-1]
        plan = "\n".join(session.connection().exec_driver_sql(f"explain {sent}", values).scalars())
    assert re.search(r"ix_event_\w+ on event.*\n +Index Cond: .*\(n < ", plan), plan
