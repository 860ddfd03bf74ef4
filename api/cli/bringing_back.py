"""`spheres restore`: what is asked, what is refused before anything is touched, and where the copy is put."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.backups.faults import BackupError
from adapters.backups.manifest import DATABASE, PEOPLE_KEYS, SEAL_KEYS, newer
from adapters.backups.pair import private_key
from adapters.backups.restoring import Copy, KeyPlaces, into_database, into_folder, open_copy, refuse_data
from adapters.backups.shelf import newest_in
from adapters.database import knows_migration
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli.judging import judge
from api.cli.place import data_folder
from api.cli.ready import bring_to_newest
from api.cli.spoken import Ending, tell
from locales import N_, current_language, say

_BACK: Final = N_("The copy of %(moment)s is back: %(rows)s rows. Nothing is served yet. Start it with: %(command)s")


@dataclass(frozen=True)
class Wish:
    """What is asked of a restore."""

    copy: Path | None
    key: Path
    at: str = ""
    into: Path | None = None
    keys_from: Path | None = None
    without_keys: bool = False
    other_installation: bool = False


def bring_back(settings: Settings, wish: Wish) -> None:
    """Restore a copy into an empty place. Raises BackupError or Ending, and leaves the place as it was."""
    copy, keys_of = opened(settings, wish)
    folder = wish.into.expanduser().absolute() if wish.into is not None else settings.data
    if wish.into is None and settings.database_url is not None:
        rows = _into_own_server(settings, copy, keys_of)
        command = "spheres up --no-demo"
    else:
        rows = _into_folder(settings, wish, copy, keys_of, folder)
        command = f"SPHERES_DATA={folder} spheres up --no-demo"
    tell(_BACK, moment=_said(copy.manifest.taken_at), rows=rows, command=command)


def opened(settings: Settings, wish: Wish) -> tuple[Copy, Copy | None]:
    """The copy that is asked for, held to be whole, and the one whose keys are taken. Raises BackupError or Ending.

    It is refused here where it is of a newer program, or of another installation that nobody said to take.
    """
    key = private_key(wish.key)
    place = wish.copy.expanduser().absolute() if wish.copy is not None else settings.backups.to
    if place is None:
        raise Ending(say(current_language(), N_("Say which copy: spheres restore FOLDER --key FILE.")))
    copy = open_copy(newest_in(place, settings.base_url), key)
    _refuse_foreign(settings, wish, copy)
    if not knows_migration(copy.manifest.schema):
        raise newer(copy.folder)
    keys_of = None
    if not wish.without_keys:
        keys_of = open_copy(newest_in(wish.keys_from.absolute(), settings.base_url), key) if wish.keys_from else copy
        _refuse_foreign(settings, wish, keys_of)
        if not (keys_of.folder / PEOPLE_KEYS).exists():
            raise BackupError(
                "damaged",
                "The copy %(folder)s has no keys of participants any more: they are kept for weeks at most. Take those "
                "of a newer copy with --keys-from, or add --without-keys.",
                folder=keys_of.folder,
            )
        keys_of.check_files([PEOPLE_KEYS, SEAL_KEYS])
    copy.check_files([DATABASE])
    return copy, keys_of


def _refuse_foreign(settings: Settings, wish: Wish, copy: Copy) -> None:
    """Refuse the copy of another address: its letters, links and passkeys are of there."""
    if copy.manifest.installation != settings.base_url and not wish.other_installation:
        raise BackupError(
            "failed",
            "The copy is of the installation %(there)s, and this one is %(here)s. Where it is to become this one, "
            "add --other-installation.",
            there=copy.manifest.installation,
            here=settings.base_url,
        )


def _into_folder(settings: Settings, wish: Wish, copy: Copy, keys_of: Copy | None, folder: Path) -> int:
    elsewhere = settings if wish.into is None else None
    places = KeyPlaces(
        elsewhere.seal_keys if elsewhere else folder / "keys" / "seal.json",
        elsewhere.people_keys if elsewhere else folder / "keys" / "people",
    )
    with data_folder(folder, restoring=True):
        refuse_data(folder, but=["keys"] if keys_of is None else [])
        if keys_of is not None and not (folder / "restoring").exists():
            places.refuse_taken()
        return into_folder(copy, folder, keys_of, places, lambda urls, keys: _look(settings, urls, keys))


def _into_own_server(settings: Settings, copy: Copy, keys_of: Copy | None) -> int:
    urls = DatabaseUrls(owner=settings.database_owner_url or "", app=settings.database_url or "", prefect="", admin="")
    if not urls.owner:
        raise Ending(
            say(current_language(), N_("To copy or restore, DATABASE_OWNER_URL has to say how the owner signs in."))
        )
    places = KeyPlaces(settings.seal_keys, settings.people_keys)
    with data_folder(settings.data, restoring=True):
        if keys_of is not None:
            places.refuse_taken()
        return into_database(copy, urls, settings.data, keys_of, places, lambda at, keys: _look(settings, at, keys))


def _look(settings: Settings, urls: DatabaseUrls, keys: KeyPlaces | None) -> None:
    """See that what came back is sound, and bring it to the newest migration."""
    bring_to_newest(settings, urls)
    if keys is not None:
        judge(urls.owner, keys.seal_keys, keys.people_keys)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
