"""The walls between programs, tried on the real database as the role that the web and the worker sign in as."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Connection, Table, delete, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError

from models import walls
from models.tables import metadata
from tests.cast import AT, Cast
from tests.conftest import Database
from tests.models.conftest import TABLES, as_application, as_superuser

POLICIED = [name for name in TABLES if name not in walls.WITHOUT_POLICY]
#: Tables in which every row belongs to one program and is seen by no other.
WALLED = [name for name in POLICIED if name not in walls.READABLE_BY_ALL]

#: Read before a program is known. A new column in one of them wants a thought, and a line here: nothing nominative.
OPEN_COLUMNS = {
    "beat": {"process", "at", "prefect_up"},
    "browser_session": {"token_digest", "program_id", "person_id", "signed_in_at", "seen_at", "ended_at"},
    "wake_up": {
        "program_id",
        "case_id",
        "want",
        "have",
        "wanted_at",
        "not_before",
        "leased_until",
        "leased_by",
        "attempts",
        "trouble",
    },
}


def _table(name: str) -> Table:
    return metadata.tables[name]


def _home(table: Table) -> Any:
    """The column that says to which program a row belongs."""
    return table.c.id if table.name in walls.READABLE_BY_ALL else table.c.program_id


def _code(caught: pytest.ExceptionInfo[DBAPIError]) -> str | None:
    assert isinstance(caught.value.orig, psycopg.Error)
    return caught.value.orig.sqlstate


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
    """Every row of every table, as nobody but the superuser sees them."""
    with as_superuser(lived_in.database) as connection:
        return {
            name: [dict(row) for row in connection.execute(select(_table(name))).mappings()] for name in sorted(TABLES)
        }


# What the catalogue says.


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


def test_nothing_stands_without_a_policy_but_ids_moments_and_counts(lived_in: Cast) -> None:
    with as_superuser(lived_in.database) as connection:
        rows = connection.execute(
            text("select table_name, column_name from information_schema.columns where table_schema = 'public'")
        )
        found: dict[str, set[str]] = {}
        for table, column in rows:
            found.setdefault(table, set()).add(column)
    assert {name: found[name] for name in walls.WITHOUT_POLICY} == OPEN_COLUMNS


def test_every_policy_is_for_everyone_and_none_lets_more_through_than_the_others(lived_in: Cast) -> None:
    with as_superuser(lived_in.database) as connection:
        rows = connection.execute(
            text("select tablename, policyname, permissive, roles::text[], cmd from pg_policies order by 1, 2")
        ).all()
    per_table: dict[str, list[tuple[str, str]]] = {}
    for table, name, permissive, roles, command in rows:
        assert (permissive, roles) == ("PERMISSIVE", ["public"]), (table, name)
        per_table.setdefault(table, []).append((name, command))
    program = [("everyone_reads", "SELECT"), ("own_is_added", "INSERT"), ("own_is_changed", "UPDATE")]
    assert per_table.pop("program") == program
    assert per_table == {name: [("own_program", "ALL")] for name in WALLED}


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
    # A sign-in is found by its cookie's digest and a process by its name; the table of migrations is Alembic's.
    assert without == {
        ("beat", "pk_beat"),
        ("browser_session", "pk_browser_session"),
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
            expected[name] |= {"INSERT", "UPDATE"}
        if name in walls.DELETABLE:
            expected[name].add("DELETE")
    assert held == expected
    assert not creates


# One program at the other's rows, table by table.


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


@pytest.mark.parametrize("name", POLICIED)
def test_a_program_changes_no_row_of_the_other(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    table = _table(name)
    home = _home(table)
    other = lived_in.other.program_id
    own = sum(row[home.name] == lived_in.program_id for row in everything[name])
    column = next(iter(table.primary_key.columns))
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


@pytest.mark.parametrize("name", POLICIED)
def test_a_program_deletes_no_row_of_the_other(lived_in: Cast, name: str) -> None:
    table = _table(name)
    with as_application(lived_in.database, lived_in.program_id) as connection:
        aimed = delete(table).where(_home(table) == lived_in.other.program_id)
        if name in walls.DELETABLE:
            assert connection.execute(aimed).rowcount == 0
            assert connection.execute(delete(table)).rowcount > 0
        else:
            assert _refusal(connection, aimed)[0] == REFUSED_BY_POLICY
    with as_superuser(lived_in.database) as connection:
        left = select(func.count()).select_from(table).where(_home(table) == lived_in.other.program_id)
        assert connection.execute(left).scalar_one() > 0


def _without_the_databases_own(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    withheld = {"n"} if table.name == "notice" else set(walls.APPEND_ONLY.get(table.name, ()))
    return {name: value for name, value in row.items() if name not in withheld}


@pytest.mark.parametrize("name", WALLED)
def test_writing_to_the_other_program_is_refused_alike_whether_the_row_is_there_or_not(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """The policy answers before any key does, so that a refusal does not tell what the other program holds."""
    table = _table(name)
    taken = next(row for row in everything[name] if row["program_id"] == lived_in.other.program_id)
    row = _without_the_databases_own(table, taken)
    fresh = row | {column.name: uuid4() for column in table.columns if isinstance(row.get(column.name), UUID)}
    fresh["program_id"] = lived_in.other.program_id
    with as_application(lived_in.database, lived_in.program_id) as connection:
        there = _refusal(connection, insert(table).values(**row))
        nowhere = _refusal(connection, insert(table).values(**fresh))
    assert there == nowhere
    assert there[0] == REFUSED_BY_POLICY
    assert "row-level security" in there[1]


@pytest.mark.parametrize("name", WALLED)
def test_a_reference_to_the_other_s_row_is_refused_as_one_to_no_row_at_all(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]], name: str
) -> None:
    """A row of one's own that names the other's person, case or task: the database says that there is no such row."""
    table = _table(name)
    pointing = {
        column.parent.name
        for key in table.foreign_key_constraints
        for column in key.elements
        if column.parent.name != "program_id"
    }
    mine = _without_the_databases_own(
        table, next(row for row in everything[name] if row["program_id"] == lived_in.program_id)
    )
    for column in sorted(pointing):
        target = next(iter(_references(table, column)))
        theirs = next(row["id"] for row in everything[target] if row["program_id"] == lived_in.other.program_id)
        refusals = []
        for aimed_at in (theirs, uuid4()):
            row = mine | ({"id": uuid4()} if "id" in mine else {}) | {column: aimed_at}
            with as_superuser(lived_in.database) as connection:
                # Other keys would answer first: the row that is copied already stands.
                _lift_other_keys(connection, name)
                connection.execute(text(f"set local role {walls.APP}"))
                connection.execute(
                    text("select set_config('spheres.program_id', :id, true)"), {"id": str(lived_in.program_id)}
                )
                refusals.append(_refusal(connection, insert(table).values(**row)))
        assert refusals[0] == refusals[1]
        assert refusals[0][0] == NO_SUCH_ROW, (name, column)


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
        connection.execute(text(f'alter table "{name}" drop constraint "{constraint}"'))
    indexes = connection.execute(
        text(
            "select indexrelid::regclass::text from pg_index"
            " where indrelid = cast(:table as regclass) and indisunique and not indisprimary"
        ),
        {"table": f'"{name}"'},
    ).scalars()
    for index in list(indexes):
        connection.execute(text(f"drop index {index}"))


@pytest.mark.parametrize("name", WALLED)
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


# Without a program, and with one that is none.


@pytest.mark.parametrize("said", [None, ""])
@pytest.mark.parametrize("name", WALLED)
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


def test_a_program_sees_that_the_other_exists_and_cannot_speak_for_it(lived_in: Cast) -> None:
    program = _table("program")
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert len(connection.execute(select(program.c.key)).scalars().all()) == 2
        row = dict(
            connection.execute(select(program).where(program.c.id == lived_in.other.program_id)).mappings().one()
        )
        another = row | {"id": uuid4(), "key": "third-shore"}
        assert _refusal(connection, insert(program).values(**another))[0] == REFUSED_BY_POLICY
        assert _refusal(connection, delete(program))[0] == REFUSED_BY_POLICY


# The record.


@pytest.mark.parametrize("name", sorted(walls.APPEND_ONLY))
@pytest.mark.parametrize("statement", ['update "{0}" set id = id', 'delete from "{0}"', 'truncate "{0}"'])
def test_what_is_written_once_is_never_changed(lived_in: Cast, name: str, statement: str) -> None:
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert _refusal(connection, text(statement.format(name)))[0] == REFUSED_BY_POLICY


def test_nobody_gives_an_event_the_number_or_the_moment_that_the_database_gives_it(
    lived_in: Cast, everything: dict[str, list[dict[str, Any]]]
) -> None:
    table = _table("event")
    held = next(row for row in everything["event"] if row["program_id"] == lived_in.program_id)
    row = _without_the_databases_own(table, held) | {"id": uuid4()}
    dated = insert(table).values(**row, recorded_at=AT)
    # By plain SQL: without these words the number is refused for being the database's, whoever asks.
    numbered = text(
        "insert into event (program_id, id, n, at, actor_as, verb, subject_kind, subject_id, facts)"
        " overriding system value values (:program, :id, 1, now(), 'engine', 'case.opened', 'case', :id, '{}')"
    ).bindparams(program=lived_in.program_id, id=uuid4())
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert _refusal(connection, dated)[0] == REFUSED_BY_POLICY
        assert _refusal(connection, numbered)[0] == REFUSED_BY_POLICY
        connection.execute(insert(table).values(**row))
        written = connection.execute(
            select(table.c.n, table.c.recorded_at, func.clock_timestamp()).where(table.c.id == row["id"])
        ).one()
    assert written.n > held["n"]
    assert held["recorded_at"] < written.recorded_at <= written[2]


@pytest.mark.parametrize("name", TABLES)
def test_no_table_is_emptied_by_the_application(lived_in: Cast, name: str) -> None:
    with as_application(lived_in.database, lived_in.program_id) as connection:
        assert _refusal(connection, text(f'truncate "{name}" cascade'))[0] == REFUSED_BY_POLICY


# The pool: a connection that goes from one program to the next.


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
