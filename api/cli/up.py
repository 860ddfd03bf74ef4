"""`spheres up`, and what brings the database to where the program needs it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from adapters import logs
from adapters.database import make_engine
from adapters.settings import Settings
from api.cli.databases import databases
from api.cli.demonstration import load_demonstration
from api.cli.installation import demonstrating
from api.cli.ready import bring_to_newest
from api.cli.spoken import tell
from api.cli.supervise import module
from api.cli.terminal import keys_of, stationery_of
from api.permissions import Action, asks, at_the_terminal, require
from locales import N_


@asks(Action.RUN_INSTALLATION)
def up(
    demo: Annotated[
        bool | None, typer.Option("--demo/--no-demo", help="Load fictitious people, and let anyone be one.")
    ] = None,
) -> None:
    """Start everything, keep it alive, and stop it all at Ctrl-C. What is asked for here goes over SPHERES_DEMO."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    environment = {**os.environ, **demonstrating(demo)}
    # It becomes the process that stays, which holds half as much memory as one that has read every command.
    os.execve(sys.executable, module("api.cli.installation"), environment)  # noqa: S606  # our own command


@asks(Action.RUN_INSTALLATION)
def demonstrate() -> None:
    """Load the demonstration where it is not there yet: for `up` alone."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    logs.configure("prepare")
    settings = Settings.from_env(os.environ)
    with databases(settings) as urls:
        engine = make_engine(urls.app, pool_size=2, application_name="spheres loader")
        try:
            load_demonstration(engine, stationery_of(settings), at=datetime.now(UTC), keys=keys_of(settings))
        finally:
            engine.dispose()


@asks(Action.RUN_INSTALLATION)
def bring_to_head() -> None:
    """Bring the database to the newest migration, as its owner."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    settings = Settings.from_env(os.environ)
    with databases(settings, make=True) as urls:
        bring_to_newest(urls)
    tell(N_("The database is up to date."))
