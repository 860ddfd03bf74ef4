"""What the commands share: the database that the settings name, the program and the person that are meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Engine, select
from sqlmodel import Session

from adapters.database import make_engine, open_session, program_session
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from api.access.being_written import being_written
from api.access.permissions import Asker, Forbidden, action_of, themselves
from api.cli.databases import databases
from api.cli.spoken import Ending
from api.views.states import STATES, state_in_words, state_of_case, state_of_task
from domain.casework.proofs import LARGEST_DOCUMENT
from domain.kernel.refusals import Refusal
from domain.mail.envelopes import Mailbox
from domain.mail.notices import Stationery, stationery_for
from domain.obligations import triggers
from domain.participants.identity import names_known
from domain.record import turned_away
from domain.roles.roles import standing
from flows.protocols import letter_folders
from locales import N_, current_language, say, show_day
from models.base import table_of
from models.ports import Keys
from models.program import Organization, Person, Program

_program = table_of(Program)
_person = table_of(Person)
_organization = table_of(Organization)

ProgramKey = Annotated[str, typer.Option("--program", help="The program's key. Not needed where there is one only.")]
AsPerson = Annotated[
    str, typer.Option("--as", help="The key of the person who acts. The same table is asked as on the pages.")
]


#: The command that runs, and what it was given.
_running: ContextVar[tuple[Callable[..., Any], Mapping[str, Any]] | None] = ContextVar("command", default=None)


def case_state(case: Mapping[str, Any]) -> str:
    """The word for a case's state in the terminal's language, as wide as the widest."""
    return _column(state_of_case(case["state"]))


def task_state(task: Mapping[str, Any], today: date) -> str:
    """The word for a task's state in the terminal's language, as wide as the widest. Lateness has one of its own."""
    is_late = task["due_on"] is not None and task["due_on"] < today
    return _column(state_of_task(task, is_late=is_late))


def day_or_dash(day: date | None) -> str:
    """A due day in the terminal's language, as wide as the widest; a dash where there is none."""
    return f"{show_day(current_language(), day, 'medium') if day else '–':<16}"


def _column(state: str) -> str:
    language = current_language()
    return state_in_words(state, language).ljust(max(len(state_in_words(one, language)) for one in STATES))


def sender_of(settings: Settings) -> Mailbox:
    """Whom letters come from."""
    return Mailbox(settings.sender, "SPHÈRES")


def stationery_of(settings: Settings) -> Stationery:
    """The letters of every protocol, and the address that their links go to."""
    return stationery_for(
        sender=sender_of(settings), base_url=settings.base_url, folders=letter_folders(), known=names_known
    )


def keys_of(settings: Settings) -> Keys:
    """The keys of what is sealed of participants."""
    return FilePeopleKeys(settings.people_keys)


@dataclass(frozen=True)
class Counter:
    """Where a command works: one transaction of one program, at a moment."""

    session: Session
    program: Program
    at: datetime
    asked_by: list[Asker] = field(default_factory=list)

    @property
    def day(self) -> date:
        """The program's local day."""
        return self.at.astimezone(ZoneInfo(self.program.time_zone)).date()

    def asker(self, key: str) -> Asker:
        """The person who acts. Raises Ending where there is none of that key."""
        found = Asker(self.person(key).id, standing(self.session, self.day))
        self.asked_by.append(found)
        return found

    def desk(self, key: str) -> AtTerminal:
        """Where the person of that key asks from. Raises Ending where there is none."""
        return AtTerminal(self.session, self.asker(key), self.at)

    def person(self, key: str) -> Person:
        """A person by key or id."""
        found = self.session.scalars(
            select(Person).where(
                _person.c.program_id == self.program.id, (_person.c.key == key) | (_person.c.id == _as_id(key))
            )
        ).first()
        if found is None:
            raise Refusal("person.unknown", N_("There is no such person."))
        return found

    def organization(self, key: str) -> Organization:
        """An organization by key."""
        found = self.session.scalars(
            select(Organization).where(_organization.c.program_id == self.program.id, _organization.c.key == key)
        ).first()
        if found is None:
            raise Refusal("organization.unknown", N_("The program has no such organization."))
        return found


@dataclass(frozen=True)
class AtTerminal:
    """Who asks at the terminal, in its transaction: what a desk is to a request."""

    session: Session
    asker: Asker
    at: datetime


def remembering(app: typer.Typer) -> None:
    """Have each command of `app` leave word of itself while it runs, for the record of a refusal."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = _remembered(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            remembering(group.typer_instance)


def _remembered(command: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(command)
    def run(**given: Any) -> Any:
        token = _running.set((command, given))
        try:
            return command(**given)
        finally:
            _running.reset(token)

    return run


def document_at(path: Path) -> bytes:
    """What a file holds, to be kept as a document: one byte more than is kept tells that it is too large."""
    with path.open("rb") as opened:
        return opened.read(LARGEST_DOCUMENT + 1)


@contextmanager
def counter(program_key: str = "") -> Iterator[Counter]:
    """One transaction of the program meant, committed at the end unless something is raised."""
    settings = Settings.from_env(os.environ)
    with databases(settings) as urls:
        engine = make_engine(urls.app, pool_size=2, application_name="spheres cli")
        try:
            program_id = which_program(engine, program_key)
            with program_session(engine, program_id) as session:
                session.info.update(stationery=stationery_of(settings), keys=keys_of(settings))
                program = session.get(Program, program_id)
                if program is None:
                    raise Ending(_none())
                if program.is_demonstration and program.year_written_at is None and settings.being_written.exists():
                    raise being_written()
                here = Counter(session, program, datetime.now(UTC))
                try:
                    yield here
                except Forbidden:
                    session.rollback()
                    _tell_of_refusal(here)
                    session.commit()
                    raise
                triggers.settle(session, at=here.at)
                session.commit()
        finally:
            engine.dispose()


def _tell_of_refusal(here: Counter) -> None:
    """Have the record know who was refused which command, and for which thing."""
    running = _running.get()
    if not here.asked_by or running is None:
        return
    command, given = running
    action = action_of(command)
    named = [(name, value) for name, value in given.items() if name.endswith("_id")]
    kind, asked = named[-1] if named else ("", None)
    turned_away.tell(
        here.session,
        by=themselves(here.asked_by[-1]),
        at=here.at,
        action=action.value if action else "",
        why="not_theirs",
        kind=kind.removesuffix("_id"),
        asked=asked if isinstance(asked, UUID) else None,
    )


def which_program(engine: Engine, key: str) -> UUID:
    """The program of that key, or the only one. Raises Ending, naming those that there are."""
    with open_session(engine) as session:
        known: dict[str, UUID] = {row.key: row.id for row in session.execute(select(_program.c.key, _program.c.id))}
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


def _as_id(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None
