"""The keys outside the database: the seal key, the master key and a sample of what it wraps, and where they lie."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from adapters.keys import FileSealKeys
from adapters.people_keys import FilePeopleKeys
from adapters.places import is_there
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import Away, House
from domain.kernel import col, only, scalars, there_is
from locales import N_
from models.participant import DataKey
from models.ports import KeyGone, NoKeys, NoSealKey
from models.record import Seal

SEAL: Final = Check("keys.seal", N_("The seal key is there, for its owner alone"))
MASTER: Final = Check("keys.people", N_("The master key opens the participants’ keys"))
KNOWN: Final = Check("keys.known", N_("Each participant of the database has a key here"))
FOLDER: Final = Check(
    "keys.folder", N_("The folder of the participants’ keys can be written, and no other account reads it")
)

T = TypeVar("T")

#: So many keys are opened, drawn by chance: all of them would take minutes.
_SAMPLE: Final = 20
_MADE_LATER: Final = N_("No keys were made here yet: “spheres up” makes them.")
_PUT_BACK: Final = N_(
    "Put the keys back from their copy, as README says. Make no new ones: what is sealed needs the old."
)
_DO_SO: Final = N_(
    "Do as it says. Keys that are put back come from their copy, as README says; make no new ones in their stead: what "
    "is sealed needs the old."
)
_GIVE_FOLDER: Final = N_("Give the folder to the account that runs SPHÈRES, and close it to others with: chmod 700")


def look(house: House) -> Iterator[Finding]:
    """Look at the files, then compare them with the database."""
    yield _seal(house)
    folder = house.settings.people_keys
    if _may_be_missing(house, folder, house.settings.people_key_folder, _has_participants):
        yield from (one.not_asked(words(_MADE_LATER)) for one in (MASTER, FOLDER))
    else:
        yield _master(folder)
        yield _folder(folder)
    yield _known(house, folder)


def _may_be_missing(house: House, place: Path, named: Path | None, needed: Callable[[Session], bool]) -> bool:
    """Whether keys are not there, and need not be: the settings name none, and no program of the database needs any."""
    if named is not None or is_there(place):
        return False
    try:
        for program_id, *_ in house.programs:
            with house.of_program(program_id) as session:
                if needed(session):
                    return False
    except (Away, SQLAlchemyError):
        return True  # it is not known: the check of the database tells why
    return True


def _is_sealed(session: Session) -> bool:
    return there_is(session, only(Seal.number).where(col(Seal.number) > 0))


def _has_participants(session: Session) -> bool:
    return there_is(session, only(DataKey.id).where(col(DataKey.destroyed_at).is_(None)))


def _seal(house: House) -> Finding:
    path = house.settings.seal_keys
    if _may_be_missing(house, path, house.settings.seal_key_file, _is_sealed):
        return SEAL.not_asked(words(_MADE_LATER))
    keys = FileSealKeys(path)
    try:
        keys.current()
        is_another = any(keys.sign(key_id, b"") is None for key_id in _last_sealed_with(house))
    except NoSealKey as error:
        return SEAL.wrong(words(error.sentence, **error.facts), words(_DO_SO))
    if is_another:
        return SEAL.wrong(
            words(N_("The record was last sealed with a key that is not in %(file)s."), file=str(path)),
            words(_PUT_BACK),
        )
    return SEAL.ok(N_("It lies in %(file)s."), file=str(path))


def _last_sealed_with(house: House) -> list[str]:
    """The ids of the keys under the last seal of each program; none where the database cannot be asked."""
    last = only(Seal.key_id).order_by(col(Seal.number).desc()).limit(1)
    try:
        return [key_id for program_id, *_ in house.programs for key_id in _read(house, program_id, last)]
    except (Away, SQLAlchemyError):
        return []


def _read(house: House, program_id: UUID, asked: SelectOfScalar[T]) -> list[T]:
    with house.of_program(program_id) as session:
        return list(scalars(session, asked))


def _master(folder: Path) -> Finding:
    keys = FilePeopleKeys(folder)
    try:
        held = sorted(keys.held(made_before=datetime.max.replace(tzinfo=UTC)))
        sample = random.sample(held, min(_SAMPLE, len(held)))
        keys.mark("doctor")  # opens the master's file, also where it wraps nothing yet
        opened = sum(_opens(keys, key_id) for key_id in sample)
    except NoKeys as error:
        return MASTER.wrong(words(error.sentence, **error.facts), words(_DO_SO))
    return MASTER.ok(N_("Keys: %(count)s. Opened, as a sample: %(opened)s."), count=len(held), opened=opened)


def _opens(keys: FilePeopleKeys, key_id: UUID) -> bool:
    """Whether a key is opened by the master; not where it was destroyed a moment ago. Raises NoKeys."""
    try:
        keys.seal(key_id, b"", about="doctor")
    except KeyGone:
        return False
    return True


def _folder(folder: Path) -> Finding:
    wrapped = folder / "wrapped"
    try:
        open_to_others = [one for one in (folder, wrapped) if stat.S_IMODE(one.stat().st_mode) & 0o077]
    except OSError as error:
        return FOLDER.wrong(
            words(N_("%(folder)s cannot be looked at (%(error)s)."), folder=str(folder), error=type(error).__name__),
            words(_PUT_BACK),
        )
    if not all(os.access(one, os.R_OK | os.W_OK | os.X_OK) for one in (folder, wrapped)):
        return FOLDER.wrong(
            words(N_("%(folder)s cannot be written by this account: nobody can be referred."), folder=str(folder)),
            words(_GIVE_FOLDER),
        )
    if open_to_others:
        return FOLDER.wrong(
            words(N_("%(folder)s can be entered by other accounts."), folder=str(open_to_others[0])),
            words(_GIVE_FOLDER),
        )
    return FOLDER.ok(N_("It is %(folder)s."), folder=str(folder))


def _known(house: House, folder: Path) -> Finding:
    try:
        living = only(DataKey.participant_id).where(col(DataKey.destroyed_at).is_(None))
        asked = {key_id for program_id, *_ in house.programs for key_id in _read(house, program_id, living)}
        held = FilePeopleKeys(folder).held(made_before=datetime.max.replace(tzinfo=UTC)) if asked else frozenset()
    except Away as away:
        return KNOWN.not_asked(away.why)
    except NoKeys as error:
        return KNOWN.wrong(words(error.sentence, **error.facts), words(_DO_SO))
    missing = len(asked - held)
    if missing:
        return KNOWN.wrong(
            words(N_("Participants: %(count)s. Without a key here: %(missing)s."), count=len(asked), missing=missing),
            words(_PUT_BACK),
        )
    return KNOWN.ok(N_("Participants: %(count)s. Each has a key."), count=len(asked))


GROUP: Final = Group("keys", N_("Keys"), (SEAL, MASTER, FOLDER, KNOWN), look)
