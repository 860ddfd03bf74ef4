"""What the commands share: the database that the settings name, and the program that is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Engine
from sqlmodel import Session

from adapters.clock import moment_of
from adapters.database import make_engine, open_session, program_session
from adapters.keys import FileSealKeys
from adapters.ledger import NAME as LEDGER_FILE
from adapters.ledger import FileLedger
from adapters.people_keys import FilePeopleKeys
from adapters.places import is_there
from adapters.postgres import DatabaseUrls
from adapters.settings import Settings
from api.access.being_written import being_written
from api.cli.databases import databases
from api.cli.ledgers import before_any_program, compare_with_ledger, ledger_at
from api.cli.ready import bring_to_newest
from api.cli.spoken import Ending
from domain.kernel import Refusal, first, of, run, select
from domain.mail import LetterTemplates, Mailbox, stationery_for
from domain.obligations import triggers
from domain.participants import names_known
from domain.restoring import Disagrees, refuse_another_epoch, told_of_ledger
from flows.protocols import letter_folders
from locales import N_, current_language, say, show_moments_in
from models.ports import Keys, Ledger
from models.program import Organization, Person, Program

ProgramKey = Annotated[str, typer.Option("--program", help="The program's key. Not needed where there is one only.")]


def sender_of(settings: Settings) -> Mailbox:
    """The sender of letters."""
    return Mailbox(settings.sender, "SPHÈRES")


def stationery_of(settings: Settings) -> LetterTemplates:
    """The letters of every protocol, and the address that their links go to."""
    return stationery_for(
        sender=sender_of(settings), base_url=settings.base_url, folders=letter_folders(), known=names_known
    )


def keys_of(settings: Settings) -> Keys:
    """The keys of what is sealed of participants."""
    return FilePeopleKeys(settings.people_keys)


def ledger_of(settings: Settings) -> Ledger:
    """The ledger of what must not come back."""
    return FileLedger(settings.ledger, FileSealKeys(settings.seal_keys))


@dataclass(frozen=True)
class Counter:
    """Where a command works: one transaction of one program, at a moment."""

    session: Session
    program: Program
    at: datetime

    @property
    def day(self) -> date:
        """The program's local day."""
        return self.at.astimezone(ZoneInfo(self.program.time_zone)).date()

    def person(self, person_id: UUID) -> Person:
        """A person of the program."""
        return self.session.get_one(Person, (self.program.id, person_id))

    def organization(self, key: str) -> Organization:
        """An organization by key."""
        found = first(self.session, of(Organization).where(Organization.key == key))
        if found is None:
            raise Refusal("organization.unknown", N_("The program has no such organization."))
        return found


@dataclass(frozen=True)
class OpenDatabase:
    """The database that the settings name, while a command works on it."""

    settings: Settings
    urls: DatabaseUrls
    engine: Engine

    def before_a_program(self) -> Session:
        """A session before it is known which program is meant."""
        return open_session(self.engine)

    def of_program(self, program_id: UUID) -> Session:
        """A session of one program, with the letters' stationery in it."""
        session = program_session(self.engine, program_id)
        session.info.update(letter_templates=stationery_of(self.settings), keys=keys_of(self.settings))
        return session

    @contextmanager
    def transaction(self, program_id: UUID) -> Iterator[Session]:
        """A session of one program. Where the block ends it commits; where the block raises, it undoes.

        The command line commits here and nowhere else.
        """
        with self.of_program(program_id) as session:
            yield session
            session.commit()


@contextmanager
def opened(command: str, *, connections: int = 2, migrates: bool = False) -> Iterator[OpenDatabase]:
    """The database that the settings name, for as long as a command works. `command` is how the server knows it.

    It is brought to the newest migration first where the command `migrates` and the owner is known. Where no ledger is
    there, the first command begins it, if the database has not seen one yet.
    """
    settings = Settings.from_env(os.environ)
    with databases(settings) as urls:
        if migrates and urls.owner:
            bring_to_newest(settings, urls)
        if urls.owner and not is_there(settings.ledger / LEDGER_FILE):
            begin = (
                compare_with_ledger if is_there(settings.seal_keys) else ledger_at
            )  # without a key no line is written
            with before_any_program(urls.owner) as session:
                begin(session, settings)
        engine = make_engine(
            urls.app,
            pool_size=connections,
            application_name=f"spheres {command}",
            ledger=ledger_of(settings),
            agree=refuse_another_epoch,
        )
        try:
            yield OpenDatabase(settings, urls, engine)
        except Disagrees as error:
            raise Ending(told_of_ledger(error, settings.ledger, current_language())) from None
        finally:
            engine.dispose()


@contextmanager
def counter(program_key: str = "") -> Iterator[Counter]:
    """One transaction of the program meant, committed at the end unless something is raised."""
    with opened("cli") as database:
        program_id = which_program(database, program_key)
        with database.transaction(program_id) as session:
            program = session.get(Program, program_id)
            if program is None:
                raise Ending(_none())
            is_unwritten = program.is_demonstration and program.year_written_at is None
            if is_unwritten and database.settings.being_written.exists():
                raise being_written()
            show_moments_in(program.time_zone)
            here = Counter(session, program, moment_of(session))
            yield here
            triggers.judge_touched(session, at=here.at)


def which_program(database: OpenDatabase, key: str) -> UUID:
    """The program of that key, or the only one. Raises Ending, naming those that there are."""
    with database.before_a_program() as session:
        known: dict[str, UUID] = {row.key: row.id for row in run(session, select(Program.key, Program.id))}
    if key in known:
        return known[key]
    if not key and len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise Ending(_none())
    raise Ending(
        say(current_language(), N_("Say which program, with --program: %(keys)s."), keys=", ".join(sorted(known)))
    )


def _none() -> str:
    return say(current_language(), N_("No program is loaded. Load one with: spheres program load FILE"))
