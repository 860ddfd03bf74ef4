"""A migrated database is the one that the models describe: the whole catalogue is compared, walls and grants included.

Alembic's own comparison sees neither exclusion constraints nor CHECKs, predicates, policies, grants and triggers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Final

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, Text, create_engine, func, select, text

from adapters.database import build_fresh, migrate
from models.tables import metadata
from tests.casework import open_onboarding
from tests.cast import Cast
from tests.conftest import Copies, Database
from tests.models.conftest import TABLES, as_superuser

#: What makes up the schema `public`, each query giving lines that say it whole. `alembic_version` is Alembic's own.
_LINES: Final = {
    "table": """
        select c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
            c.relowner::regrole, c.reloptions, c.relreplident, c.relispartition
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname !~ '^alembic_version'
            and c.relkind not in ('i', 'I') and not {of_extension}
    """,
    "view": """
        select c.relname, pg_get_viewdef(c.oid) from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
    """,
    "column": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
            a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid), a.attstorage, a.attcompression
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where c.relnamespace = 'public'::regnamespace and c.relname !~ '^alembic_version'
            and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
    """,
    "constraint": """
        select conrelid::regclass, contypid::regtype, conname, contype, pg_get_constraintdef(c.oid), condeferrable,
            condeferred, convalidated, connoinherit, conislocal
        from pg_constraint c where connamespace = 'public'::regnamespace
            and conrelid is distinct from to_regclass('alembic_version')
    """,
    "index": """
        select i.indrelid::regclass, c.relname, pg_get_indexdef(c.oid), i.indisvalid, i.indisready, i.indisreplident,
            i.indisclustered, c.reloptions
        from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = 'public'::regnamespace and c.relname !~ '^alembic_version'
    """,
    "policy": """
        select tablename, policyname, permissive, roles, cmd, qual, with_check
        from pg_policies where schemaname = 'public'
    """,
    "trigger": """
        select t.tgrelid::regclass, pg_get_triggerdef(t.oid), t.tgenabled
        from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
    """,
    "rule": "select schemaname, tablename, rulename, definition from pg_rules where schemaname = 'public'",
    "grant on table": """
        select c.relname, g.grantee::regrole, g.privilege_type, g.is_grantable, g.grantor::regrole
        from pg_class c, aclexplode(c.relacl) g
        where c.relnamespace = 'public'::regnamespace and c.relname !~ '^alembic_version' and not {of_extension}
    """,
    "grant on column": """
        select c.relname, a.attname, g.grantee::regrole, g.privilege_type, g.is_grantable
        from pg_class c join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) g
        where c.relnamespace = 'public'::regnamespace and c.relname !~ '^alembic_version'
    """,
    "grant on schema": """
        select n.nspname, n.nspowner::regrole, g.grantee::regrole, g.privilege_type, g.is_grantable
        from pg_namespace n, aclexplode(n.nspacl) g where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    """,
    "grant to come": """
        select d.defaclrole::regrole, d.defaclobjtype, g.grantee::regrole, g.privilege_type
        from pg_default_acl d, aclexplode(d.defaclacl) g
    """,
    "function": """
        select p.oid::regprocedure, p.proowner::regrole, p.prosecdef, p.proacl, pg_get_functiondef(p.oid)
        from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
            and not exists (select 1 from pg_depend x where x.objid = p.oid and x.deptype = 'e')
    """,
    "sequence": """
        select sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size
        from pg_sequences where schemaname = 'public'
    """,
    "type": """
        select t.typname, t.typtype, t.typowner::regrole, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
            (select array_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)
        from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype in ('d', 'e', 'r')
            and not exists (select 1 from pg_depend x where x.objid = t.oid and x.deptype = 'e')
    """,
    "schema": "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'",
    "extension": "select extname, extversion, extnamespace::regnamespace from pg_extension",
    "event trigger": "select evtname, evtevent, evtenabled, evtfoid::regprocedure from pg_event_trigger",
    "statistics": """
        select stxname, pg_get_statisticsobjdef(oid) from pg_statistic_ext
        where stxnamespace = 'public'::regnamespace
    """,
    "comment": """
        select objoid::regclass, objsubid, description from pg_description join pg_class c on c.oid = objoid
        where classoid = 'pg_class'::regclass and c.relnamespace = 'public'::regnamespace
    """,
}
_OF_EXTENSION: Final = "exists (select 1 from pg_depend x where x.objid = c.oid and x.deptype = 'e')"


def catalogue(connection: Connection) -> set[str]:
    """Everything that the schema is, a line each: two databases are alike when their lines are."""
    return {
        f"{kind}: " + " | ".join("-" if value is None else str(value) for value in row)
        for kind, query in _LINES.items()
        for row in connection.execute(text(query.replace("{of_extension}", _OF_EXTENSION).replace(":", r"\:")))
    }


@pytest.fixture(scope="module")
def fresh(copies: Copies) -> Iterator[set[str]]:
    """The catalogue of a database built from the models, without a migration."""
    with copies.of("template0") as made:
        build_fresh(made.owner_url)
        with as_superuser(made) as connection:
            yield catalogue(connection)


@pytest.fixture(scope="module")
def migrated(copies: Copies) -> Iterator[Database]:
    """A database that every migration made, from nothing."""
    with copies.of("template0") as made:
        migrate(made.owner_url)
        yield made


def test_the_migrations_make_the_database_that_the_models_describe(fresh: set[str], migrated: Database) -> None:
    with as_superuser(migrated) as connection:
        made = catalogue(connection)
    assert sorted(fresh - made) == [], "the models say this, and no migration makes it"
    assert sorted(made - fresh) == [], "a migration makes this, and the models do not say it"


def test_the_comparison_reads_every_table_with_its_columns_walls_and_grants(fresh: set[str]) -> None:
    """A comparison of two empty readings would be content with anything."""
    for name in TABLES:
        for kind in ("table", "column", "constraint", "index", "grant on table"):
            quoted = f'("?){re.escape(name)}\\1'
            assert any(re.match(f"{kind}: {quoted} \\|", line) for line in fresh), (kind, name)
    kinds = {line.partition(":")[0] for line in fresh}
    assert {"policy", "grant on column", "grant on schema", "sequence", "extension", "schema"} <= kinds


@pytest.mark.parametrize(
    "change",
    [
        "create table stray (id int)",
        "alter table person add column shoe_size int",
        "alter table person drop column phone",
        "alter table person alter column phone type text",
        "alter table person alter column phone set not null",
        "alter table person alter column given_name drop not null",
        "alter table person alter column language set default 'fr'",
        "alter table event alter column recorded_at set default now()",
        "alter table event alter column recorded_at drop default",
        "alter table event alter column n set generated by default",
        'alter table person alter column given_name type varchar collate "C"',
        "alter table event alter column n set cache 20",
        "alter table person drop constraint ck_person_language",
        "alter table person drop constraint ck_person_email, add constraint ck_person_email check (email <> '')",
        (
            "alter table person drop constraint ck_person_email,"
            " add constraint ck_person_email check (email is null or email like '%_@_%') not valid"
        ),
        "alter table person rename constraint ck_person_email to ck_person_mail",
        "alter table tenure drop constraint one_tenure_at_a_time",
        (
            "alter table tenure drop constraint one_holder, add constraint one_holder exclude using gist"
            " (program_id with =, role with =, organization_id with =, daterange(starts_on, ends_on, '[)') with &&)"
            " where (single_holder)"
        ),
        (
            "alter table tenure drop constraint one_holder, add constraint one_holder exclude using gist"
            " (program_id with =, role with =, organization_id with =, daterange(starts_on, ends_on, '[]') with &&)"
        ),
        (
            "alter table task drop constraint fk_task_program_id_done_by, add constraint fk_task_program_id_done_by"
            " foreign key (program_id, done_by) references person (program_id, id) on delete cascade"
        ),
        "alter table task alter constraint fk_task_program_id_done_by deferrable initially deferred",
        "alter table role drop constraint uq_role_program_id_key",
        "drop index ix_task_owed",
        "drop index ix_task_owed; create index ix_task_owed on task (program_id, owed_by_id) where state = 'done'",
        "drop index one_open_case",
        (
            'drop index one_open_case; create unique index one_open_case on "case"'
            " (program_id, protocol, subject_id, organization_id)"
        ),
        "create index one_too_many on person (family_name)",
        "alter table person disable row level security",
        "alter table person force row level security",
        "drop policy own_program on person",
        "alter policy own_program on person using (true)",
        "alter policy own_program on person with check (true)",
        "alter policy own_program on person to spheres_app",
        "create policy another on person for select using (true)",
        "create policy another on person as restrictive using (true)",
        "grant delete on person to spheres_app",
        "grant select on person to public",
        "grant update (facts) on event to spheres_app",
        "grant insert (n) on event to spheres_app",
        "revoke insert on person from spheres_app",
        "grant select on person to spheres_app with grant option",
        "grant create on schema public to spheres_app",
        "alter default privileges grant delete on tables to spheres_app",
        "create function f() returns int language sql as 'select 1'",
        (
            "create function f() returns trigger language plpgsql as 'begin return new; end';"
            " create trigger t before update on person for each row execute function f()"
        ),
        "create rule quiet as on delete to person do instead nothing",
        "create view everyone as select * from person",
        "create sequence stray",
        "create type mood as enum ('good')",
        "create schema elsewhere",
        "drop extension plpgsql",
        "alter table person owner to spheres_app",
        "alter table person set (fillfactor = 50)",
        "alter table person replica identity full",
        "create statistics stray on given_name, family_name from person",
        "comment on table person is 'somebody'",
    ],
)
def test_the_comparison_sees_a_difference(migrated: Database, change: str) -> None:
    with as_superuser(migrated) as connection:
        before = catalogue(connection)
        connection.exec_driver_sql(change.replace("%", "%%"))
        assert catalogue(connection) != before


def test_migrating_again_changes_nothing_while_cases_are_open(cast: Cast) -> None:
    """An operator upgrades a program that works: what lives in it is still there, and people work on."""
    case_id = open_onboarding(cast)
    before = _everything(cast.database)
    with as_superuser(cast.database) as connection:
        schema = catalogue(connection)
    migrate(cast.database.owner_url)
    assert _everything(cast.database) == before
    with as_superuser(cast.database) as connection:
        assert catalogue(connection) == schema
        held = connection.execute(text('select count(*) from "case" where id = :id'), {"id": case_id}).scalar_one()
    assert held == 1


def test_the_migrations_stand_in_one_line_from_nothing_to_the_newest() -> None:
    """Two heads would be two schemas, and which one an operator gets would be chance."""
    with as_file(files("models.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        scripts = ScriptDirectory.from_config(config)
        heads = scripts.get_heads()
        bases = scripts.get_bases()
        line = [script.revision for script in scripts.walk_revisions()]
    assert len(heads) == 1
    assert len(bases) == 1
    assert len(line) == len(set(line)) >= 1


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_database: Database) -> None:
    """A table of ours is in the way: nothing of the migration stays, and once it is away the same command succeeds."""
    engine = create_engine(empty_database.owner_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("create table wake_up (x int)"))
    with pytest.raises(Exception, match="wake_up"):
        migrate(empty_database.owner_url)
    with engine.connect() as connection:
        standing = set(
            connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars()
        )
        assert standing <= {"wake_up", "alembic_version"}
    with engine.begin() as connection:
        connection.execute(text("drop table wake_up"))
    engine.dispose()
    migrate(empty_database.owner_url)
    with as_superuser(empty_database) as connection:
        assert connection.execute(text("select count(*) from task")).scalar_one() == 0


def _everything(database: Database) -> dict[str, list[str]]:
    with as_superuser(database) as connection:
        return {
            name: sorted(connection.execute(select(func.row_to_json(table.table_valued()).cast(Text))).scalars())
            for name, table in metadata.tables.items()
        }
