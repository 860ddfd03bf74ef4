"""Asking one cell of the matrix: a request as it comes over the wire, what it changed, and what the record says of it.

Each request commits in earnest. where it changed anything, the next one begins in the world as it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, LiteralString
from uuid import UUID

import httpx2
import psycopg
from fastapi import FastAPI
from httpx2 import Response
from psycopg import sql
from sqlalchemy import event, make_url

from adapters.addresses import conninfo_of
from api.access.permissions import TABLE, Relation
from api.access.session import Installation
from domain.kernel import digest
from domain.record.turned_away import LEFT_OUT, REFUSED, table_for
from models.tables import metadata
from tests.api import lines
from tests.api.application import ADDRESS, app_on
from tests.cast import Cast
from tests.conftest import Copies
from tests.matrix import world
from tests.matrix.asked import Route
from tests.matrix.askers import KINDS, Kind, cookie_of, sign_everyone_in
from tests.matrix.world import CODIM, World

#: Tables in which a refusal may leave a line: the record itself, and the counts of tries.
_MAY_GROW: Final = frozenset({"event", "rate_count"})
TOUCHED: Final = "touched"
#: Every other table notes in `touched` that rows of it were written, and of which program. A look at that is a tenth of
#: a look at a hundred tables.
_NOTING: Final = """
create table touched (name text not null, program_id uuid);
create function note_touched() returns trigger language plpgsql security definer set search_path = public as $$
begin
    insert into touched select distinct tg_table_name, program_id from written;
    return null;
end $$;
create function note_touched_of_all() returns trigger language plpgsql security definer set search_path = public as $$
begin
    insert into touched select distinct tg_table_name, null::uuid from written;
    return null;
end $$;
"""
_NOTED: Final = (
    "create trigger noted_{what} after {what} on {table} referencing {rows} table as written"
    " for each statement execute function {function}()"
)
_ROWS: Final = {"insert": "new", "update": "new", "delete": "old"}
#: By the superuser, who alone may: so that no cell finds the lines of another.
_TOLD: Final = "delete from event where verb in (%s, %s) returning actor_id, verb, facts"

DOOR: Final = "door"
"""A page led to the sign-in."""
BY_RULE: Final = "r"
"""Put after a 404 that a rule gave to someone who may ask: it is no refusal of theirs to see."""

DENIED: Final = frozenset({"404", DOOR, "401", "403"})


@dataclass(frozen=True)
class Told:
    """One line of the record that a refusal left."""

    actor_id: UUID | None
    verb: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came back in one cell: the code of the matrix, what else there is to hold, and what it changed and left."""

    code: str
    response: Response = field(repr=False)
    changed: frozenset[str]
    told: tuple[Told, ...]
    lines: int
    """How many lines the record has more, besides those of refusals."""

    @property
    def is_denied(self) -> bool:
        """Whether the asker was turned away."""
        return self.code in DENIED


class Runner:
    """The application on a copy of the world, and the superuser's view of what each request did to it."""

    def __init__(self, copies: Copies, template: str, made: World) -> None:
        self._copies = copies
        self._template = template
        self._made = made
        self.statements: list[str] = []
        """What the last request asked of the database, in its order."""
        self.world = made
        self._lines = 0
        self._fresh()
        self.app: FastAPI = app_on(self.world.cast.database)
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=ADDRESS)

    async def ask(
        self,
        route: Route,
        kind: Kind,
        place: str,
        *,
        language: str = "fr",
        more: Mapping[str, Any] | None = None,
        also: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask one cell. `more` are fields that go with the form or the body besides, `also` are headers."""
        response = await self.send(route, kind, place, language=language, more=more, also=also)
        told = self.take_told()
        changed, stood = self.changed(), self._lines
        self._lines = self._count_lines()
        lines = self._lines - stood
        if changed:
            self._put_back(changed)
        return Answer(_code(route, response, told), response, changed, told, lines)

    async def send(
        self,
        route: Route,
        kind: Kind,
        place: str,
        *,
        language: str = "fr",
        more: Mapping[str, Any] | None = None,
        body_of: str = "",
        also: Mapping[str, str] | None = None,
    ) -> Response:
        """Send the request of one cell, and look at nothing. `body_of` is whose things the body names, if others'."""
        things = self.things_of(place)
        named = {**things, **self._ids_of(body_of)} if body_of else things
        headers = {"Accept-Language": language, "Origin": ADDRESS, **(also or {})}
        if cookie := cookie_of(kind):
            headers["Cookie"] = f"spheres={cookie}"
        content: dict[str, Any] = {}
        if route.writes and route.is_json:
            headers.setdefault("If-Match", route.seen(things))
            if not headers["If-Match"]:
                del headers["If-Match"]  # as who saw nothing
            body = route.body(named)
            if body is not None or more:
                content["json"] = {**(body or {}), **(more or {})}
        elif route.writes:
            content["data"] = {**route.form(named), **(more or {})}
            if route.sent.files:
                content["files"] = dict(route.sent.files)
        self.statements.clear()
        response = await self.client.request(route.method, route.address(things), headers=headers, **content)
        self.client.cookies.clear()  # the next one comes with what is theirs alone
        return response

    async def get(self, kind: Kind, address: str) -> Response:
        """What a kind of asker is answered at an address."""
        cookie = cookie_of(kind)
        response = await self.client.get(address, headers={"Cookie": f"spheres={cookie}"} if cookie else {})
        self.client.cookies.clear()
        return response

    def things_of(self, place: str) -> Mapping[str, str]:
        """The things of one place; of CODIM for a route that names none."""
        return self.world.things.get(place, self.world.things[CODIM])

    def _ids_of(self, place: str) -> dict[str, str]:
        """The ids of one place's things, and not the versions: so that a form is otherwise as it would be."""
        return {name: value for name, value in self.things_of(place).items() if not name.startswith("version_of_")}

    def changed(self) -> frozenset[str]:
        """The tables that were written to since this copy was made."""
        return self._touched("select distinct name from touched")

    def count(self, statement: LiteralString | sql.Composed, given: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """One number that the superuser reads."""
        row = self._admin.execute(statement, given).fetchone()
        assert row is not None
        return int(row[0])

    def counts(self, tables: Iterable[str]) -> dict[str, int]:
        """How many rows each table has, as the superuser sees them: in one question."""
        each = [
            sql.SQL("select {}, count(*) from {}").format(sql.Literal(name), sql.Identifier(name)) for name in tables
        ]
        return dict(self._admin.execute(sql.SQL(" union all ").join(each)).fetchall())

    def changed_elsewhere(self) -> frozenset[str]:
        """The tables in which rows of the other program were written since this copy was made."""
        other = self.world.cast.other.program_id
        return self._touched("select distinct name from touched where program_id = %s", [other])

    def _touched(self, asking: LiteralString, given: Sequence[Any] = ()) -> frozenset[str]:
        return frozenset(name for (name,) in self._admin.execute(asking, given, prepare=True).fetchall())

    def person_of(self, kind: Kind) -> UUID:
        """The person of a kind of asker. Raises KeyError where it has none."""
        made = self.world
        return made.cast.other.people[kind.person or ""] if kind.elsewhere else made.people[kind.person or ""]

    def named(self, route: Route, place: str) -> str | None:
        """The id that a route's path names last, of one place's things; None where it names none."""
        names = re.findall(r"{(\w+_id)}", route.sent.path or route.path)
        if not names:
            return None
        return self.world.things[place][route.thing(names[-1])]

    def is_there(self, route: Route, place: str) -> bool:
        """Whether the thing that a route's path names last stands in this world."""
        names = re.findall(r"{(\w+)_id}", route.path)
        table = table_for(names[-1])
        assert table is not None, (
            f"{route}: say in domain/record/turned_away.py, under TABLES, where a {names[-1]} stands"
        )
        found = self._admin.execute(
            sql.SQL("select 1 from {} where id = %s").format(sql.Identifier(table.name)), [self.named(route, place)]
        )
        return found.fetchone() is not None

    def close(self) -> None:
        """Give the copy back."""
        self._admin.close()
        self._copy.close()

    def renew(self) -> None:
        """Go on in a fresh copy of the world."""
        self.close()
        self._fresh()
        installation: Installation = self.app.state.installation
        self.app.state.installation = replace(installation, engine=self.world.cast.database.engine)

    def put_back(self) -> None:
        """Go on in the world as it was before what was sent."""
        self.take_told()
        if changed := self.changed():
            self._put_back(changed)

    def _put_back(self, changed: Collection[str]) -> None:
        """Go on in the world as it was, of which these tables were written to."""
        if self._copies.put_back(self.world.cast.database, {*changed, *_MAY_GROW, TOUCHED}):
            self._lines = self._count_lines()
        else:
            self.renew()

    def _fresh(self) -> None:
        self._copy = ExitStack()
        self.world = self._made.on(self._copy.enter_context(self._copies.of(self._template)))
        event.listen(self.world.cast.database.engine, "before_cursor_execute", self._hear)
        lines.watch(self.world.cast.database.engine)
        self._admin = psycopg.connect(conninfo_of(self.world.cast.database.admin_url), autocommit=True)
        self._lines = self._count_lines()

    def _hear(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.statements.append(statement)

    def _count_lines(self) -> int:
        ((lines,),) = self._admin.execute("select count(*) from event", prepare=True)
        return int(lines)

    def take_told(self) -> tuple[Told, ...]:
        """What the record has of refusals; it is then gone, and so are the counts of tries."""
        rows = self._admin.execute(_TOLD, [REFUSED, LEFT_OUT], prepare=True).fetchall()
        self._admin.execute("delete from rate_count", prepare=True)
        return tuple(Told(*row) for row in rows)


def _code(route: Route, response: Response, told: tuple[Told, ...]) -> str:
    if response.status_code == 303 and response.headers["location"] == "/sign-in":
        is_open = route.action is not None and Relation.ANYONE in TABLE[route.action]
        return "303" if is_open else DOOR
    # Without a line only where there was nothing to refuse of anybody's: a secret that opens nothing, which a stranger
    # may try; and what somebody who may ask names in a body, of any such thing of the program, that is not among them.
    if response.status_code == 404 and not told:
        return "404" + BY_RULE
    return str(response.status_code)


@contextmanager
def the_world(copies: Copies, cast_template: str, cast: Cast) -> Iterator[tuple[str, World]]:
    """The world with everyone signed in, and the name of its database, which nobody is in, so that it can be copied."""
    with copies.of(cast_template) as database:
        made = world.build(cast.on(database))
        with cast.on(database).session() as session:
            cookies = {kind.column: digest(session, cookie_of(kind)) for kind in KINDS}
        sign_everyone_in(made, cookies)
        _have_noted(database.admin_url)
        database.engine.dispose()
        name = make_url(database.url).database
        assert name is not None
        yield name, made


def _have_noted(admin_url: str) -> None:
    with psycopg.connect(conninfo_of(admin_url), autocommit=True) as admin:
        admin.execute(_NOTING)
        for table in metadata.sorted_tables:
            if table.name in _MAY_GROW:
                continue
            function = "note_touched" if "program_id" in table.c else "note_touched_of_all"
            for what, rows in _ROWS.items():
                admin.execute(
                    sql.SQL(_NOTED).format(
                        what=sql.SQL(what),
                        rows=sql.SQL(rows),
                        table=sql.Identifier(table.name),
                        function=sql.Identifier(function),
                    )
                )
