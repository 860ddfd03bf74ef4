"""A trial of the copies: restored aside, looked at as after a real loss, and removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from adapters.backups import dumps
from adapters.backups.aside import room, serving
from adapters.backups.faults import BackupError
from adapters.backups.restoring import Copy, KeyPlaces, KeysOf
from adapters.backups.room import refuse_without_room
from adapters.backups.shelf import Shelf
from adapters.places import ASIDE
from adapters.postgres import EmbeddedPostgres
from adapters.settings import Settings
from api.cli.backing_up import BySchedule, noted
from api.cli.bringing_back import Wish, moment_of, opened, recovering
from api.cli.databases import databases
from api.cli.judging import judge
from api.cli.place import data_folder
from api.cli.ready import bring_to_newest
from api.cli.spoken import Ending, tell
from locales import N_, current_language, say

_WENT_WELL: Final = N_("The drill went well: the copy %(name)s came back aside, and was removed again. Rows: %(rows)s.")
_TO_A_MOMENT: Final = N_(
    "The drill went well: from the copy %(name)s and the archive everything came back aside as of %(moment)s, and was "
    "removed again. Rows: %(rows)s."
)


def drill(settings: Settings, wish: Wish, *, by: BySchedule | None = None) -> None:
    """Try a copy, and write down how it ended where the installation's own database is there. Raises BackupError.

    By schedule, where there is an archive, a moment of the last day is tried too.
    """
    if wish.only_keys or wish.into is not None:
        raise Ending(say(current_language(), N_("With --drill all comes back aside: leave out --into, --only-keys.")))
    if wish.at and settings.database_url is not None:
        raise BackupError("failed", "To a chosen moment a server of your own is tried by what archives it.")
    if settings.database_url is None and not EmbeddedPostgres(settings.data / "postgres").is_made():
        with data_folder(settings.data):  # a machine that has the copies alone, of whichever address they are
            _try(settings, replace(wish, other_installation=True))
        return
    with databases(settings) as urls:
        noted(urls, "drill", lambda _: _try_all(settings, wish, is_scheduled=by is not None), by)


def _try_all(settings: Settings, wish: Wish, *, is_scheduled: bool) -> None:
    _try(settings, wish)
    if not is_scheduled or settings.backups.archive is None or settings.database_url is not None:
        return
    at = _of_last_day(settings)
    if at is None:
        tell(N_("To a moment nothing is tried yet: that needs two copies with the files of this server."))
    else:
        _try(settings, replace(wish, at=at.isoformat()))


def _of_last_day(settings: Settings) -> datetime | None:
    """The middle of the time between the last two copies with the files of one server: the archive leads there."""
    if settings.backups.to is None:
        return None
    bases = [one.base for _, one in Shelf(settings.backups.to, settings.base_url).bases() if one.base is not None][:2]
    if len(bases) < 2 or bases[0].system != bases[1].system:  # noqa: PLR2004  # a time has two ends
        return None
    newest, before = bases
    return before.ended_at + (newest.ended_at - before.ended_at) / 2


def _try(settings: Settings, wish: Wish) -> None:
    copy, keys_of = opened(settings, wish)
    rows = _aside(settings, wish, copy, keys_of)
    at = moment_of(wish, copy)
    if at is None:
        tell(_WENT_WELL, name=copy.manifest.id, rows=rows)
    else:
        tell(_TO_A_MOMENT, name=copy.manifest.id, moment=f"{at:%Y-%m-%d %H:%M:%S} UTC", rows=rows)


def _aside(settings: Settings, wish: Wish, copy: Copy, keys_of: KeysOf | None) -> int:
    beside = settings.data / ASIDE
    refuse_without_room(beside, copy.manifest.size)
    recover = recovering(settings, wish, copy, goes_on=False)
    with room(beside):
        if recover is not None:
            recover(copy, beside)
        with serving(EmbeddedPostgres(beside / "postgres", fast=True)) as server:
            owner = server.urls().owner
            rows = copy.load(owner) if recover is None else dumps.count(owner)
            bring_to_newest(settings, server.urls())
            if keys_of is not None:
                (beside / "keys").mkdir(mode=0o700)
                keys = KeyPlaces(beside / "keys" / "seal.json", beside / "keys" / "people")
                keys.put(keys_of)
                judge(owner, keys.seal_keys, keys.people_keys, copy.content.findings if recover is None else None)
    return rows
