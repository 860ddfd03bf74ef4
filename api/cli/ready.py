"""Whether the database is ready for a command: bringing it to the newest migration, and telling that it is not."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exists, literal, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlmodel import Session

from adapters.database import BEHIND, NewerDatabase, TrialDatabase, is_being_restored, migrate, passes_walls
from adapters.ledger import has_lines
from adapters.places import is_there
from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from adapters.settings import Settings
from api.cli.lone_ledger import alone
from api.cli.spoken import Ending, fail
from domain.kernel import col, run, scalar, select
from domain.restoring import Disagrees, told_of_ledger
from locales import N_, current_language, say
from locales.told import Told
from models import walls
from models.participant import DataKey
from models.program import Program
from models.record import Seal
from models.tables import metadata

_AWAY: Final = N_(
    "The database does not answer or does not let us in: see that it runs and that its address is right, and look "
    "whether anything was saved before you try again."
)

AHEAD: Final = N_(
    "A newer version of the program has brought this database further than this one knows. Nothing was changed: start "
    "the newer one again, or put back the copy of before the upgrade."
)
OF_A_TRIAL: Final = N_(
    "A trial version of the program made this database, before the first release. This version cannot work with it, "
    "and changed nothing. To keep the program's file, run “spheres program export” with the version that made it. "
    "Then start with an empty database: write its address in DATABASE_URL and DATABASE_OWNER_URL."
)
_OF_A_TRIAL_HERE: Final = N_(
    "A trial version of the program made this database, before the first release. This version cannot work with it, "
    "and changed nothing. To keep the program's file, run “spheres program export” with the version that made it. "
    "Then move the folder %(folder)s away, with the keys that lie in it, and start again: a new database is made."
)
PASSES_EVERY_WALL: Final = N_(
    "DATABASE_URL signs in as a role that passes every wall of the database: a superuser, one with "
    "BYPASSRLS, or one that may act as the owner of the tables. The application needs a role that is "
    "none of these, such as spheres_app."
)
_SEALED_ELSEWHERE: Final = N_(
    "The record of this database was sealed with keys that are not here: %(file)s. Put the file back from its copy. "
    "Where there is none, begin with a new key: spheres keys init"
)
_PEOPLE_ELSEWHERE: Final = N_(
    "This database holds participants whose keys are not here: %(file)s. Put the "
    "folder back from its copy. If there is none, their identities can no longer be "
    "read; begin with new keys: spheres keys init"
)

#: What PostgreSQL answers (SQLSTATE) where its disk is full.
_NO_ROOM: Final = "53100"
#: And where a table, a column or a function is not there: a migration is yet to come.
_NOT_THERE: Final = frozenset({"42P01", "42703", "42883"})


def bring_to_newest(settings: Settings, urls: DatabaseUrls, *, restoring: bool = False) -> None:
    """Bring the database to the newest migration.

    Raises Ending where no owner's sign-in is set, where the database is newer than this program, or where a trial
    version made it. It raises Ending, too, where the walls of the database would not bind the application's role, and
    where a copy is being brought back into it, unless by the caller.
    """
    if not urls.owner:
        raise Ending(say(current_language(), N_("To migrate, DATABASE_OWNER_URL has to say how the owner signs in.")))
    if not restoring:
        refuse_while_restoring(settings, urls)
    try:
        migrate(urls.owner)
    except NewerDatabase:
        raise Ending(say(current_language(), AHEAD)) from None
    except TrialDatabase:
        server = EmbeddedPostgres(settings.data / "postgres")
        if server.is_made() and server.urls().owner == urls.owner:
            raise Ending(say(current_language(), _OF_A_TRIAL_HERE, folder=str(settings.data))) from None
        raise Ending(say(current_language(), OF_A_TRIAL)) from None
    if passes_walls(urls.app):
        raise Ending(say(current_language(), PASSES_EVERY_WALL))


def refuse_while_restoring(settings: Settings, urls: DatabaseUrls) -> None:
    """Raises Ending where a copy is being brought back, also by another machine, or that was cut off."""
    if is_being_restored(urls.owner):
        raise Ending(told_of_ledger(Disagrees("restoring"), settings.ledger, current_language()))


def refuse_real_program(session: Session) -> None:
    """Raises Ending where the database holds a program that is no demonstration. Of a session before any is known."""
    if scalar(session, select(literal(1)).where(exists().where(col(Program.is_demonstration).is_(False)))):
        raise Ending(
            say(
                current_language(),
                N_("This database holds a real program: the demonstration is not loaded. Start with --no-demo."),
            )
        )


def is_demonstrated(session: Session) -> bool:
    """Whether the demonstration is there with the year behind it. Of a session before any program is known."""
    written = exists().where(col(Program.is_demonstration), col(Program.year_written_at).is_not(None))
    return bool(scalar(session, select(written)))


def forget_unfinished_demonstration(session: Session) -> None:
    """Empty a database that holds a demonstration without its past year, so that both are written anew.

    The year cannot be put behind acts of people, or of the program for them. The session is the owner's, which no wall
    binds. Raises Ending, and touches nothing, where the database holds a real program.
    """
    run(session, text("lock table program in access exclusive mode"))
    refuse_real_program(session)
    unfinished = exists().where(col(Program.is_demonstration), col(Program.year_written_at).is_(None))
    if scalar(session, select(unfinished)):
        quoted = session.connection().dialect.identifier_preparer
        # What was seen of the ledger stays: else this would look like an older copy of the database.
        emptied = [table for table in metadata.sorted_tables if table.name not in walls.OF_THE_LEDGER]
        tables = ", ".join(quoted.format_table(table) for table in emptied)
        run(session, text(f"truncate {tables}"))


def refuse_lost_keys(session: Session, settings: Settings) -> None:
    """Raises Ending where the database was written with keys that do not lie here. Of a session of its owner.

    Keys made anew in their stead would be taken for them: the record would read as changed, who is known would not be
    found in what leaves, and the day the right ones are put back both are needed. So they would where the ledger was
    written with others, beside a database that is still empty.
    """
    lost = [
        (settings.seal_keys, exists().where(col(Seal.number) > 0), _SEALED_ELSEWHERE),
        (settings.people_keys / "master.json", exists().where(col(DataKey.destroyed_at).is_(None)), _PEOPLE_ELSEWHERE),
    ]
    for file, needed, sentence in lost:
        if not is_there(file) and scalar(session, select(needed)):
            raise Ending(say(current_language(), sentence, file=str(file)))
    is_begun = select(exists().where(col(Program.id).is_not(None)))
    if not is_there(settings.seal_keys) and has_lines(settings.ledger) and not scalar(session, is_begun):
        raise alone(settings)


@contextmanager
def ending_plainly(language: str) -> Iterator[None]:
    """End the process with a sentence and status 2 where a setting, the database or what else is needed is not there.

    A fault of ours is raised as it is.
    """
    try:
        yield
    except Told as error:
        fail(error.told_in(language), 2)
    except Ending as error:
        fail(str(error), 2)
    except SQLAlchemyError as error:
        trouble = trouble_of(error)
        if trouble is None:
            raise
        fail(say(language, trouble), 2)


def is_full(error: Exception) -> bool:
    """Whether what is in the way is a disk without room: the database's, or ours."""
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None) == _NO_ROOM
    return isinstance(error, OSError) and error.errno == errno.ENOSPC


def trouble_of(error: SQLAlchemyError) -> str | None:
    """What to tell an operator whose database is away or behind, as a msgid. None for a fault of ours.

    Never the error's own text: it may hold an address or words that a person typed.
    """
    if isinstance(error, (OperationalError, NoConnection)):
        return _AWAY
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return _AWAY
        if getattr(error.orig, "sqlstate", None) in _NOT_THERE:
            return BEHIND
    return None
