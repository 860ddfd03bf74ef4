"""What `spheres up` has done before anything works on the database: `python -m api.cli.migrated`, and it is gone.

It brings the tables to the newest migration, makes the keys of a new installation, and finds out by the ledger whether
the database was restored. Where a demonstration is to be
shown it refuses a real program here, before a worker takes its letters for those of made-up people. It reads as little
as it can: everything waits for it. With `--join` another machine does all that, and it waits for it. With `--look` it
looks, before anything is made, whether the database is the ledger's.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from adapters import logs
from adapters.keys import make_seal_key
from adapters.people_keys import make_people_keys
from adapters.settings import Settings
from api.cli.databases import databases
from api.cli.joined import wait_for_the_tables
from api.cli.ledgers import before_any_program, compare_with_ledger, refuse_lone_ledger
from api.cli.place import refuse_keys_that_are_not_there
from api.cli.ready import (
    bring_to_newest,
    ending_plainly,
    forget_unfinished_demonstration,
    is_demonstrated,
    refuse_lost_keys,
)
from api.cli.spoken import tell
from locales import N_, speaking
from locales.told import language_of_terminal

_KEY_MADE: Final = N_("The seal key is made: %(file)s. Keep a copy of it apart from the database’s.")


def main() -> None:
    """Bring the database to where the program needs it. What cannot be done is a sentence and status 2."""
    logs.configure("prepare")
    language = language_of_terminal(os.environ)
    with speaking(language), ending_plainly(language):
        do = {"--join": wait_for_the_tables, "--look": refuse_lone_ledger}.get("".join(sys.argv[1:]), _prepare)
        do(Settings.from_env(os.environ))


def _prepare(settings: Settings) -> None:
    with databases(settings) as urls:
        bring_to_newest(settings, urls)
        if settings.demo:
            with before_any_program(urls.owner) as session:
                forget_unfinished_demonstration(session)
                if is_demonstrated(session):
                    settings.being_written.unlink(missing_ok=True)
        with before_any_program(urls.owner) as session:  # the walls do not bind the owner
            refuse_lost_keys(session, settings)
        _make_keys(settings)
        with before_any_program(urls.owner) as session:
            compare_with_ledger(session, settings)


def _make_keys(settings: Settings) -> None:
    """The keys of a new installation, where the settings leave it to us where they lie; else they have to lie there."""
    refuse_keys_that_are_not_there(settings)
    if settings.seal_key_file is None and make_seal_key(settings.seal_keys):
        tell(_KEY_MADE, file=settings.seal_keys)
    if settings.people_key_folder is None:
        make_people_keys(settings.people_keys)


if __name__ == "__main__":
    main()
