"""The databases that the settings name, or the embedded ones, which are started again where they go down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final, Protocol

from adapters.account import SYSTEM_USER, OpenedTo
from adapters.postgres import DatabaseUrls, EmbeddedPostgres, PostgresError
from adapters.settings import Settings
from api.cli.spoken import tell_apart
from locales import N_, current_language, say

#: How often the embedded server is looked at, and how long at most it waits before it is tried again.
LOOK_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 30.0

_OPENED_TO_IT: Final = N_(
    "The database does not run as root, but as the account %(account)s. That account may now pass through the folders"
    " above the database and its program; it cannot list or read them."
)
_OPENED_TO_ALL: Final = N_(
    "The database does not run as root, but as the account %(account)s. Every account of this machine may now pass"
    " through the folders above the database and its program; it cannot list or read them."
)


class Server(Protocol):
    """A server that can be seen to and started again, as `EmbeddedPostgres`."""

    def runs(self) -> bool:
        """Whether it lives."""
        ...

    def start(self) -> None:
        """Have it running. Raises PostgresError."""
        ...


@contextmanager
def databases(
    settings: Settings, *, make: bool = False, kept: Callable[[str], None] | None = None
) -> Iterator[DatabaseUrls]:
    """Where each role signs in: the server that the settings name, or the embedded one, started for as long as this.

    Says once, where errors are said, which folders root opened to the server's account.

    The embedded one is made only with `make`; else, where it is not there, raises PostgresError and leaves no trace.
    With `kept`, it is started again where it goes down meanwhile, and `kept` is told so.
    """
    if settings.database_url is not None:
        yield DatabaseUrls(
            owner=settings.database_owner_url or "",
            app=settings.database_url,
            prefect=settings.prefect_database_url or "",
            admin="",
        )
        return
    folder = settings.data / "postgres"
    server = EmbeddedPostgres(folder, archive=settings.backups.archived, stays=kept is not None)
    if not make and not server.is_made():
        raise PostgresError(
            "There is no database here: there is none in %(folder)s. Make one with: spheres migrate (or spheres up). "
            "Where it is elsewhere, say so in SPHERES_DATA or DATABASE_URL.",
            folder=str(settings.data),
        )
    with server, keeping(server, kept) if kept is not None else nullcontext():
        if server.opened:
            sentence = _OPENED_TO_ALL if OpenedTo.TO_EVERYONE in server.opened else _OPENED_TO_IT
            tell_apart(sentence, account=SYSTEM_USER)
        yield server.urls()


@contextmanager
def keeping(server: Server, tell: Callable[[str], None], *, look_seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Start a server again where it goes down: after a full disk, say, it ends itself and cannot start until there is
    room. Each try that fails is told of, and waits twice as long as the last.
    """
    over = threading.Event()
    language = current_language()  # the thread that watches has a context of its own

    def watch() -> None:
        wait = look_seconds
        while not over.wait(wait):
            if server.runs():
                wait = look_seconds
                continue
            tell(say(language, N_("The database ended; it is started again.")))
            try:
                server.start()
            except PostgresError as error:
                wait = min(LONGEST_WAIT_SECONDS, wait * 2)
                again = say(language, N_("It is tried again in %(seconds)s s."), seconds=f"{wait:.0f}")
                tell(f"{error.told_in(language)}\n{again}")

    watching = threading.Thread(target=watch, name="database", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
