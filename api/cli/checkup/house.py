"""The installation as `spheres doctor` finds it, running or stopped. It is only read: nothing here starts or writes."""

from __future__ import annotations

import os
import pwd
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from adapters.account import SYSTEM_USER
from adapters.database import open_session, program_session, reading_engine
from adapters.ledger import NAME as LEDGER_FILE
from adapters.places import WORKING, is_there
from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from adapters.settings import Settings
from api.cli.checkup.asking import Reply, ask, is_our_web
from api.cli.checkup.finding import Words, words
from domain.kernel import col, select, tuples
from locales import N_
from locales.told import Told
from models.program import Program

#: How long a connection, and a statement, of the database may take.
DATABASE_SECONDS: Final = 3

_STOPPED: Final = N_("The embedded database is stopped; the doctor starts nothing. Start it with: spheres up")
_NOT_MADE: Final = N_("No database was made here yet. Make one with: spheres up")
_LOST: Final = N_("There is no database here, and %(there)s lies here, which belongs to one.")
_RESTORE: Final = N_("Bring it back from its copy: spheres restore. Where there never was one, start: spheres up")
_CUT_OFF: Final = N_("A restore into %(folder)s is at work, or was cut off: nothing starts there until it is done.")
_AGAIN: Final = N_("Where none is at work, do it again, with the same command: it begins anew.")
_AWAY: Final = N_("The database does not answer, or does not let us in.")
_OPEN: Final = N_("The file of the embedded database’s passwords can be read by others: close it first.")
_NOT_OURS: Final = N_("The files of the embedded database are another account’s.")


class Away(Exception):
    """The database cannot be asked. `is_stopped` where that is because the embedded one is stopped or not made.

    `todo` is what to do, where that is more than to see that it answers.
    """

    def __init__(self, why: Words, *, is_stopped: bool = False, todo: Words | None = None) -> None:
        super().__init__(why.msgid)
        self.why = why
        self.is_stopped = is_stopped
        self.todo = todo


class House:
    """The settings, the database and the addresses of one installation, at one moment."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        *,
        at: datetime | None = None,
        has_to_run: bool = False,
    ) -> None:
        self.settings = settings
        self.has_to_run = has_to_run  # that nothing runs is a fault then
        self.environment = environment
        self._given = at
        # Before anything is read: our own reading of a file of passwords closes it to others.
        self.modes = {path: mode for path in self._secret_files() if (mode := _mode(path)) is not None}
        self._reaching = threading.Lock()
        self._reached: Engine | Away | None = None
        self._asking = threading.Lock()

    # -------------------------------------------------------------------------------------------------- the database

    @property
    def embedded_folder(self) -> Path | None:
        """The folder of the embedded database; None where the settings name another."""
        return self.settings.data / "postgres" if self.settings.database_url is None else None

    @cached_property
    def urls(self) -> DatabaseUrls:
        """Where each role signs in. Raises Away."""
        folder = self.embedded_folder
        if folder is None:
            named = self.settings
            return DatabaseUrls(
                owner=named.database_owner_url or "",
                app=named.database_url or "",
                prefect=named.prefect_database_url or "",
                admin="",
            )
        self._refuse_to_disturb(folder)
        try:
            server = EmbeddedPostgres(folder)
            if not server.runs():
                raise Away(words(_STOPPED), is_stopped=True)
            return server.urls()
        except OSError:
            raise Away(words(_NOT_OURS)) from None
        except Told as error:
            raise Away(words(error.sentence, **error.facts)) from None

    def _refuse_to_disturb(self, folder: Path) -> None:
        """Raises Away where the embedded database was not made, or to ask about it would change something."""
        if not is_there(folder / "cluster"):
            raise self._not_made()
        if os.geteuid() == 0 and not _is_account(SYSTEM_USER):
            raise Away(words(_NOT_OURS))  # to speak of it as root would make the account under which root runs it
        if self.modes.get(folder / "secrets.json", 0) & 0o077:
            raise Away(words(_OPEN))  # to read it would close it

    def _not_made(self) -> Away:
        """Why there is no embedded database: it is yet to come, or was lost from beside what was written with it."""
        named = self.settings
        for one in (named.ledger / LEDGER_FILE, named.people_keys / "master.json", named.seal_keys):
            if is_there(one):
                return Away(words(_LOST, there=str(one)), todo=words(_RESTORE))
        return Away(words(_NOT_MADE), is_stopped=True)

    @property
    def cut_off(self) -> Away | None:
        """Why nothing starts here, where a restore has not come to its end."""
        folder = self.settings.data
        if not is_there(folder / WORKING):
            return None
        return Away(words(_CUT_OFF, folder=str(folder)), todo=words(_AGAIN))

    @property
    def engine(self) -> Engine:
        """The database as the application signs in, to read alone. It is tried once. Raises Away."""
        with self._reaching:
            if self._reached is None:
                self._reached = self._reach()
        if isinstance(self._reached, Away):
            raise self._reached
        return self._reached

    def _reach(self) -> Engine | Away:
        if self.cut_off is not None:
            return self.cut_off
        try:
            engine = reading_engine(self.urls.app, DATABASE_SECONDS)
            with engine.connect() as connection:
                connection.execute(text("select 1"))
        except Away as away:
            return away
        except SQLAlchemyError:
            return Away(words(_AWAY))
        return engine

    @cached_property
    def at(self) -> datetime:
        """The moment of the look, with its offset, by the clock that workers go by: the database's. Raises Away."""
        if self._given is not None:
            return self._given
        with self.engine.connect() as connection:
            said: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
        return said.astimezone(UTC)

    @contextmanager
    def before_a_program(self) -> Iterator[Session]:
        """A session before it is known which program is meant. Raises Away."""
        with open_session(self.engine) as session:
            yield session

    @contextmanager
    def of_program(self, program_id: UUID) -> Iterator[Session]:
        """A session of one program. Raises Away."""
        with program_session(self.engine, program_id) as session:
            yield session

    @cached_property
    def programs(self) -> list[tuple[UUID, str, str, bool]]:
        """The id, key and time zone of each program, and whether it is a demonstration. Raises Away."""
        with self.before_a_program() as session:
            asked = select(Program.id, Program.key, Program.time_zone, Program.is_demonstration)
            return list(tuples(session, asked.order_by(col(Program.key))))

    # ------------------------------------------------------------------------------------------------- the processes

    @property
    def runs(self) -> bool:
        """Whether the installation runs here: its web answers, also to say that the database is away."""
        with self._asking:
            return is_our_web(self._web_said)

    @property
    def is_demonstration(self) -> bool:
        """Whether it is the demonstration: as what runs here says, which may have been told at its start alone."""
        said = self._web_said.said if self.runs and self._web_said is not None else None
        told = said.get("demonstration") if isinstance(said, Mapping) else None
        return told if isinstance(told, bool) else self.settings.demo

    @cached_property
    def _web_said(self) -> Reply | None:
        return ask(f"http://{reached_at(self.settings.host)}:{self.settings.port}", "/healthz")

    @property
    def is_being_written(self) -> bool:
        """Whether a demonstration's people, or the year behind them, are being written."""
        return is_there(self.settings.being_written)

    # ----------------------------------------------------------------------------------------------------- the files

    def _secret_files(self) -> Iterator[Path]:
        settings = self.settings
        yield settings.engine_word
        yield settings.data / "postgres" / "secrets.json"
        for one in (
            settings.smtp.password_file if settings.smtp else None,
            *(
                file
                for registration in (settings.graph, settings.entra)
                if registration is not None
                for file in (registration.secret_file, registration.certificate_file)
            ),
        ):
            if one is not None:
                yield one


def reached_at(host: str) -> str:
    """Where we reach, from this machine, what listens at `host`: all of its addresses, or one of them."""
    at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, and not listened at
    return f"[{at}]" if ":" in at else at


def _is_account(name: str) -> bool:
    """Whether this machine has an account of that name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _mode(path: Path) -> int | None:
    """The permissions of a file; None where it is not there or may not be looked at."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
