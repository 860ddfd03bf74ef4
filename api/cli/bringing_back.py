"""`spheres restore`: what is asked, what is refused before anything is touched, and where the copy is put."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from adapters.backups import dumps
from adapters.backups.faults import BackupError
from adapters.backups.keys_ahead import keys_ahead
from adapters.backups.manifest import BASE, DATABASE, PEOPLE_KEYS, SEAL_KEYS, Manifest, newer, read_manifest
from adapters.backups.moments import typed_moment
from adapters.backups.pair import private_key
from adapters.backups.pgbackrest import restore_stanza
from adapters.backups.recovering import recover
from adapters.backups.restoring import (
    Copy,
    KeyPlaces,
    KeysOf,
    Recover,
    into_database,
    into_folder,
    keys_into,
    open_copy,
)
from adapters.backups.shelf import Shelf, newest_in
from adapters.database import knows_migration
from adapters.ledger import NAME as LEDGER_FILE
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.cli.judging import judge
from api.cli.place import data_folder
from api.cli.ready import bring_to_newest
from api.cli.spoken import Ending, tell, tell_apart
from locales import N_, current_language, say

_BACK: Final = N_("The copy of %(moment)s is back. Rows: %(rows)s. Nothing is served yet. Start it with: %(command)s")
_TAKEN: Final = N_("Taken is the copy %(name)s, of %(moment)s by the clock that made it.")
_AHEAD: Final = N_(
    "Passed over is the copy %(folder)s: its date is yet to come, so that the clock that made it was wrong. Where it "
    "is the one that is meant, name it."
)
_NEWER_UNREAD: Final = N_(
    "That is newer than %(folder)s, the newest copy that can be used, or may be. Nothing was changed. Where the older "
    "one is meant all the same, name it in place of the folder of copies."
)
_HOLDS_MORE: Final = N_(
    "The copy %(folder)s has an earlier date and a record that goes further: a clock went back. Where it is the one "
    "that is meant, name it."
)
_NO_NEWER_KEYS: Final = N_(
    "The newest keys are those of the copy %(name)s, of %(of)s, and what is brought back is of %(moment)s: the files "
    "of participants who were referred in between will not open."
)
_OLDER_KEYS: Final = N_(
    "The keys of the copy %(name)s are of %(of)s, and what is brought back is of %(moment)s: the files of participants "
    "who were referred in between would not open. Nothing was changed. Name a newer copy with --keys-from, or leave it "
    "out. To take these all the same, use --without-keys first, then --only-keys with this copy."
)
_NOT_MARKED: Final = N_(
    "The role in DATABASE_OWNER_URL does not own the database, so that the other machines of the installation cannot "
    "see this restore. Keep them stopped until it is done."
)
_NO_LEDGER: Final = N_(
    "What must not come back is written in %(file)s, which is not there. Put its newest copy there before the start. "
    "Where there is none, say so with: spheres ledger accept"
)


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
    only_keys: bool = False


def bring_back(settings: Settings, wish: Wish) -> None:
    """Restore a copy into an empty place. Raises BackupError or Ending, and leaves the place as it was."""
    if wish.only_keys and wish.without_keys:
        raise Ending(say(current_language(), N_("Say one: --only-keys puts the keys back, --without-keys puts none.")))
    is_own_server = settings.database_url is not None
    if wish.only_keys:
        _put_keys(settings, replace(wish, at="") if is_own_server else wish)
    elif wish.at and is_own_server:
        _by_pgbackrest(settings, wish)
    else:
        _bring_back(settings, wish, is_own_server=is_own_server and wish.into is None)


def _bring_back(settings: Settings, wish: Wish, *, is_own_server: bool) -> None:
    copy, keys_of = opened(settings, wish)
    folder = wish.into.expanduser().absolute() if wish.into is not None else settings.data
    if is_own_server:
        rows = _into_own_server(settings, copy, keys_of)
        command = "spheres up --no-demo"
    else:
        rows = _into_folder(settings, wish, copy, keys_of, folder)
        command = f"SPHERES_DATA={folder} spheres up --no-demo"
    moment = moment_of(wish, copy) or copy.manifest.taken_at
    tell(_BACK, moment=f"{moment:%Y-%m-%d %H:%M:%S} UTC", rows=rows, command=command)
    ledger = (settings.ledger_folder or folder / "ledger") / LEDGER_FILE
    if not ledger.exists():
        tell(_NO_LEDGER, file=ledger)


def _by_pgbackrest(settings: Settings, wish: Wish) -> None:
    """Have a server of one's own put back by what archives it, and the keys of the newest copy. Raises BackupError."""
    if not settings.backups.stanza:
        raise BackupError(
            "failed",
            "To a chosen moment a server of your own is brought back by what archives it. Set SPHERES_PGBACKREST to "
            "its stanza where that is pgBackRest, or do it by hand; then the keys: spheres restore --only-keys",
        )
    copy, keys_of = opened(settings, replace(wish, at=""))
    places = KeyPlaces(settings.seal_keys, settings.people_keys)
    at = _past_moment(wish, copy.manifest.zone)
    if isinstance(keys_of, Copy):
        _look_at_their_age(wish, keys_of.manifest, at)
    server = partial(restore_stanza, settings.backups.stanza, at, wish.into)
    with data_folder(settings.data, restoring=True):
        if keys_of is None:
            server()
        else:
            keys_into(settings.data, keys_of, places, server)
    tell(
        N_("The server's files of %(moment)s are back. Start the server, then the program: spheres up --no-demo"),
        moment=f"{at:%Y-%m-%d %H:%M:%S} UTC",
    )


def opened(settings: Settings, wish: Wish) -> tuple[Copy, KeysOf | None]:
    """The copy that is asked for, held to be whole, and the one whose keys are taken. Raises BackupError or Ending.

    It is refused here where it is of a newer program, or of another installation that nobody said to take.
    """
    key = private_key(wish.key)
    place = wish.copy.expanduser().absolute() if wish.copy is not None else settings.backups.to
    if place is None:
        raise Ending(say(current_language(), N_("Say which copy: spheres restore FOLDER --key FILE.")))
    newest = _newest(place, settings)
    copy = open_copy(_with_base(settings, place, newest, wish) if wish.at else newest, key)
    _refuse_foreign(settings, wish, copy)
    if not knows_migration(copy.manifest.schema):
        raise newer(copy.folder)
    keys_of = None if wish.without_keys else _keys_for(settings, wish, newest, copy)
    copy.check_files([BASE if wish.at else DATABASE])
    tell(_TAKEN, name=copy.manifest.id, moment=f"{copy.manifest.taken_at:%Y-%m-%d %H:%M:%S %z}")
    return copy, keys_of


def _newest(place: Path, settings: Settings) -> Path:
    """The copy that is meant by a folder. What speaks against it is told. Raises BackupError.

    Where a newer one cannot be used none is meant: hours of work would be lost unseen.
    """
    newest = newest_in(place, settings.base_url, datetime.now(UTC))
    if newest.unread:
        for why in newest.unread:
            tell_apart("%(why)s", why=why.told_in(current_language()))
        raise BackupError(newest.unread[0].code, _NEWER_UNREAD, folder=newest.folder)
    for one in newest.ahead:
        tell_apart(_AHEAD, folder=one)
    if newest.holds_more is not None and newest.holds_more not in newest.ahead:
        tell_apart(_HOLDS_MORE, folder=newest.holds_more)
    return newest.folder


def _keys_for(settings: Settings, wish: Wish, newest: Path, copy: Copy) -> KeysOf:
    """The keys that are put back: those of the copy that is asked for, of the newest copy, or of the archive.

    The newest open the most, and whoever was destroyed since is destroyed again. Raises BackupError.
    """
    archive, base = settings.backups.archived, copy.manifest.base
    ahead = keys_ahead(archive, base.system, copy.key) if wish.at and archive and base else None
    if ahead is not None and not wish.keys_from:
        return ahead
    held = open_copy(_newest(wish.keys_from.absolute(), settings) if wish.keys_from else newest, copy.key)
    _refuse_foreign(settings, wish, held)
    _look_at_their_age(wish, held.manifest, moment_of(wish, copy) or copy.manifest.taken_at)
    if not (held.folder / PEOPLE_KEYS).exists():
        raise BackupError(
            "damaged",
            "The copy %(folder)s has no keys of participants any more: they are kept for weeks at most. Take those "
            "of a newer copy with --keys-from, or add --without-keys.",
            folder=held.folder,
        )
    held.check_files([PEOPLE_KEYS, SEAL_KEYS])
    return held


def _look_at_their_age(wish: Wish, keys: Manifest, moment: datetime) -> None:
    """Refuse keys that are older than what they are to open, where a person named them. Raises BackupError.

    Where they are the newest that there are, it is told: of who was referred since there is no key.
    """
    if keys.taken_at >= moment:
        return
    said = {"name": keys.id, "of": f"{keys.taken_at:%Y-%m-%d %H:%M:%S %z}", "moment": f"{moment:%Y-%m-%d %H:%M:%S %z}"}
    if wish.keys_from is None:
        tell_apart(_NO_NEWER_KEYS, **said)
        return
    raise BackupError("failed", _OLDER_KEYS, **said)


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


def _into_folder(settings: Settings, wish: Wish, copy: Copy, keys_of: KeysOf | None, folder: Path) -> int:
    elsewhere = settings if wish.into is None else None
    places = KeyPlaces(
        elsewhere.seal_keys if elsewhere else folder / "keys" / "seal.json",
        elsewhere.people_keys if elsewhere else folder / "keys" / "people",
    )
    with data_folder(folder, restoring=True):
        to_moment = recovering(settings, wish, copy)
        look = partial(_look, settings, None if to_moment else copy.content.findings)
        return into_folder(copy, folder, keys_of, places, look, recover=to_moment)


def _into_own_server(settings: Settings, copy: Copy, keys_of: KeysOf | None) -> int:
    urls = DatabaseUrls(owner=settings.database_owner_url or "", app=settings.database_url or "", prefect="", admin="")
    if not urls.owner:
        raise Ending(
            say(current_language(), N_("To copy or restore, DATABASE_OWNER_URL has to say how the owner signs in."))
        )
    places = KeyPlaces(settings.seal_keys, settings.people_keys)
    if not dumps.may_mark(urls.owner):
        tell_apart(_NOT_MARKED)
    with data_folder(settings.data, restoring=True):
        look = partial(_look, settings, copy.content.findings)
        return into_database(copy, urls, settings.data, keys_of, places, look)


def _look(settings: Settings, known: Collection[str] | None, urls: DatabaseUrls, keys: KeyPlaces | None) -> None:
    """See that what came back is sound, and bring it to the newest migration."""
    bring_to_newest(settings, urls, restoring=True)
    if keys is not None:
        judge(urls.owner, keys.seal_keys, keys.people_keys, known)


def _put_keys(settings: Settings, wish: Wish) -> None:
    """Put back the keys alone, where the database is there and they are not."""
    _, keys_of = opened(settings, wish)
    if keys_of is None:
        return  # both words at once are refused
    with data_folder(settings.data, restoring=True):
        keys_into(settings.data, keys_of, KeyPlaces(settings.seal_keys, settings.people_keys))
    tell(N_("The keys are back: %(place)s. Nothing else was touched."), place=settings.people_keys)


def moment_of(wish: Wish, copy: Copy) -> datetime | None:
    """The moment that is asked for, by the clock of the program's zone. Raises BackupError."""
    return typed_moment(wish.at, copy.manifest.zone) if wish.at else None


def _past_moment(wish: Wish, zone: str) -> datetime:
    at = typed_moment(wish.at, zone)
    if at > datetime.now(UTC):
        raise BackupError("failed", "%(at)s is yet to come.", at=wish.at)
    return at


def _with_base(settings: Settings, place: Path, newest: Path, wish: Wish) -> Path:
    """The last copy with the server's files of before the moment that is asked for. Raises BackupError."""
    at = _past_moment(wish, read_manifest(newest).zone)
    if settings.backups.archive is None:
        raise BackupError("failed", "To go back to a chosen moment, SPHERES_ARCHIVE has to say where the archive is.")
    shelf = Shelf(place if newest != place else place.parent, read_manifest(newest).installation)
    bases = shelf.bases()
    for folder, manifest in bases:
        if manifest.base is not None and manifest.base.ended_at <= at:
            return folder
    first = min((one.base.ended_at for _, one in bases if one.base is not None), default=None)
    raise BackupError(
        "failed",
        "No copy leads to %(at)s: the first moment that can be asked for is %(first)s.",
        at=wish.at,
        first=f"{first:%Y-%m-%d %H:%M:%S %z}" if first else "–",
    )


def recovering(settings: Settings, wish: Wish, copy: Copy, *, goes_on: bool = True) -> Recover | None:
    """What has the server as it stood at the moment that is asked for; None where none is. Raises BackupError."""
    at, archive = moment_of(wish, copy), settings.backups.archived
    if at is None or archive is None or copy.manifest.base is None:
        return None
    place, moment = archive.of_server(copy.manifest.base.system), at
    return lambda copy, working: recover(copy, place, moment, working, goes_on=goes_on)
