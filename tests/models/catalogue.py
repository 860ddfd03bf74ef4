"""The whole catalogue of a database as lines, so that two databases can be held against each other."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

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
