"""`spheres up`, and what brings the database to where the program needs it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from adapters.places import is_there
from adapters.settings import Settings
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli import stopping
from api.cli.databases import databases
from api.cli.installation import demonstrating
from api.cli.ledgers import before_any_program, compare_with_ledger, refuse_lone_ledger
from api.cli.place import refuse_cut_off
from api.cli.ready import bring_to_newest
from api.cli.spoken import tell
from api.cli.supervise import module
from locales import N_


@asks(Action.RUN_INSTALLATION)
def up(
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="Load fictitious people, and let anyone be one.")
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="One more machine of an installation that another machine began.")
    ] = False,
) -> None:
    """Start everything, keep it alive, and stop it all at Ctrl-C. What is asked for here goes over SPHERES_DEMO."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    environment = {**os.environ, **demonstrating(demo)}
    stopping.hold_back()
    # It becomes the process that stays, which holds half as much memory as one that has read every command.
    command = module("api.cli.installation", *(["--join"] if join else []))
    os.execve(sys.executable, command, environment)  # noqa: S606  # our own command


@asks(Action.RUN_INSTALLATION)
def bring_to_head() -> None:
    """Bring the database to the newest migration, as its owner, and deal with a restore where there was one."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    settings = Settings.from_env(os.environ)
    refuse_cut_off(settings.data)
    refuse_lone_ledger(settings)
    with databases(settings, make=True) as urls:
        bring_to_newest(settings, urls)
        if is_there(settings.seal_keys):  # else it is yet to begin
            with before_any_program(urls.owner) as session:
                compare_with_ledger(session, settings)
    tell(N_("The database is up to date."))
