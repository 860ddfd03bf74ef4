"""`spheres up`, and what brings the database to where the program needs it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Engine

from adapters import logs
from adapters.database import make_engine
from adapters.settings import Settings
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli import stopping
from api.cli.databases import databases
from api.cli.installation import NOT_WRITTEN, demonstrating
from api.cli.ready import bring_to_newest, is_full
from api.cli.spoken import tell, tell_apart
from api.cli.supervise import module
from api.cli.terminal import keys_of, stationery_of
from demo.loading import Demonstration
from domain.kernel.refusals import Refusal
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
    stopping.hold_back()
    # It becomes the process that stays, which holds half as much memory as one that has read every command.
    os.execve(sys.executable, module("api.cli.installation"), environment)  # noqa: S606  # our own command


@asks(Action.RUN_INSTALLATION)
def demonstrate() -> None:
    """Load the demonstration where it is not there yet: for `up` alone, which goes on without it where that fails."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    logs.configure("prepare")
    settings = Settings.from_env(os.environ)
    with databases(settings) as urls:
        engine = make_engine(urls.app, pool_size=2, application_name="spheres loader")
        try:
            _load(engine, settings)
        except Exception as error:
            _tell_why(error)
            raise typer.Exit(NOT_WRITTEN) from error
        finally:
            engine.dispose()


def _load(engine: Engine, settings: Settings) -> None:
    Demonstration(engine, stationery_of(settings), at=datetime.now(UTC), keys=keys_of(settings)).load()


def _tell_why(error: Exception) -> None:
    """Say in one sentence what kept the demonstration from being written, and what to do."""
    if is_full(error):
        tell_apart(
            N_(
                "The demonstration could not be written: the disk is full. Nothing half done is "
                "left. Make room, stop, and start again: it is then written again."
            )
        )
        return
    code = error.code if isinstance(error, Refusal) else type(error).__name__
    tell_apart(
        N_(
            "The demonstration could not be written whole (%(code)s). Nothing half done is "
            "left, and the first page says what is there. Stop and start again to write it "
            "again."
        ),
        code=code,
    )


@asks(Action.RUN_INSTALLATION)
def bring_to_head() -> None:
    """Bring the database to the newest migration, as its owner."""
    require(Action.RUN_INSTALLATION, at_the_terminal())
    settings = Settings.from_env(os.environ)
    with databases(settings, make=True) as urls:
        bring_to_newest(urls)
    tell(N_("The database is up to date."))
