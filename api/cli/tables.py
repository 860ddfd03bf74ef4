"""What `spheres up` has done before anything works on the database: `python -m api.cli.tables`, and it is gone.

It brings the tables to the newest migration. Where a demonstration is to be shown it refuses a real program here,
before a worker takes its letters for those of made-up people. It reads as little as it can: everything waits for it.
"""

from __future__ import annotations

import os

from adapters import logs
from adapters.database import make_engine, open_session
from adapters.settings import Settings
from api.cli.databases import databases
from api.cli.ready import bring_to_newest, ending_plainly, refuse_real_program
from api.cli.spoken import language_of_terminal
from locales import speaking


def main() -> None:
    """Bring the database to where the program needs it. What cannot be done is a sentence and status 2."""
    logs.configure("prepare")
    language = language_of_terminal(os.environ)
    with speaking(language), ending_plainly(language):
        _prepare(Settings.from_env(os.environ))


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
