"""The ledger at the start: whether the database was restored, and what is done at once where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import Session

from adapters.database import has_tables, is_being_restored, make_engine, open_session
from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger, has_lines, make_ledger
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from api.cli.lone_ledger import alone, refuse_without_server
from api.cli.spoken import Ending, tell_apart
from domain.kernel import col, scalar, select
from domain.restoring import Disagrees, Found, finding, redoing, told_of_ledger
from locales import N_, current_language
from models.ledger import LedgerSeen

_RESTORED: Final = N_(
    "This database was restored from a copy. Every sign-in, link and calendar address from before is void, who was "
    "destroyed since is destroyed again, and what was sent since is not sent again. What had ended since waits "
    "until the coordination or the privacy officer decides, on the page “After a restore”."
)


def compare_with_ledger(session: Session, settings: Settings) -> None:
    """Compare the database with the ledger, and do at once what a restore asks for. In a session of its owner.

    Raises Ending where they do not belong together, and NoLedger, NoKeys.
    """
    redoing.lock(session)
    ledger = ledger_at(session, settings)
    try:
        found = finding.look(session, ledger)
    except Disagrees as error:
        raise Ending(told_of_ledger(error, settings.ledger, current_language())) from None
    act_on(session, settings, ledger, found)


def act_on(session: Session, settings: Settings, ledger: FileLedger, found: Found) -> None:
    """Do what follows from what was found. Raises NoLedger, NoKeys."""
    at, keys = datetime.now(UTC), FilePeopleKeys(settings.people_keys)
    if found.verdict.kind in ("restored", "moved"):
        redoing.redo(session, ledger, keys, found, at=at)
        redoing.put_voided_destructions_before_people(session, found)
        tell_apart(_RESTORED)
        return
    redoing.destroy_keys(found.lines, keys, not_done=found.verdict.undone)  # a copy of them may have been put back
    redoing.put_voided_destructions_before_people(session, found)
    if found.verdict.kind == "new":
        redoing.begin(session, ledger, found, at=at)
    elif found.verdict.kind == "crashed":
        redoing.put_aside(session, ledger, found, at=at)


def refuse_lone_ledger(settings: Settings) -> None:
    """Raises Ending where a ledger was begun and its database is not here, or holds no table. Raises NoLedger.

    One that is being brought back is no such database: of that others tell.
    """
    url = settings.database_owner_url or settings.database_url
    if url is None:
        refuse_without_server(settings)
    elif has_lines(settings.ledger) and not (has_tables(url) or is_being_restored(url)):
        raise alone(settings)


def ledger_at(session: Session, settings: Settings) -> FileLedger:
    """The ledger of the settings, made where this database has not seen one yet. Raises NoLedger."""
    if not scalar(session, select(func.count(col(LedgerSeen.n)))):
        make_ledger(settings.ledger)
    return FileLedger(settings.ledger, FileSealKeys(settings.seal_keys))


@contextmanager
def before_any_program(url: str) -> Iterator[Session]:
    """A transaction of its own, in which no program is known yet."""
    engine = make_engine(url, pool_size=1, application_name="spheres tables")
    try:
        with open_session(engine) as session:
            yield session
            session.commit()
    finally:
        engine.dispose()
