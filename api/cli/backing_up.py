"""One copy of the installation that the settings name, and the row that says how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import NullPool, create_engine, insert
from sqlalchemy.exc import SQLAlchemyError

from adapters.backups.bases import base_of, refuse_lost_archive
from adapters.backups.dumps import alone
from adapters.backups.faults import BackupError, Busy
from adapters.backups.marked import is_marked, put_mark, refuse_unmarked
from adapters.backups.pair import public_key
from adapters.backups.pgbackrest import back_up_stanza
from adapters.backups.room import shares_disk
from adapters.backups.shelf import Shelf
from adapters.backups.taking import Origin, Taken, WriteBase, take
from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger
from adapters.places import ASIDE
from adapters.postgres import DatabaseUrls, EmbeddedPostgres
from adapters.settings import Settings
from api.cli.databases import databases
from api.cli.judging import codes_of, judge_copy
from api.cli.letting_go import keys_kept_their_days, tidy_the_archive
from api.cli.spoken import Ending, tell, tell_apart
from locales import N_, current_language, say
from models.backups import BackupRun
from models.base import table_of
from models.ports import NoLedger

if TYPE_CHECKING:
    from pyrage.x25519 import Recipient

T = TypeVar("T")


class NotDue(Exception):
    """What was due was done meanwhile, by another machine."""


@dataclass(frozen=True)
class BySchedule:
    """What a run by schedule knows more: when the next one is to have ended, and whether this one is still due."""

    next_by: datetime
    is_due: Callable[[], bool]


def back_up(settings: Settings, to: Path | None = None, *, by: BySchedule | None = None) -> Taken:
    """Make a copy, verify it, and remove what is no longer kept, of which it is told.

    Raises BackupError, or Ending where it is not said where to, or for which key; NotDue, by schedule. How it ended is
    noted, but for one that a command has made elsewhere than where copies are kept.
    """
    folder = to.expanduser().absolute() if to is not None else settings.backups.to
    if folder is None:
        raise Ending(say(current_language(), N_("Say where copies go: spheres backup FOLDER, or SPHERES_BACKUP_TO.")))
    if not settings.backups.key:
        raise Ending(
            say(
                current_language(),
                N_("SPHERES_BACKUP_KEY is not set: make a key pair on another machine with “spheres backup key FILE”."),
            )
        )
    run = _Run(settings, folder, public_key(settings.backups.key), by_schedule=by is not None)
    with keys_kept_their_days(settings, folder), databases(settings) as urls:
        _refuse_without_owner(urls)
        return noted(urls, "backup", lambda at: _made(run, urls, at), by, counts=run.is_kept_there)


def noted(
    urls: DatabaseUrls, kind: str, run: Callable[[datetime], T], by: BySchedule | None = None, *, counts: bool = True
) -> T:
    """Have something run that begins now, while no other process is at copies, and note how it ended if it counts.

    Raises Busy where another is, NotDue where another did it. A run that is stopped is not noted: it is no fault, and
    told by its being late.
    """
    with alone(urls.owner) as is_alone:
        if not is_alone:
            raise Busy
        if by is not None and not by.is_due():
            raise NotDue
        if not counts:
            return run(datetime.now(UTC))
        return _noted(urls, kind, run, by.next_by if by is not None else None)


def _noted(urls: DatabaseUrls, kind: str, run: Callable[[datetime], T], next_by: datetime | None) -> T:
    begun = datetime.now(UTC)
    try:
        done = run(begun)
    except Exception as failed:
        with suppress(SQLAlchemyError):  # where the database is away it cannot be told, and is seen by its lateness
            _note(urls, kind, begun, failed.code if isinstance(failed, BackupError) else "failed", next_by)
        raise
    _note(urls, kind, begun, "", next_by)
    return done


@dataclass(frozen=True)
class _Run:
    """What one copy is made by."""

    settings: Settings
    folder: Path
    recipient: Recipient
    by_schedule: bool

    @property
    def is_kept_there(self) -> bool:
        """Whether it goes where copies are kept, or nothing says where that is."""
        to = self.settings.backups.to
        return to is None or self.folder == to or self.folder.resolve() == to.resolve()


def _made(run: _Run, urls: DatabaseUrls, at: datetime) -> Taken:
    settings, keeping = run.settings, run.settings.backups.keeping
    base, system = _base(settings, urls)
    _refuse_place(run, archive=settings.backups.archive if base is not None else None)
    shelf = Shelf(run.folder, settings.base_url)
    _tell_gone(shelf.make_room(keeping, at))
    origin = Origin(settings.base_url, version("spheres"), settings.seal_keys, settings.people_keys, urls.owner)
    taken = take(
        origin,
        shelf,
        run.recipient,
        at=at,
        beside=settings.data / ASIDE,
        judge=partial(judge_copy, origin),
        base=base,
        ledger=lambda: _head_of_ledger(settings),
    )
    _tell_gone(shelf.tidy(keeping, newest=taken.id, now=at))
    if settings.backups.archived is not None and base is not None:
        refuse_lost_archive(settings.backups.archived, urls.admin, system)
        if run.is_kept_there:
            tidy_the_archive(settings.backups.archived, shelf, system, keeping, at)
    _mark_place(run, archive=settings.backups.archive if base is not None else None)
    if settings.backups.stanza and settings.database_url is not None:
        back_up_stanza(settings.backups.stanza)
    _tell_what_was_wrong(taken)
    return taken


def _tell_gone(names: Iterable[str]) -> None:
    for name in names:
        tell(N_("Removed, since it is no longer kept: the copy %(name)s."), name=name)


def _refuse_place(run: _Run, archive: Path | None) -> None:
    refuse_folder(run.settings, run.folder)
    if run.by_schedule:
        for place in (run.folder, archive):
            if place is not None:
                refuse_unmarked(place)


def refuse_folder(settings: Settings, folder: Path) -> None:
    """Refuse a folder in the data folder, also by another name, and one that is not there. Raises BackupError."""
    if folder.resolve().is_relative_to(settings.data.resolve()):
        raise BackupError(
            "no_place",
            "%(folder)s lies in the data folder. A copy beside what it is of is lost with it.",
            folder=folder,
        )
    Shelf(folder, settings.base_url).refuse_missing()


def _mark_place(run: _Run, archive: Path | None) -> None:
    """Have copies by schedule know again where a person had one made."""
    if run.by_schedule or run.settings.backups.to is None or not run.is_kept_there:
        return
    for place in (run.folder, archive):
        if place is None:
            continue
        if not is_marked(place):
            put_mark(place)
            tell(
                N_("%(folder)s is marked as the place for copies: without the mark none is made by itself."),
                folder=place,
            )
        if shares_disk(place, run.settings.data):
            tell_apart(
                N_("%(folder)s lies on the same disk as the data, and is lost with it. Take another disk or machine."),
                folder=place,
            )


def _tell_what_was_wrong(taken: Taken) -> None:
    """Tell what the copy has from where it was made. Raises BackupError where it lacks keys: those are lost there."""
    if taken.verdict.findings:
        tell_apart(
            N_("The copy is as its origin, whose record is not as it was sealed: %(codes)s. See: spheres verify"),
            codes=codes_of(taken.verdict.findings),
        )
    if taken.verdict.keys_missing:
        raise BackupError(
            "keys_missing",
            "The copy %(name)s is made and kept, and is not whole: keys of participants or of words lie nowhere, or "
            "open nothing, and were not destroyed. How many: %(missing)s. Put them back from an older copy.",
            name=taken.id,
            missing=taken.verdict.keys_missing,
        )


def _head_of_ledger(settings: Settings) -> Mapping[str, object] | None:
    """The last line of the ledger, as the manifest notes it; None where there is none, or it cannot be read."""
    try:
        last = FileLedger(settings.ledger, FileSealKeys(settings.seal_keys)).last()
    except NoLedger:
        return None  # a copy is made all the same: the next start says what is wrong with the list
    return {"n": last.n, "digest": last.digest, "epoch": last.epoch} if last is not None else None


def _base(settings: Settings, urls: DatabaseUrls) -> tuple[WriteBase | None, str]:
    """What writes the files of the embedded server where it keeps an archive, and the number of that server."""
    if settings.backups.archive is None or settings.database_url is not None:
        return None, ""
    system = EmbeddedPostgres(settings.data / "postgres").system()
    return base_of(urls.admin, system), system


def _note(urls: DatabaseUrls, kind: str, begun: datetime, code: str, next_by: datetime | None) -> None:
    ended = max(begun, datetime.now(UTC))  # a clock may go back
    engine = create_engine(urls.app, poolclass=NullPool)
    row = BackupRun(kind=kind, started_at=begun, ended_at=ended, code=code, next_by=next_by)
    try:
        with engine.begin() as connection:
            connection.execute(insert(table_of(BackupRun)).values(row.model_dump()))
    finally:
        engine.dispose()


def _refuse_without_owner(urls: DatabaseUrls) -> None:
    if not urls.owner:
        raise Ending(
            say(current_language(), N_("To copy or restore, DATABASE_OWNER_URL has to say how the owner signs in."))
        )
