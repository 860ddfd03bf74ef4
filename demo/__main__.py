"""`python -m demo`: writes the demonstration where it is not there yet. Started by `spheres up`."""

from __future__ import annotations

import os

from adapters import logs
from adapters.clock import moment_of
from adapters.database import make_engine
from adapters.settings import Settings
from api.cli.databases import databases
from api.cli.demonstration import NOT_WRITTEN
from api.cli.ready import ending_plainly, is_full
from api.cli.spoken import tell_apart
from api.cli.terminal import keys_of, ledger_of, stationery_of
from demo.loading import Demonstration
from domain.kernel import Refusal
from domain.restoring import refuse_another_epoch
from locales import N_, speaking
from locales.told import language_of_terminal


def main() -> None:
    """Write it into the database that the settings name. Status 2 where something is missing, 3 where that failed."""
    logs.configure("prepare")
    language = language_of_terminal(os.environ)
    with speaking(language), ending_plainly(language):
        _write(Settings.from_env(os.environ))


def _write(settings: Settings) -> None:
    with databases(settings) as urls:
        engine = make_engine(
            urls.app,
            pool_size=2,
            application_name="spheres loader",
            ledger=ledger_of(settings),
            agree=refuse_another_epoch,
        )
        try:
            with engine.connect() as connection:
                at = moment_of(connection)  # the pages go by it: on another day, no meeting of the demonstration sits
            Demonstration(engine, stationery_of(settings), at=at, keys=keys_of(settings)).load()
        except Exception as error:
            _tell_why(error)
            raise SystemExit(NOT_WRITTEN) from error
        finally:
            engine.dispose()


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


if __name__ == "__main__":
    main()
