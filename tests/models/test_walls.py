"""The walls between programs, tried on the real database as the role that the web and the worker sign in as."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from adapters.database import saying
from models import walls
from models.tables import metadata
from tests.cast import AT, Cast
from tests.conftest import Database
from tests.models.conftest import TABLES, anew, as_application, as_superuser

POLICIED = [name for name in TABLES if name not in walls.WITHOUT_POLICY]
#: Tables in which every row belongs to one program and is seen by no other program.
WALLED = [name for name in POLICIED if name not in walls.CHOSEN_FROM]
#: Those of them whose rows are found as long as no program is said, and those of which nothing is.
FOUND_FIRST = sorted(walls.ADDED_BY_OWN)
CLOSED = [name for name in WALLED if name not in walls.ADDED_BY_OWN]
#: Tables whose key is drawn at random and is the same for all programs.
BY_CHANCE = {
    "browser_session": "token_digest",
    "calendar_feed": "token_digest",
    "door": "token_digest",
    "meeting_link": "token_digest",
    "passkey": "credential_id",
    "referral_link": "token_digest",
}

#: Read before a program is known. A new column in one of them wants a thought, and a line here: nothing nominative.
OPEN_COLUMNS = {
    "backup_run": {"id", "kind", "started_at", "ended_at", "code", "next_by"},
    "beat": {"process", "at", "prefect_up", "prefect_since", "machine"},
    "ledger_seen": {"n", "digest"},
    "epoch": {"number", "found_at", "lines"},
    "engine_seat": {"seat", "address", "machine", "since", "beat_at"},
    "rate_count": {"key", "starts_at", "tries"},
    "sign_in_flow": {"cookie_digest", "kind", "kept", "expires_at"},
    "browser_session": {
        "token_digest",
        "program_id",
        "person_id",
        "id",
        "means",
        "device",
        "signed_in_at",
        "seen_at",
        "watched_at",
        "ended_at",
        "ended_as",
        "shows",
        "shows_until",
    },
    "identity": {"tenant_id", "object_id", "program_id", "person_id", "linked_at", "ended_at"},
    "passkey": {
        "credential_id",
        "program_id",
        "person_id",
        "id",
        "public_key",
        "sign_count",
        "device",
        "enrolled_at",
        "used_at",
        "ended_at",
    },
    "door": {
        "token_digest",
        "program_id",
        "person_id",
        "kind",
        "browser_digest",
        "made_by",
        "made_at",
        "expires_at",
        "used_at",
        "used_by_digest",
    },
    "meeting_link": {"token_digest", "program_id", "invitation_id", "made_at", "expires_at", "ended_at"},
    "calendar_feed": {"token_digest", "program_id", "person_id", "id", "made_at", "read_at", "ended_at"},
    "referral_link": {
        "token_digest",
        "browser_digest",
        "program_id",
        "id",
        "made_by",
        "made_at",
        "expires_at",
        "used_at",
        "ended_at",
    },
    "wake_up": {
        "program_id",
        "case_id",
        "want",
        "have",
        "wanted_at",
        "not_before",
        "leased_until",
        "leased_by",
        "taken_at",
        "attempts",
        "trouble",
        "shown",
    },
}


def _table(name: str) -> Table:
    return metadata.tables[name]


def _home(table: Table) -> Any:
    """The column that says to which program a row belongs."""
    return table.c.id if table.name in walls.CHOSEN_FROM else table.c.program_id


def _code(caught: pytest.ExceptionInfo[DBAPIError]) -> str | None:
    assert isinstance(caught.value.orig, psycopg.Error)
    return caught.value.orig.sqlstate


TAKEN = errors.UniqueViolation.sqlstate
CHECKED = errors.CheckViolation.sqlstate
REFUSED_BY_POLICY = errors.InsufficientPrivilege.sqlstate
NO_SUCH_ROW = errors.ForeignKeyViolation.sqlstate


def _refusal(connection: Connection, statement: Any) -> tuple[str | None, str]:
    """How one statement is refused: the code, and the words without the names of the constraint's columns' values."""
    with pytest.raises(DBAPIError) as caught, connection.begin_nested():
        connection.execute(statement)
    assert isinstance(caught.value.orig, psycopg.Error)
    return caught.value.orig.sqlstate, caught.value.orig.diag.message_primary or ""


@pytest.fixture(scope="module")
def everything(lived_in: Cast) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as nobody but the superuser sees them; without what the database works out itself."""
    with as_superuser(lived_in.database) as connection:
        return {
            name: [dict(row) for row in connection.execute(select(*given)).mappings()]
            for name in sorted(TABLES)
            if (given := [column for column in _table(name).columns if column.computed is None])
        }


# What the catalogue says.


@pytest.mark.ci
def test_every_table_has_its_policy_but_those_that_are_read_before_a_program_is_known(lived_in: Cast) -> None:
    with as_superuser(lived_in.database) as connection:
        secured = set(
            connection.execute(
                text(
                    "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
                    " and relrowsecurity"
                )
            ).scalars()
        )
        with_policy = set(
            connection.execute(text("select distinct tablename from pg_policies where schemaname = 'public'")).scalars()
        )
        standing = set(
            connection.execute(
                text(
                    "select relname from pg_class where relnamespace = 'public'::regnamespace"
                    " and relkind in ('r', 'p', 'v', 'm', 'f')"
                )
            ).scalars()
        )
    assert standing == {*TABLES, "alembic_version"}
    assert set(TABLES) - secured == walls.WITHOUT_POLICY
    assert set(TABLES) - with_policy == walls.WITHOUT_POLICY


def test_nothing_stands_open_before_a_program_is_known_but_ids_digests_moments_and_counts(lived_in: Cast) -> None:
    with as_superuser(lived_in.database) as connection:
        rows = connection.execute(
            text("select table_name, column_name from information_schema.columns where table_schema = 'public'")
        )
        found: dict[str, set[str]] = {}
        for table, column in rows:
            found.setdefault(table, set()).add(column)
    assert {name: found[name] for name in {*walls.WITHOUT_POLICY, *walls.ADDED_BY_OWN}} == OPEN_COLUMNS


def test_every_policy_is_for_everyone_and_none_lets_more_through_than_the_others(lived_in: Cast) -> None:
    with as_superuser(lived_in.database) as connection:
        rows = connection.execute(
            text("select tablename, policyname, permissive, roles::text[], cmd from pg_policies order by 1, 2")
        ).all()
    per_table: dict[str, list[tuple[str, str]]] = {}
    for table, name, permissive, roles, command in rows:
        assert (permissive, roles) == ("PERMISSIVE", ["public"]), (table, name)
        per_table.setdefault(table, []).append((name, command))
    program = [("own_is_added", "INSERT"), ("own_is_changed", "UPDATE"), ("own_or_none_said_finds", "SELECT")]
    assert per_table.pop("program") == program
    for name in FOUND_FIRST:
        deleted = [("own_is_deleted", "DELETE")] if name in walls.DELETABLE else []
        assert per_table.pop(name) == [
            ("own_is_added", "INSERT"),
            *deleted,
            ("own_or_none_said_changes", "UPDATE"),
            ("own_or_none_said_finds", "SELECT"),
        ]
    assert per_table == {name: [("own_program", "ALL")] for name in CLOSED}


def test_no_key_of_a_program_s_rows_reaches_over_the_wall(lived_in: Cast) -> None:
    """Every unique key, exclusion and reference names the program, so that none can be asked about another's rows."""
    with as_superuser(lived_in.database) as connection:
        keys = connection.execute(
            text(
                """
                select i.indrelid::regclass::text, i.indexrelid::regclass::text, array_agg(a.attname::text)
                from pg_index i
                join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
                where i.indisunique or i.indisexclusion
                group by 1, 2
                """
            )
        ).all()
        references = connection.execute(
            text(
                """
                select conrelid::regclass::text, conname, confrelid::regclass::text, array_agg(a.attname::text)
                from pg_constraint k
                join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
                where contype = 'f' and k.connamespace = 'public'::regnamespace
                group by 1, 2, 3
                """
            )
        ).all()
    without = {
        (table.strip('"'), key) for table, key, columns in keys if "program_id" not in columns and table != "program"
    }
    # A way in is found by what is drawn at random, and a process by its name; the table of migrations is Alembic's.
    assert without == {
        *((name, f"pk_{name}") for name in (*BY_CHANCE, *walls.WITHOUT_POLICY)),
        ("alembic_version", "alembic_version_pkc"),
    }
    assert len(keys) > len(TABLES)
    assert len(references) > len(TABLES)
    assert [row for row in references if "program_id" not in row[3]] == []


def test_nothing_is_ever_deleted_or_changed_along_with_something_else(lived_in: Cast) -> None:
    with as_superuser(lived_in.database) as connection:
        rows = connection.execute(
            text("select conname, confdeltype::text, confupdtype::text from pg_constraint where contype = 'f'")
        ).all()
    assert len(rows) > len(TABLES)
    assert [row for row in rows if (row[1], row[2]) != ("a", "a")] == []


def test_the_application_owns_nothing_belongs_to_nobody_and_passes_no_wall(lived_in: Cast) -> None:
    with as_application(lived_in.database, None) as connection:
        role = connection.execute(
            text(
                "select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication"
                " from pg_roles where rolname = current_user"
            )
        ).one()
        member_of = connection.execute(
            text("select count(*) from pg_auth_members where member = (select oid from pg_roles where rolname = user)")
        ).scalar_one()
        owned = connection.execute(
            text(
                "select (select count(*) from pg_class where relowner = current_user::regrole)"
                " + (select count(*) from pg_proc where proowner = current_user::regrole)"
                " + (select count(*) from pg_namespace where nspowner = current_user::regrole)"
                " + (select count(*) from pg_database where datdba = current_user::regrole)"
            )
        ).scalar_one()
        lenders = connection.execute(
            text(
                "select count(*) from pg_proc p where prosecdef and p.pronamespace = 'public'::regnamespace"
                " and has_function_privilege(p.oid, 'execute')"
            )
        ).scalar_one()
    assert tuple(role) == (walls.APP, False, False, False, False, False)
    assert (member_of, owned) == (0, 0)
    assert lenders == 0, "a function runs with its owner's rights and would carry the application over the walls"


def test_the_application_may_do_exactly_what_is_granted_to_it(lived_in: Cast) -> None:
    """Privilege by privilege over every table, so that a grant nobody thought of is seen."""
    asked = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
    with as_application(lived_in.database, None) as connection:
        held = {
            name: {
                one
                for one in asked
                if connection.execute(
                    text("select has_table_privilege(:table, :one)"), {"table": f'public."{name}"', "one": one}
                ).scalar_one()
            }
            for name in [*TABLES, "alembic_version"]
        }
        creates = connection.execute(text("select has_schema_privilege('public', 'create')")).scalar_one()
    expected: dict[str, set[str]] = {"alembic_version": set()}
    for name in TABLES:
        expected[name] = {"SELECT"}
        if name not in walls.APPEND_ONLY:
            expected[name].add("INSERT")
        if name not in walls.APPEND_ONLY and name not in walls.ADDED_BY_OWN:
            expected[name].add("UPDATE")
        if name in walls.DELETABLE:
            expected[name].add("DELETE")
    assert held == expected
    assert not creates


def test_the_application_writes_no_column_but_those_that_are_its_own_to_write(lived_in: Cast) -> None:
    """Column by column: what is added once, what may be written again, and what the database alone gives."""
    with as_application(lived_in.database, None) as connection:
        rows = connection.execute(
            text(
                "select table_name, column_name, has_column_privilege(quote_ident(table_name), column_name, 'INSERT'),"
                " has_column_privilege(quote_ident(table_name), column_name, 'UPDATE')"
                " from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'"
            )
        ).all()
    added = {(table, column) for table, column, insertable, _ in rows if insertable}
    changed = {(table, column) for table, column, _, updatable in rows if updatable}
    every = {(table, column.name) for table in TABLES for column in _table(table).columns}
    assert {(table, column) for table, column, _, _ in rows} == every
    assert every - added == {(table, column) for table, given in walls.APPEND_ONLY.items() for column in given}
    for name in TABLES:
        mine = {column for table, column in changed if table == name}
        if name in walls.APPEND_ONLY:
            assert mine == set(walls.REDACTED.get(name, ()))
        elif name in walls.ADDED_BY_OWN:
            assert mine == set(walls.ADDED_BY_OWN[name])
            fixed = {column.name for column in _table(name).columns} - mine
            # Whose it is, what opens it and how long it holds stay as they were added.
            assert {"program_id", *_pointing(_table(name)), *_table(name).primary_key.columns.keys()} <= fixed
            assert not mine & {"public_key", "expires_at", "signed_in_at", "means", "kind"}
            # A link to refer by is bound to the browser in which its form is begun; a door, to none but its own.
            assert "browser_digest" not in mine or name == "referral_link"
        else:
            assert mine == {column.name for column in _table(name).columns}


# One program at the other's rows, table by table.


@pytest.mark.wide
@pytest.mark.parametrize("name", WALLED)
def test_a_program_sees_its_own_rows_and_none_of_the_other_s(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    table = _table(name)
    mine, theirs = lived_in.program_id, lived_in.other.program_id
    owners = [row["program_id"] for row in everything[name]]
    assert mine in owners, f"both programs need rows in {name}, or this proves nothing"
    assert theirs in owners, f"both programs need rows in {name}, or this proves nothing"
    for program_id in (mine, theirs):
        with as_application(lived_in.database, program_id) as connection:
            seen = connection.execute(select(table.c.program_id)).scalars().all()
        assert seen == [program_id] * owners.count(program_id)


@pytest.mark.wide
@pytest.mark.parametrize("name", POLICIED)
def test_a_program_changes_no_row_of_the_other(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    table = _table(name)
    home = _home(table)
    other = lived_in.other.program_id
    own = sum(row[home.name] == lived_in.program_id for row in everything[name])
    column = table.c[walls.ADDED_BY_OWN[name][0]] if name in FOUND_FIRST else next(iter(table.primary_key.columns))
    with as_application(lived_in.database, lived_in.program_id) as connection:
        aimed = update(table).where(home == other).values({column.name: column})
        everywhere = update(table).values({column.name: column})
        if name in walls.APPEND_ONLY:
            assert _refusal(connection, aimed)[0] == REFUSED_BY_POLICY
            assert _refusal(connection, everywhere)[0] == REFUSED_BY_POLICY
        else:
            assert connection.execute(aimed).rowcount == 0
            assert connection.execute(everywhere).rowcount == own > 0
        # A row of one's own is not given away either.
        given = update(table).where(home == lived_in.program_id).values({home.name: other})
        assert _refusal(connection, given)[0] == REFUSED_BY_POLICY


@pytest.mark.wide
@pytest.mark.parametrize("name", POLICIED)
def test_a_program_deletes_no_row_of_the_other(lived_in: Cast, name: str) -> None:
    table = _table(name)
    with as_application(lived_in.database, lived_in.program_id) as connection:
        aimed = delete(table).where(_home(table) == lived_in.other.program_id)
        if name in walls.DELETABLE:
            assert connection.execute(aimed).rowcount == 0
            assert connection.execute(delete(table).where(*_named_by_none(table))).rowcount > 0
        else:
            assert _refusal(connection, aimed)[0] == REFUSED_BY_POLICY
    with as_superuser(lived_in.database) as connection:
        left = select(func.count()).select_from(table).where(_home(table) == lived_in.other.program_id)
        assert connection.execute(left).scalar_one() > 0


def _named_by_none(table: Table) -> list[ColumnElement[bool]]:
    """That no other row points at a row of this table."""
    return [
        ~exists().where(*(one.parent == one.column for one in key.elements))
        for other in metadata.sorted_tables
        for key in other.foreign_key_constraints
        if key.referred_table is table and other is not table
    ]


def _without_the_databases_own(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    withheld = {"n"} if table.name == "notice" else set(walls.APPEND_ONLY.get(table.name, ()))
    return {name: value for name, value in row.items() if name not in withheld}


@pytest.mark.wide
@pytest.mark.parametrize("name", WALLED)
def test_writing_to_the_other_program_is_refused_alike_whether_the_row_is_there_or_not(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """The policy answers before any key does, so that a refusal does not tell what the other program holds."""
    table = _table(name)
    taken = next(row for row in everything[name] if row["program_id"] == lived_in.other.program_id)
    row = _without_the_databases_own(table, taken)
    ids = {column.name: uuid4() for column in table.columns if isinstance(row.get(column.name), UUID)}
    fresh = anew(table, row) | ids | {"program_id": lived_in.other.program_id}
    with as_application(lived_in.database, lived_in.program_id) as connection:
        there = _refusal(connection, insert(table).values(**row))
        nowhere = _refusal(connection, insert(table).values(**fresh))
    assert there == nowhere
    assert there[0] == REFUSED_BY_POLICY
    assert "row-level security" in there[1]


@pytest.mark.wide
@pytest.mark.parametrize("name", WALLED)
def test_a_reference_to_the_other_s_row_is_refused_as_one_to_no_row_at_all(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """A row of one's own that names the other's person, case or task: the database says that there is no such row.

    Added so, or changed so where it may be changed.
    """
    table = _table(name)
    mine = _without_the_databases_own(
        table, next(row for row in everything[name] if row["program_id"] == lived_in.program_id)
    )
    here = and_(*(column == mine[column.name] for column in table.primary_key.columns))
    for column in sorted(_pointing(table)):
        target = next(iter(_references(table, column)))
        theirs = next(row["id"] for row in everything[target] if row["program_id"] == lived_in.other.program_id)
        added, changed = [], []
        for aimed_at in (theirs, uuid4()):
            with as_superuser(lived_in.database) as connection:
                # Other keys would answer first: the row that is copied already stands.
                _lift_other_keys(connection, name)
                _be_the_application(connection, lived_in.program_id)
                added.append(_refusal(connection, insert(table).values(**anew(table, mine) | {column: aimed_at})))
                changed.append(_refusal(connection, update(table).where(here).values({column: aimed_at})))
        assert added[0] == added[1]
        assert added[0][0] == NO_SUCH_ROW, (name, column)
        assert changed[0] == changed[1]
        fixed = name in walls.APPEND_ONLY or (name in FOUND_FIRST and column not in walls.ADDED_BY_OWN[name])
        assert changed[0][0] == (REFUSED_BY_POLICY if fixed else NO_SUCH_ROW), (name, column)


def _pointing(table: Table) -> set[str]:
    """The columns by which a row refers to another of its program."""
    named = {element.parent.name for key in table.foreign_key_constraints for element in key.elements}
    return named - {"program_id"}


def _be_the_application(connection: Connection, program_id: UUID) -> None:
    connection.execute(text(f"set local role {walls.APP}"))
    connection.execute(text("select set_config('spheres.program_id', :id, true)"), {"id": str(program_id)})


def _references(table: Table, column: str) -> Iterator[str]:
    for key in table.foreign_key_constraints:
        if any(element.parent.name == column for element in key.elements):
            yield key.referred_table.name


def _lift_other_keys(connection: Connection, name: str) -> None:
    constraints = connection.execute(
        text(
            "select conname from pg_constraint where conrelid = cast(:table as regclass) and contype in ('u', 'x', 'c')"
        ),
        {"table": f'"{name}"'},
    ).scalars()
    for constraint in list(constraints):
        connection.execute(text(f'alter table "{name}" drop constraint "{constraint}" cascade'))
    indexes = connection.execute(
        text(
            "select indexrelid::regclass::text from pg_index"
            " where indrelid = cast(:table as regclass) and indisunique and not indisprimary"
        ),
        {"table": f'"{name}"'},
    ).scalars()
    for index in list(indexes):
        connection.execute(text(f"drop index {index}"))


@pytest.mark.wide
@pytest.mark.parametrize("name", [name for name in WALLED if name not in BY_CHANCE])
def test_the_same_keys_may_stand_in_both_programs(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """No unique key says that the other program has such a row: its values are taken without a word."""
    table = _table(name)
    theirs = next(row for row in everything[name] if row["program_id"] == lived_in.other.program_id)
    third = uuid4()
    with as_superuser(lived_in.database) as connection:
        # References are not what is asked here; keys are.
        connection.execute(text("set local session_replication_role = replica"))
        row = _without_the_databases_own(table, theirs) | {"program_id": third}
        connection.execute(insert(table).values(**row))
        assert connection.execute(select(literal(1)).where(table.c.program_id == third)).scalar_one() == 1


@pytest.mark.parametrize("name", sorted(BY_CHANCE))
def test_a_key_that_all_programs_share_is_drawn_at_random_so_that_asking_for_it_tells_nothing(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """Whoever adds a row under the key of another's is told that it is taken, and must hold the secret to ask.

    No short word, address or number can stand there. The rest of such a row's names is the program's own.
    """
    table, column = _table(name), BY_CHANCE[name]
    theirs = [row for row in everything[name] if row["program_id"] == lived_in.other.program_id]
    assert all(len(row[column]) >= 43 for row in theirs), "32 bytes at least, drawn at random"
    mine = next(row for row in everything[name] if row["program_id"] == lived_in.program_id)
    with as_application(lived_in.database, lived_in.program_id) as connection:
        taken = insert(table).values(**anew(table, mine) | {column: theirs[0][column]} | _new_id(table))
        assert _refusal(connection, taken)[0] == TAKEN
        for readable in ("agate@ccsmtl.example", "203.0.113.7", "Agate Améthyste"):
            guessed = insert(table).values(**mine | {column: readable} | _new_id(table))
            assert _refusal(connection, guessed)[0] == CHECKED
        same_id = insert(table).values(**anew(table, mine) | ({"id": theirs[0]["id"]} if "id" in table.c else {}))
        connection.execute(same_id)


def _new_id(table: Table) -> dict[str, UUID]:
    return {"id": uuid4()} if "id" in table.c else {}


# Every way of asking.

#: Each reads people, or what refers to them, in another way; none may answer with anything of the other program.
QUESTIONS = {
    "plain": "select * from person",
    "by the other's id": "select * from person where program_id <> cast(:own as uuid)",
    "a join": "select p.*, t.* from tenure t join person p on p.id = t.person_id",
    "an outer join": "select * from program left join person on person.program_id = program.id",
    "a subquery": "select (select array_agg(p.family_name) from person p where p.program_id = g.id) from program g",
    "laterally": "select x.* from program g, lateral (select * from person p where p.program_id = g.id) x",
    "with a part of its own": "with all_of_them as materialized (select * from person) select * from all_of_them",
    "a sample": "select * from person tablesample system (100)",
    "by place on the disk": "select * from person where ctid >= '(0,0)'::tid",
    "locking": "select * from person for update",
    "what an update returns": "update person set version = version returning *",
    "what an update from another table returns": (
        "update task set version = task.version from person where person.program_id <> task.program_id"
        " returning person.*, task.*"
    ),
    "what is merged": (
        "merge into person using (values (1)) as one(x) on true"
        " when matched then update set version = person.version returning person.*"
    ),
    "the whole as JSON": "select json_agg(to_json(p)) from person p",
    "by a function of one's own": "select * from person where pg_temp.tell(given_name, family_name)",
    "by an error": "select 1 / (case when program_id = cast(:own as uuid) then 1 else 0 end), * from person",
    "what the planner knows": "select tablename, most_common_vals, histogram_bounds::text from pg_stats",
    "letters": "select * from notice",
    "sign-ins": "select * from browser_session, door, identity, passkey, wake_up, meeting_link, calendar_feed",
    "links to refer by": "select * from referral_link, referral, participant",
    "sign-ins by another's digest": "select * from browser_session where token_digest <> ''",
    "the record": "select * from event",
}


@pytest.mark.wide(4)
@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_no_way_of_asking_answers_with_anything_of_the_other_program(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], question: str
) -> None:
    """Rows, errors and notices are searched for every id, name and digest that is the other program's alone."""
    mine, theirs = _told_by(everything, lived_in.program_id), _told_by(everything, lived_in.other.program_id)
    with as_superuser(lived_in.database) as connection:
        connection.execute(text("analyze"))
        connection.commit()
    heard: list[str] = []
    with as_application(lived_in.database, lived_in.program_id) as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        raw.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        # Cheap, so that the planner would ask it before the policy if it could.
        connection.exec_driver_sql(
            "create function pg_temp.tell(a text, b text) returns boolean language plpgsql cost 0.0000001"
            " as $$begin raise notice '%% %%', a, b; return true; end$$"
        )
        asked = text(QUESTIONS[question])
        if ":own" in QUESTIONS[question]:
            asked = asked.bindparams(own=str(lived_in.program_id))
        try:
            heard.extend(str(row) for row in connection.execute(asked))
        except DBAPIError as refused:
            heard.append(str(refused.orig))
    said = "\n".join(heard)
    assert [one for one in theirs - mine if one in said] == []
    if question not in {"by the other's id", "what an update from another table returns", "what the planner knows"}:
        assert [one for one in mine - theirs if one in said], "nothing was answered, and so nothing proved"


def test_copying_and_cursors_are_held_by_the_walls_too(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]]
) -> None:
    mine, theirs = _told_by(everything, lived_in.program_id), _told_by(everything, lived_in.other.program_id)
    with as_application(lived_in.database, lived_in.program_id) as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        with raw.cursor() as cursor:
            for name in WALLED:
                with cursor.copy(sql.SQL("copy {} to stdout").format(sql.Identifier(name))) as copied:
                    said = b"".join(bytes(part) for part in copied).decode()
                assert [one for one in theirs - mine if one in said] == []
                assert str(lived_in.program_id) in said
            cursor.execute("declare everyone scroll cursor for select * from person")
            cursor.execute("fetch all from everyone")
            assert [one for one in theirs - mine if one in str(cursor.fetchall())] == []
            # What comes in by COPY would pass no policy, and so PostgreSQL takes none where one stands.
            with pytest.raises(psycopg.Error) as caught, raw.transaction(), cursor.copy("copy person from stdin"):
                pass
    assert caught.value.sqlstate == errors.FeatureNotSupported.sqlstate


def _told_by(everything: dict[str, list[dict[str, Any]]], program_id: UUID) -> set[str]:
    """The ids, names, addresses and digests in the rows of one program."""
    told = {str(program_id)}
    for name in WALLED:
        for row in everything[name]:
            if row["program_id"] == program_id:
                told |= {str(value) for value in row.values() if isinstance(value, UUID)}
                told |= {str(row[key]) for key in ("token_digest", "credential_id", "email") if row.get(key)}
    told |= {row["family_name"] for row in everything["person"] if row["program_id"] == program_id}
    return told


# Before a program is said, and with one that is none.


@pytest.mark.wide
@pytest.mark.parametrize("said", [None, ""])
@pytest.mark.parametrize("name", CLOSED)
def test_without_a_program_nothing_is_seen_and_nothing_written(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str, said: str | None
) -> None:
    table = _table(name)
    row = _without_the_databases_own(table, everything[name][0])
    with as_application(lived_in.database, None) as connection:
        if said is not None:
            connection.execute(text("select set_config('spheres.program_id', :said, true)"), {"said": said})
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
        assert _refusal(connection, insert(table).values(**row))[0] == REFUSED_BY_POLICY


@pytest.mark.parametrize("said", [None, ""])
@pytest.mark.parametrize("name", FOUND_FIRST)
def test_before_a_program_is_said_a_way_in_is_found_and_used_but_neither_made_nor_taken_away(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str, said: str | None
) -> None:
    table = _table(name)
    row = everything[name][0]
    column = walls.ADDED_BY_OWN[name][0]
    with as_application(lived_in.database, None) as connection:
        if said is not None:
            connection.execute(text("select set_config('spheres.program_id', :said, true)"), {"said": said})
        seen = connection.execute(select(func.count()).select_from(table)).scalar_one()
        assert seen == len(everything[name]) > 1
        assert connection.execute(update(table).values({column: table.c[column]})).rowcount == seen
        assert _refusal(connection, insert(table).values(**anew(table, row)))[0] == REFUSED_BY_POLICY
        if name in walls.DELETABLE:
            assert connection.execute(delete(table)).rowcount == 0


@pytest.mark.parametrize("name", FOUND_FIRST)
def test_once_the_program_is_said_the_rest_of_the_transaction_sees_its_rows_alone(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """As a request does: it finds whose cookie it was given, says the program, and goes on in it."""
    table = _table(name)
    found = next(row for row in everything[name] if row["program_id"] == lived_in.program_id)
    key = and_(*(column == found[column.name] for column in table.primary_key.columns))
    with as_application(lived_in.database, None) as connection:
        whose = connection.execute(select(table.c.program_id, saying(table.c.program_id)).where(key)).one()
        assert whose == (lived_in.program_id, str(lived_in.program_id))
        assert set(connection.execute(select(table.c.program_id)).scalars()) == {lived_in.program_id}
        assert set(connection.execute(select(_table("person").c.program_id)).scalars()) == {lived_in.program_id}


def test_a_program_that_is_no_id_is_refused_and_not_taken_for_any(lived_in: Cast) -> None:
    with as_application(lived_in.database, None) as connection:
        connection.execute(text("select set_config('spheres.program_id', 'any', true)"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(select(func.count()).select_from(_table("person"))).scalar_one()
        assert _code(caught) == errors.InvalidTextRepresentation.sqlstate


def test_asking_to_look_past_the_walls_is_refused(lived_in: Cast) -> None:
    with as_application(lived_in.database, lived_in.program_id) as connection:
        connection.execute(text("set local row_security = off"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(select(_table("person"))).all()
        assert _code(caught) == REFUSED_BY_POLICY


def test_programs_are_seen_to_choose_from_and_none_speaks_for_another(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]]
) -> None:
    """The row holds the whole file that the program was loaded from, so that it closes once one is chosen."""
    program = _table("program")
    ids = {lived_in.program_id, lived_in.other.program_id}
    row = next(row for row in everything["program"] if row["id"] == lived_in.other.program_id)
    with as_application(lived_in.database, None) as connection:
        assert set(connection.execute(select(program.c.id)).scalars()) == ids
        assert connection.execute(update(program).values(source="")).rowcount == 0
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert connection.execute(select(program.c.id)).scalars().all() == [lived_in.program_id]
        another = row | {"id": uuid4(), "key": "third-shore"}
        assert _refusal(connection, insert(program).values(**another))[0] == REFUSED_BY_POLICY
        assert _refusal(connection, delete(program))[0] == REFUSED_BY_POLICY


# The record.


@pytest.mark.wide
@pytest.mark.parametrize("name", sorted(walls.APPEND_ONLY))
@pytest.mark.parametrize("statement", ['update "{0}" set {1} = {1}', 'delete from "{0}"', 'truncate "{0}"'])
def test_what_is_written_once_is_never_changed(lived_in: Cast, name: str, statement: str) -> None:
    key = next(iter(_table(name).primary_key.columns)).name
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert _refusal(connection, text(statement.format(name, key)))[0] == REFUSED_BY_POLICY


_THIS_TRANSACTION: ColumnElement[int] = literal_column("pg_current_xact_id()::text::bigint")


def test_nobody_gives_an_event_the_number_or_the_moment_that_the_database_gives_it(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]]
) -> None:
    table = _table("event")
    held = next(row for row in everything["event"] if row["program_id"] == lived_in.program_id)
    row = _without_the_databases_own(table, held) | {"id": uuid4()}
    dated = insert(table).values(**row, recorded_at=AT)
    # The transaction's number says which lines are complete and may be sealed.
    of_another_transaction = insert(table).values(**row, xid=1)
    # By plain SQL: without these words the number is refused for being the database's, whoever asks.
    numbered = text(
        "insert into event (program_id, id, n, at, actor_as, verb, subject_kind, subject_id, facts)"
        " overriding system value values (:program, :id, 1, now(), 'engine', 'case.opened', 'case', :id, '{}')"
    ).bindparams(program=lived_in.program_id, id=uuid4())
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert _refusal(connection, dated)[0] == REFUSED_BY_POLICY
        assert _refusal(connection, of_another_transaction)[0] == REFUSED_BY_POLICY
        assert _refusal(connection, numbered)[0] == REFUSED_BY_POLICY
        connection.execute(insert(table).values(**row))
        written = connection.execute(
            select(table.c.n, table.c.recorded_at, func.clock_timestamp(), table.c.xid, _THIS_TRANSACTION).where(
                table.c.id == row["id"]
            )
        ).one()
    assert written.n > held["n"]
    assert held["recorded_at"] < written.recorded_at <= written[2]
    assert held["xid"] < written.xid == written[4]


@pytest.mark.wide
@pytest.mark.parametrize("name", TABLES)
def test_no_table_is_emptied_by_the_application(lived_in: Cast, name: str) -> None:
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert _refusal(connection, text(f'truncate "{name}" cascade'))[0] == REFUSED_BY_POLICY


# The pool: a connection that goes from one program to the next.


@pytest.mark.ci
def test_a_thousand_turns_of_two_programs_over_one_pool_never_mix(lived_in: Cast) -> None:
    """Threads of both share few connections, some transactions end badly, and nobody sees the other's people."""
    wrong: list[UUID] = []
    turns = 125

    def work(cast: Cast, seed: int) -> None:
        for turn in range(turns):
            try:
                with cast.session() as session:
                    seen = set(session.execute(select(_table("person").c.program_id)).scalars())
                    wrong.extend(seen - {cast.program_id})
                    assert seen
                    if (turn + seed) % 3 == 0:
                        session.execute(text("select 1 / 0"))
            except DBAPIError:
                continue

    threads = [
        threading.Thread(target=work, args=(cast, seed)) for seed in range(4) for cast in (lived_in, lived_in.other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_the_role_of_the_tests_is_the_one_that_the_walls_are_for(database: Database) -> None:
    with as_application(database, None) as connection:
        assert connection.execute(text("select session_user, current_user")).one() == (walls.APP, walls.APP)
