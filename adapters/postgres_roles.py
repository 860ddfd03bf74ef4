"""The roles and databases of the embedded server, made by its superuser.

Apart from the server itself, since this reads what speaks to a database: who lives as long as the server does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from adapters.cluster import SUPERUSER, PostgresError, not_let_in

_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Superuser:
    """Who signs in to the server of `folder`, through its socket."""

    folder: Path
    socket: Path
    password: str = field(repr=False)

    def provide(self, passwords: Mapping[str, str], owners: Mapping[str, str], *, lets_in: tuple[str, str]) -> None:
        """Make the roles and databases that are missing, by the password of each role and the owner of each database.

        `lets_in` is a database, and who else may enter it. Each statement may have been done before.
        """
        with self._sign_in("postgres") as admin:
            held = {row[0] for row in admin.execute("select rolname from pg_roles")}
            for role, password in passwords.items():
                if role not in held:
                    _make_role(admin, role, password)
            made = {row[0] for row in admin.execute("select datname from pg_database")}
            for database, owner in owners.items():
                name = sql.Identifier(database)
                if database not in made:
                    admin.execute(sql.SQL("create database {} owner {}").format(name, sql.Identifier(owner)))
            for database in (*owners, "postgres"):
                admin.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
            door = sql.SQL("grant connect on database {} to {}")
            admin.execute(door.format(*map(sql.Identifier, lets_in)))
        with self._sign_in(lets_in[0]) as admin:
            admin.execute("create extension if not exists btree_gist")  # equality inside exclusion constraints

    def end_recovery(self, passwords: Mapping[str, str], *, is_over: Callable[[psycopg.Connection[Any]], bool]) -> None:
        """Wait until a recovery `is_over`, and give every role a new password. Raises PostgresError."""
        try:
            with self._sign_in("postgres") as admin:
                while not is_over(admin):
                    time.sleep(_LOOK_SECONDS)
                for role, password in passwords.items():
                    change = sql.SQL("alter role {} password {}")
                    admin.execute(change.format(sql.Identifier(role), _hashed(admin, role, password)))
        except psycopg.OperationalError:
            raise PostgresError(
                "The recovery in %(folder)s was broken off before its end.", folder=str(self.folder)
            ) from None

    def _sign_in(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        try:
            return psycopg.connect(
                host=str(self.socket),
                user=SUPERUSER,
                password=self.password,
                dbname=database,
                autocommit=True,
                connect_timeout=10,
                options="-c client_min_messages=warning",
            )
        except psycopg.OperationalError as refused:
            raise not_let_in(self.folder) from refused


def _make_role(admin: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    """A role that signs in and is nothing more."""
    making = sql.SQL("create role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}")
    admin.execute(making.format(sql.Identifier(role), _hashed(admin, role, password)))


def _hashed(admin: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> sql.Literal:
    """A password as the server keeps it. It is hashed here: the server could log it."""
    return sql.Literal(admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode())
