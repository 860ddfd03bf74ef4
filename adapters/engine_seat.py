"""The seat of Prefect's server: one machine of an installation has it, by a lock in the server's own database.

Two servers over one database would each plan and each tell of everything. The database gives the lock to one session,
and lets go of it when that session ends: with its process, with its machine, or where the network between is cut. Who
had the seat is sure to have ended before another serves: it looks more often than the database gives up a silent
session, and who takes the seat after another waits for longer than that look lasts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sqlalchemy import NullPool, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from adapters.engine_settings import SERVER_NAME

_log = logging.getLogger(__name__)

#: Any number that no other lock of Prefect's database uses.
_LOCK: Final = 0x53454154
#: How often who waits tries again. A statement that waited itself would keep the database from clearing up for days.
TRY_SECONDS: Final = 2.0
#: How often who has the seat looks whether it still does, and how long the database may take to answer.
LOOK_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 5.0
#: How long who takes the seat after another leaves it time to end.
GRACE_SECONDS: Final = LOOK_SECONDS + ANSWER_SECONDS + 2.0
#: After so many seconds the database gives up a machine that says nothing more: later than that machine itself does.
SILENT_SECONDS: Final = 20

#: What is wrong with a database that cannot be asked: it is tried again.
_AWAY: Final = (OSError, SQLAlchemyError, TimeoutError)

_OTHERS: Final = (
    "from pg_stat_activity where datname = current_database() and application_name = :server"
    " and pid <> pg_backend_pid()"
)


class SeatLost(Exception):
    """The session that had the seat has ended: another may have it."""


async def take(url: str, *, waits: Callable[[], None], away: Callable[[], None]) -> AsyncConnection:
    """The session that has the seat, once it has it and the server of who had it before is gone.

    Calls `waits` once where another has it, and `away` once where the database does not answer.
    """
    after_another = False
    told: set[Callable[[], None]] = set()

    def tell(why: Callable[[], None]) -> None:
        if why not in told:
            told.add(why)
            why()

    while True:
        try:
            connection = await asyncio.wait_for(_connect(url), ANSWER_SECONDS)
            try:
                while not await _scalar(connection, "select pg_try_advisory_lock(:lock)", lock=_LOCK):
                    after_another = True
                    tell(waits)
                    await asyncio.sleep(TRY_SECONDS)
                if after_another or await _scalar(connection, f"select count(*) {_OTHERS}", server=SERVER_NAME):
                    await asyncio.sleep(GRACE_SECONDS)
                await _end_what_is_left(connection)
            except BaseException:
                await _close(connection)
                raise
        except _AWAY as refused:
            after_another = True
            _log.warning("the seat cannot be asked for", extra={"error": type(refused).__name__})
            tell(away)
            await asyncio.sleep(TRY_SECONDS)
        else:
            return connection


async def keep(connection: AsyncConnection) -> None:
    """Look whether the session still lives, for as long as it does. Raises SeatLost once it does not."""
    ended = asyncio.Event()
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is not None:
        raw.add_termination_listener(lambda _: ended.set())
    while not ended.is_set():
        try:
            await _scalar(connection, "select 1")
        except _AWAY as lost:
            raise SeatLost from lost
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), LOOK_SECONDS)
    raise SeatLost


async def _connect(url: str) -> AsyncConnection:
    """A session for the lock alone, which the database gives up soon where the machine falls silent."""
    third = str(SILENT_SECONDS // 4)
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={
            "timeout": ANSWER_SECONDS,
            "server_settings": {
                "application_name": "spheres engine seat",
                "statement_timeout": "0",
                "idle_session_timeout": "0",
                "tcp_keepalives_idle": third,
                "tcp_keepalives_interval": third,
                "tcp_keepalives_count": "3",
                "tcp_user_timeout": str(SILENT_SECONDS * 1000),
            },
        },
    )
    return await engine.connect()


async def _scalar(connection: AsyncConnection, statement: str, **values: object) -> object:
    return await asyncio.wait_for(connection.scalar(text(statement), values), ANSWER_SECONDS)


async def _end_what_is_left(connection: AsyncConnection) -> None:
    """End the sessions of a server that still runs, though it may no longer: it gets no further in the database."""
    ended = f"select count(pg_terminate_backend(pid)) {_OTHERS}"  # our own words
    count = await _scalar(connection, ended, server=SERVER_NAME)
    if count:
        _log.warning("sessions of another server were ended", extra={"count": count})


async def _close(connection: AsyncConnection) -> None:
    with suppress(*_AWAY):
        await asyncio.wait_for(connection.close(), ANSWER_SECONDS)
