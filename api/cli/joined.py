"""What one more machine of an installation does before anything works on the database, which another prepares.

It makes and changes nothing. It waits until another machine has brought the tables to where this program needs them
and has dealt with a restore, and sees that the keys are there and that the walls of the database bind this machine too.
"""

from __future__ import annotations

import time
from typing import Final

from adapters.database import TablesStand, make_engine, open_session, passes_walls, tables_stand
from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger
from adapters.settings import Settings
from api.cli.place import refuse_keys_that_are_not_there
from api.cli.ready import AHEAD, PASSES_EVERY_WALL, is_demonstrated
from api.cli.spoken import Ending, tell_apart
from domain.restoring import Disagrees, refuse_another_epoch, told_of_ledger
from locales import N_, current_language, say
from models.ports import NoLedger

_LOOK_SECONDS: Final = 1.0
_NOT_UP_TO_DATE: Final = N_("The database is not up to date: this machine waits until another has brought it there.")
_NOT_DEALT_WITH: Final = N_("%(why)s This machine waits until another has dealt with that.")


def wait_for_the_tables(settings: Settings) -> None:
    """Wait until the database is as this program needs it. Raises Ending, and SettingsError."""
    url = settings.database_url or ""
    refuse_keys_that_are_not_there(settings)
    if passes_walls(url):
        raise Ending(say(current_language(), PASSES_EVERY_WALL))
    told = ""
    while (why := _why_not_ready(settings, url)) is not None:
        if why != told:
            tell_apart("%(why)s", why=why)
            told = why
        time.sleep(_LOOK_SECONDS)


def _why_not_ready(settings: Settings, url: str) -> str | None:
    """Why this machine waits, in words; None where it does not. Raises Ending.

    It waits until the tables are as this program needs them, a demonstration's year is written, and the ledger and the
    database agree: what a restore asks for is done by the machine that prepares the database.
    """
    stand = tables_stand(url)
    if stand is TablesStand.AHEAD:
        raise Ending(say(current_language(), AHEAD))
    if stand is TablesStand.BEHIND:
        return say(current_language(), _NOT_UP_TO_DATE)
    engine = make_engine(url, pool_size=1, application_name="spheres tables")
    try:
        with open_session(engine) as session:
            if settings.demo and not is_demonstrated(session):
                return say(current_language(), _NOT_UP_TO_DATE)
            refuse_another_epoch(session, FileLedger(settings.ledger, FileSealKeys(settings.seal_keys)))
    except (Disagrees, NoLedger) as error:
        why = told_of_ledger(error, settings.ledger, current_language())
        return say(current_language(), _NOT_DEALT_WITH, why=why)
    finally:
        engine.dispose()
    return None
