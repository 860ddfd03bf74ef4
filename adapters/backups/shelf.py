"""The folder in which copies lie, each in a folder of its own that has its name once it is whole."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.backups.faults import BackupError, telling
from adapters.backups.keeping import Keeping, Kept, is_credible, removals
from adapters.backups.manifest import (
    BASE,
    DATABASE,
    MANIFEST,
    PEOPLE_KEYS,
    SEALED_MANIFEST,
    BaseOf,
    Manifest,
    installation_of,
    read_manifest,
)
from adapters.key_files import settle


class Shelf:
    """The copies of one installation in one folder. Those of others lie there untouched."""

    def __init__(self, folder: Path, installation: str) -> None:
        self.folder = folder
        self._installation = installation
        self._unfinished = f".unfinished-{hashlib.sha256(installation.encode()).hexdigest()[:8]}-"

    @contextmanager
    def new(self, at: datetime) -> Iterator[Path]:
        """A folder for a copy, which gets its name where the block ends, and is gone where it raises.

        What a process left that was killed is removed first: the caller sees to it that no other makes one.
        """
        self.refuse_missing()
        with telling(self.folder):
            for left in self.folder.glob(f"{self._unfinished}*"):
                shutil.rmtree(left, ignore_errors=True)
            name = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
            making = self.folder / f"{self._unfinished}{name}"
            making.mkdir(mode=0o700)
        try:
            yield making
            with telling(self.folder):
                settle(making)
                making.rename(self.folder / name)
                settle(self.folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def name_of(self, making: Path) -> str:
        """The name that an unfinished copy will have."""
        return making.name.removeprefix(self._unfinished)

    def copies(self) -> list[Kept]:
        """The whole copies of this installation, the newest first. Raises BackupError where the folder is not there."""
        self.refuse_missing()
        with telling(self.folder):
            folders = [one for one in sorted(self.folder.iterdir()) if not one.name.startswith(".")]
        found = []
        for folder in folders:
            with suppress(BackupError):  # another's, or no copy at all
                manifest = read_manifest(folder)
                if manifest.installation == self._installation:
                    has_keys, is_lacking = (folder / PEOPLE_KEYS).exists(), manifest.keys_missing > 0
                    found.append(Kept(folder.name, manifest.taken_at, has_keys, is_lacking))
        return sorted(found, key=lambda one: one.taken_at, reverse=True)

    def bases(self) -> list[tuple[Path, Manifest]]:
        """The copies that hold the files of the server, the newest first. Raises BackupError."""
        folders = [self.folder / one.id for one in self.copies() if (self.folder / one.id / BASE).exists()]
        return [(folder, read_manifest(folder)) for folder in folders]

    def every_base(self) -> list[BaseOf]:
        """The files of servers in all whole copies here, of every address. Raises BackupError where one is not read."""
        self.refuse_missing()
        with telling(self.folder):
            folders = [one for one in self.folder.iterdir() if not one.name.startswith(".") and _holds(one, BASE)]
        return [base for folder in folders if (base := read_manifest(folder).base) is not None]

    def tidy(self, keeping: Keeping, *, newest: str, now: datetime) -> tuple[str, ...]:
        """Remove what is no longer kept now that the copy `newest` is there. Returns the names of copies that went."""
        gone = removals(self.copies(), keeping, newest=newest, now=now)
        with telling(self.folder):
            for name in gone.keys:
                (self.folder / name / PEOPLE_KEYS).unlink(missing_ok=True)
            for name in gone.bases:
                (self.folder / name / BASE).unlink(missing_ok=True)
            for name in gone.copies:
                # Its name goes first, so that a removal that is cut off leaves no copy in parts.
                going = (self.folder / name).rename(self.folder / f"{self._unfinished}{name}")
                shutil.rmtree(going)
            settle(self.folder)
        return gone.copies

    def make_room(self, keeping: Keeping, now: datetime) -> tuple[str, ...]:
        """Remove what is no longer kept beside the newest copy that is there; which went. Raises BackupError.

        Where that one is of a moment to come, a clock is wrong, and nothing is removed by it.
        """
        there = self.copies()
        if not there or not is_credible(there[0].taken_at, now):
            return ()
        return self.tidy(keeping, newest=there[0].id, now=now)

    def refuse_missing(self) -> None:
        """Refuse a folder that is not there: made by us it could be under where a disk was to be."""
        if not self.folder.is_dir():
            raise BackupError(
                "no_place",
                "The folder for copies is not there: %(folder)s. Make it, or mount what belongs there.",
                folder=self.folder,
            )


@dataclass(frozen=True)
class Newest:
    """The copy that is meant, those that were passed over for a date that is yet to come, and one that holds more.

    `unread` is why each copy cannot be used that may be newer than that one.
    """

    folder: Path
    ahead: tuple[Path, ...] = ()
    holds_more: Path | None = None
    unread: tuple[BackupError, ...] = ()


def newest_in(folder: Path, installation: str, now: datetime) -> Newest:
    """The copy that is meant: `folder` itself, or the newest in it, first of all of this installation.

    One that a clock dated ahead is passed over where there is any other. Raises BackupError where there is none.
    """
    if _is_copy(folder) or _holds(folder, MANIFEST):
        return Newest(folder)
    here, unread = _copies_in(folder, installation)
    if not here:
        none = BackupError("no_place", "There is no whole copy in %(folder)s.", folder=folder)
        raise next(iter(unread.values()), none)
    behind = [one for one in here if is_credible(one[1].taken_at, now)] or here
    chosen, manifest = behind[-1]
    return Newest(
        chosen,
        ahead=tuple(place for place, _ in here[len(behind) :]),
        holds_more=_last_that_holds_more(here, manifest),
        unread=tuple(why for place, why in unread.items() if _may_be_newer(place, manifest)),
    )


def _folders(folder: Path) -> list[Path]:
    """The copies in a folder, whole or not, the last by its name first. Raises BackupError."""
    with telling(folder):
        return sorted((one for one in folder.iterdir() if one.name[0] != "." and _is_copy(one)), reverse=True)


def _last_that_holds_more(here: Sequence[tuple[Path, Manifest]], than: Manifest) -> Path | None:
    return next((place for place, one in reversed(here) if _holds_more(one, than)), None)


def _copies_in(folder: Path, installation: str) -> tuple[list[tuple[Path, Manifest]], dict[Path, BackupError]]:
    """The copies of an installation in a folder, else of any other, the newest last; and why others cannot be used.

    Of those are none that say that they are of another installation. Raises BackupError.
    """
    found, unread = [], {}
    for one in _folders(folder):
        try:
            found.append((one, read_manifest(one)))
        except BackupError as why:
            unread[one] = why
    ours = [one for one in found if one[1].installation == installation]
    if not ours:
        return sorted(found, key=_moment), unread
    return sorted(ours, key=_moment), {
        one: why for one, why in unread.items() if installation_of(one) in (None, installation)
    }


def _moment(one: tuple[Path, Manifest]) -> datetime:
    return one[1].taken_at


#: The name that `Shelf.new` gives a copy.
_NAME: Final = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}", re.ASCII)


def _may_be_newer(copy: Path, than: Manifest) -> bool:
    """Whether a copy that cannot be read is newer than another, by its name; one that was renamed may be."""
    named = _NAME.fullmatch(copy.name)
    return named is None or named[1] > f"{than.taken_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _is_copy(folder: Path) -> bool:
    """Whether a folder is a copy, whole or what is left of one: by its name, or by what no other program writes."""
    is_named = _NAME.fullmatch(folder.name) is not None and folder.is_dir()
    return is_named or any(_holds(folder, name) for name in (SEALED_MANIFEST, DATABASE))


def _holds(folder: Path, name: str) -> bool:
    """Whether a file of a copy lies in a folder: in none that we may not look into, but one that is named as a copy.

    Raises PermissionError for that one. A disk has a folder of its own, `lost+found`, which is for root alone.
    """
    try:
        return (folder / name).exists()
    except PermissionError:
        if _NAME.fullmatch(folder.name):
            raise
        return False


def _holds_more(one: Manifest, than: Manifest) -> bool:
    """Whether a copy was made later than another, whatever their dates say: its record goes on where that one ends.

    Of before a restore none is meant: its record may have gone further, and was left.
    """
    if one.installation != than.installation or _epoch(one) != _epoch(than):
        return False
    return any(head.number > than.heads[key].number for key, head in one.heads.items() if key in than.heads)


def _epoch(manifest: Manifest) -> object:
    """How often the database had been restored, by the list that lies apart."""
    return manifest.ledger.get("epoch") if manifest.ledger is not None else None
