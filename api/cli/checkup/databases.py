"""The database: whether it answers, at which migration it stands, with which role we sign in, and what room is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.database import BEHIND, OF_TRIALS, PASSES_WALLS, known_migrations, reading_engine
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import DATABASE_SECONDS, Away, House
from api.cli.ready import AHEAD, OF_A_TRIAL, PASSES_EVERY_WALL
from locales import N_

#: The oldest PostgreSQL on which the program is tried.
_OLDEST: Final = 15
#: So many connections should be left to others, and so many have to be.
_FEW_CONNECTIONS, _NO_CONNECTIONS = 20, 5
_MEBIBYTE: Final = 1 << 20
_LITTLE_ROOM, _NO_ROOM = 2048, 256

ANSWERS: Final = Check("database.answers", N_("The database answers"))
MIGRATION: Final = Check("database.migration", N_("Its tables are those of this version"))
ROLE: Final = Check("database.role", N_("The application signs in with a role that the walls bind"))
CONNECTIONS: Final = Check("database.connections", N_("Connections are left"))
DATA_ROOM: Final = Check("room.data", N_("The disk of the data folder has room"))
DATABASE_ROOM: Final = Check("room.database", N_("The disk of the database has room"))

_SEE_ADDRESS: Final = N_("See that it runs, and that DATABASE_URL is right: host, port, name, user and password.")
_CONNECTIONS: Final = text(
    "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - (select count(*) from pg_stat_activity where backend_type = 'client backend')"
)


def look(house: House) -> Iterator[Finding]:
    """Look at the disks first, which need no database."""
    yield _room(DATA_ROOM, house.settings.data)
    folder = house.embedded_folder
    if folder is None:
        yield DATABASE_ROOM.not_asked(words(N_("It is on a server of its own: look there.")))
    else:
        yield _room(DATABASE_ROOM, folder)
    try:
        engine = house.engine
    except Away as away:
        yield _absent(away)
        yield from (one.not_asked(away.why) for one in (MIGRATION, ROLE, CONNECTIONS))
        return
    with engine.connect() as connection:
        yield _answers(connection)
        yield _connections(connection)
        yield _role(connection)
    yield _migration(house)


def _absent(away: Away) -> Finding:
    return ANSWERS.not_asked(away.why) if away.is_stopped else ANSWERS.wrong(away.why, away.todo or words(_SEE_ADDRESS))


def _answers(connection: Connection) -> Finding:
    number = int(connection.scalar(text("select current_setting('server_version_num')::int")) or 0)
    version = f"{number // 10_000}.{number % 10_000}"
    if number // 10_000 < _OLDEST:
        return ANSWERS.wrong(
            words(N_("It is PostgreSQL %(version)s."), version=version),
            words(N_("Bring the server to PostgreSQL %(oldest)s or newer."), oldest=str(_OLDEST)),
        )
    return ANSWERS.ok(N_("It is PostgreSQL %(version)s."), version=version)


def _connections(connection: Connection) -> Finding:
    left = int(connection.scalar(_CONNECTIONS) or 0)
    seen = words(N_("Connections left: %(left)s."), left=left)
    todo = words(N_("Raise max_connections of the server, or end what else uses it."))
    if left < _NO_CONNECTIONS:
        return CONNECTIONS.wrong(seen, todo)
    if left < _FEW_CONNECTIONS:
        return CONNECTIONS.warn(seen, todo)
    return CONNECTIONS.ok(seen.msgid, **seen.facts)


def _role(connection: Connection) -> Finding:
    if connection.scalar(text(PASSES_WALLS)):
        return ROLE.wrong(
            words(PASSES_EVERY_WALL), words(N_("Make such a role as README says, and name it in DATABASE_URL."))
        )
    return ROLE.ok(N_("It owns nothing, and is no superuser."))


def _migration(house: House) -> Finding:
    if not house.urls.owner:
        return MIGRATION.not_asked(words(N_("DATABASE_OWNER_URL is not set, and the owner alone may read it.")))
    engine = reading_engine(house.urls.owner, DATABASE_SECONDS)
    try:
        with engine.connect() as connection:
            made = connection.scalar(text("select to_regclass('public.alembic_version')")) is not None
            standing = connection.scalar(text("select version_num from alembic_version")) if made else None
    except SQLAlchemyError:
        return MIGRATION.wrong(
            words(N_("The owner of the database cannot sign in.")),
            words(N_("See that DATABASE_OWNER_URL is right: host, port, name, user and password.")),
        )
    finally:
        engine.dispose()
    return _compared(str(standing) if standing is not None else "")


def _compared(standing: str) -> Finding:
    newest, known = known_migrations()
    seen = words(N_("It stands at %(standing)s, this version at %(newest)s."), standing=standing or "–", newest=newest)
    if standing == newest:
        return MIGRATION.ok(N_("It stands at %(standing)s."), standing=standing)
    if standing in OF_TRIALS:
        return MIGRATION.wrong(seen, words(OF_A_TRIAL))
    return MIGRATION.wrong(seen, words(BEHIND if standing in known or not standing else AHEAD))


def _room(check: Check, folder: Path) -> Finding:
    """The room on the disk of a folder that may not be there yet."""
    there = next(one for one in (folder, *folder.parents) if _is_folder(one))
    left = shutil.disk_usage(there).free // _MEBIBYTE
    seen = words(N_("Room left for %(folder)s: %(left)s MB."), folder=str(folder), left=left)
    todo = words(N_("Make room there: a full disk stops the program, and what people write is refused."))
    if left < _NO_ROOM:
        return check.wrong(seen, todo)
    return check.warn(seen, todo) if left < _LITTLE_ROOM else check.ok(seen.msgid, **seen.facts)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


GROUP: Final = Group(
    "database", N_("Database"), (DATA_ROOM, DATABASE_ROOM, ANSWERS, MIGRATION, ROLE, CONNECTIONS), look
)
