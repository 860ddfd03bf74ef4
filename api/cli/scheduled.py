"""What makes a copy by schedule, and tries one each week: `python -m api.cli.scheduled`. After a fault its status is 1.

First of all, and where no schedule is set too, it removes the participants' keys that outlived their days.

Of several machines one does it: who comes later finds it done, or at work.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Final

import domain.joined  # noqa: F401 - what judges a copy needs every room that registers
from adapters import logs
from adapters.backups.faults import BackupError
from adapters.database import make_engine, open_session
from adapters.settings import Settings
from adapters.time_of_day import last_at, next_at
from api.cli.backing_up import BySchedule, NotDue, back_up
from api.cli.bringing_back import Wish
from api.cli.databases import databases
from api.cli.drilling import drill
from api.cli.letting_go import let_keys_go
from api.cli.ready import ending_plainly
from api.cli.spoken import tell, tell_apart
from domain.casework import DRILL_EVERY, GRACE, is_due
from locales import N_, current_language, speaking
from locales.told import language_of_terminal

_MADE: Final = N_("The copy %(name)s was made by schedule and verified.")


def main() -> None:
    """Do what is due. What cannot be done is a sentence, and status 1 or 2."""
    logs.configure("copies")
    signal.signal(signal.SIGTERM, _leave)
    language = language_of_terminal(os.environ)
    with speaking(language), ending_plainly(language):
        sys.exit(0 if _all_that_is_due(Settings.from_env(os.environ)) else 1)


def _all_that_is_due(settings: Settings) -> bool:
    let_keys_go(settings)
    at = settings.backups.at
    if at is None:
        return True
    now = datetime.now().astimezone()
    went_well = _tried(lambda by: _copy(settings, by), _by(settings, "backup", last_at(at, now), next_at(at, now)))
    key = settings.backups.drill_key_file
    if went_well and key is not None:
        wish, since = Wish(settings.backups.to, key), now - DRILL_EVERY
        by = _by(settings, "drill", since, next_at(at, now + DRILL_EVERY))
        went_well = _tried(lambda by: drill(settings, wish, by=by), by)
    return went_well


def _by(settings: Settings, kind: str, since: datetime, coming: datetime) -> BySchedule:
    return BySchedule((coming + GRACE).astimezone(UTC), lambda: _is_due(settings, kind, since))


def _copy(settings: Settings, by: BySchedule) -> None:
    taken = back_up(settings, by=by)
    tell(_MADE, name=taken.id)


def _is_due(settings: Settings, kind: str, since: datetime) -> bool:
    with databases(settings) as urls:
        engine = make_engine(urls.app, pool_size=1, application_name="spheres copies")
        try:
            with open_session(engine) as session:
                return is_due(session, kind, since=since.astimezone(UTC), at=datetime.now(UTC))
        finally:
            engine.dispose()


def _tried(run: Callable[[BySchedule], None], by: BySchedule) -> bool:
    if not by.is_due():
        return True
    try:
        run(by)
    except NotDue:
        return True
    except BackupError as failed:
        tell_apart(N_("A copy by schedule failed: %(why)s"), why=failed.told_in(current_language()))
        return False
    return True


def _leave(_: int, __: FrameType | None) -> None:
    """End at the supervisor's word, as at a fault: what is half done is removed."""
    raise SystemExit(1)


if __name__ == "__main__":
    main()
