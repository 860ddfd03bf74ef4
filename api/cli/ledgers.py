"""The ledger at the start: whether the database was restored, and what is done at once where it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func
from sqlmodel import Session

from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger, make_ledger
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from api.cli.spoken import Ending, tell_apart
from domain import restoring
from domain.kernel import col, scalar, select
from locales import N_, current_language, say
from models.ledger import LedgerSeen

_RESTORED: Final = N_(
    "This database was restored from a copy. Every sign-in, link and calendar address from before is void, who was "
    "destroyed since is destroyed again, and what was sent since is not sent again. What had ended since is closed "
    "until the coordination or the privacy officer decides, on the page “After a restore”."
)

#: Why the ledger and the database do not belong together.
DISAGREEMENTS: Final[Mapping[str, str]] = {
    "missing": N_(
        "%(file)s is empty, and this database knows %(line)s lines of it: put its newest copy back. Where there is "
        "none, say so with: spheres ledger accept"
    ),
    "shorter": N_(
        "%(file)s ends with line %(line)s, and this database knows later ones: an older copy was put back. Put the "
        "newest one there. Where there is none, say so with: spheres ledger accept"
    ),
    "different": N_(
        "Line %(line)s of %(file)s is not the one that this database knows: it was changed, or is another "
        "installation’s. Put the right one there. Where there is none, say so with: spheres ledger accept"
    ),
    "fresh": N_(
        "This database is empty, and %(file)s holds %(line)s lines of an installation that ran here. Restore its "
        "database. To begin a new installation, put the folder away; to go on with this ledger, say so with: "
        "spheres ledger accept"
    ),
}


def compare_with_ledger(session: Session, settings: Settings) -> None:
    """Compare the database with the ledger, and do at once what a restore asks for. In a session of its owner.

    Raises Ending where they do not belong together, and NoLedger, NoKeys.
    """
    restoring.lock(session)
    ledger = ledger_at(session, settings)
    try:
        found = restoring.look(session, ledger)
    except restoring.Disagrees as error:
        raise Ending(told(error, settings)) from None
    act_on(session, settings, ledger, found)


def act_on(session: Session, settings: Settings, ledger: FileLedger, found: restoring.Found) -> None:
    """Do what follows from what was found. Raises NoLedger, NoKeys."""
    at, keys = datetime.now(UTC), FilePeopleKeys(settings.people_keys)
    if found.verdict.kind == "restored":
        restoring.redo(session, ledger, keys, found, at=at)
        tell_apart(_RESTORED)
        return
    restoring.destroy_keys(found.lines, keys, not_done=found.verdict.undone)  # a copy of them may have been put back
    if found.verdict.kind in ("new", "moved"):
        restoring.begin(session, ledger, found, at=at)
    elif found.verdict.kind == "crashed":
        restoring.put_aside(session, ledger, found, at=at)


def ledger_at(session: Session, settings: Settings) -> FileLedger:
    """The ledger of the settings, made where this database has not seen one yet. Raises NoLedger."""
    if not scalar(session, select(func.count(col(LedgerSeen.n)))):
        make_ledger(settings.ledger)
    return FileLedger(settings.ledger, FileSealKeys(settings.seal_keys))


def told(error: restoring.Disagrees, settings: Settings) -> str:
    """Why the ledger and the database do not belong together, and what to do."""
    file = str(settings.ledger / "ledger.jsonl")
    return say(current_language(), DISAGREEMENTS[error.why], file=file, line=error.line)
