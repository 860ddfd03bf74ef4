"""What `spheres up` has done before anything works on the database: `python -m api.cli.tables`, and it is gone.

It brings the tables to the newest migration. Where a demonstration is to be shown it refuses a real program here,
before a worker takes its letters for those of made-up people. It reads as little as it can: everything waits for it.
"""

from __future__ import annotations

import os

from sqlalchemy.exc import SQLAlchemyError

from adapters import logs
from adapters.database import make_engine, open_session
from adapters.environment import SettingsError
from adapters.postgres import PostgresError
from adapters.settings import Settings
from api.cli.databases import databases
from api.cli.ready import bring_to_newest, refuse_real_program, trouble_of
from api.cli.spoken import Ending, fail, language_of_terminal
from locales import say, speaking


def main() -> None:
    """Bring the database to where the program needs it. What cannot be done is a sentence and status 2."""
    logs.configure("prepare")
    language = language_of_terminal(os.environ)
    with speaking(language):
        try:
            _prepare(Settings.from_env(os.environ))
        except (SettingsError, PostgresError, Ending) as error:
            fail(str(error), 2)
        except SQLAlchemyError as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
            fail(say(language, trouble), 2)


def _prepare(settings: Settings) -> None:
    with databases(settings) as urls:
        bring_to_newest(urls)
        if settings.demo:
            engine = make_engine(urls.app, pool_size=1, application_name="spheres tables")
            try:
                with open_session(engine) as session:
                    refuse_real_program(session)
            finally:
                engine.dispose()


if __name__ == "__main__":
    main()
