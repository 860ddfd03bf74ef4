"""What one more machine of an installation does before anything works on the database, which another prepares.

It makes and changes nothing. It waits until another machine has brought the tables to where this program needs them,
and sees that the keys are there and that the walls of the database bind this machine as well.
"""

from __future__ import annotations

import time
from typing import Final

from adapters.database import TablesStand, make_engine, open_session, passes_walls, tables_stand
from adapters.settings import Settings
from api.cli.place import refuse_keys_that_are_not_there
from api.cli.ready import AHEAD, PASSES_EVERY_WALL, is_demonstrated
from api.cli.spoken import Ending, tell_apart
from locales import N_, current_language, say

_LOOK_SECONDS: Final = 1.0


def wait_for_the_tables(settings: Settings) -> None:
    """Wait until the database is as this program needs it. Raises Ending, and SettingsError."""
    url = settings.database_url or ""
    refuse_keys_that_are_not_there(settings)
    if passes_walls(url):
        raise Ending(say(current_language(), PASSES_EVERY_WALL))
    is_told = False
    while not _is_ready(settings, url):
        if not is_told:
            tell_apart(N_("The database is not up to date: this machine waits until another has brought it there."))
            is_told = True
        time.sleep(_LOOK_SECONDS)


def _is_ready(settings: Settings, url: str) -> bool:
    """Whether the tables are as this program needs them, and a demonstration's year is written. Raises Ending."""
    stand = tables_stand(url)
    if stand is TablesStand.AHEAD:
        raise Ending(say(current_language(), AHEAD))
    if stand is TablesStand.BEHIND or not settings.demo:
        return stand is TablesStand.AS_NEEDED
    engine = make_engine(url, pool_size=1, application_name="spheres tables")
    try:
        with open_session(engine) as session:
            return is_demonstrated(session)
    finally:
        engine.dispose()
