"""A trial of the copies: restored aside, looked at as after a real loss, and removed."""

from __future__ import annotations

from adapters.backups.aside import aside
from adapters.backups.restoring import Copy, KeyPlaces, KeysOf
from adapters.postgres import EmbeddedPostgres
from adapters.settings import Settings
from api.cli.backing_up import ASIDE, BySchedule, noted
from api.cli.bringing_back import Wish, opened
from api.cli.databases import databases
from api.cli.judging import judge
from api.cli.place import data_folder
from api.cli.ready import bring_to_newest
from api.cli.spoken import tell
from locales import N_


def drill(settings: Settings, wish: Wish, *, by: BySchedule | None = None) -> None:
    """Try a copy, and write down how it ended where the installation's own database is there. Raises BackupError."""
    if settings.database_url is None and not EmbeddedPostgres(settings.data / "postgres").is_made():
        with data_folder(settings.data):  # a machine that has the copies alone
            _tell(*_aside(settings, *opened(settings, wish)))
        return
    with databases(settings) as urls:
        noted(urls, "drill", lambda _: _tell(*_aside(settings, *opened(settings, wish))), by)


def _tell(copy: Copy, rows: int) -> None:
    tell(
        N_("The drill went well: the copy %(name)s came back aside, and was removed again. Rows: %(rows)s."),
        name=copy.manifest.id,
        rows=rows,
    )


def _aside(settings: Settings, copy: Copy, keys_of: KeysOf | None) -> tuple[Copy, int]:
    beside = settings.data / ASIDE
    with aside(beside) as server:
        rows = copy.load(server.urls().owner)
        bring_to_newest(settings, server.urls())
        if keys_of is not None:
            (beside / "keys").mkdir(mode=0o700)
            keys = KeyPlaces(beside / "keys" / "seal.json", beside / "keys" / "people")
            keys.put(keys_of)
            judge(server.urls().owner, keys.seal_keys, keys.people_keys, copy.content.findings)
    return copy, rows
