"""The record from the command line: checking it against its seals, and the keys that seal it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from adapters.database import program_session
from adapters.keys import FileSealKeys, make_seal_key, rotate_seal_key
from adapters.people_keys import make_people_keys, rotate_people_keys
from adapters.settings import Settings
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.ledgers import refuse_lone_ledger
from api.cli.spoken import tell
from api.cli.terminal import OpenDatabase, ProgramKey, opened, which_program
from domain.kernel import col, scalars, select
from domain.participants import sweep_orphans
from domain.record import LastSeal, Report, check, head_of_letter
from locales import N_, current_language, say
from models.program import Program

app = typer.Typer(no_args_is_help=True, help="The keys that seal the record, and those of participants.")

PEOPLE_KEYS_MADE: Final = N_(
    "The keys of participants are made: %(folder)s. Keep a copy apart from the database’s, for a few weeks at most."
)

HeadOfLetter = Annotated[
    list[str] | None,
    typer.Option(
        "--head", help="A head from a letter, NUMBER:SIGNATURE, to compare as well. May be given several times."
    ),
]


@asks(Action.VERIFY_RECORD)
def verify(program: ProgramKey = "", head: HeadOfLetter = None) -> None:
    """Check every line of the record against its seals. Status 1 where something was changed, removed or put in.

    It asks for no name: the database and the seal keys that it needs are given to operators alone.
    """
    require(Action.VERIFY_RECORD, at_the_terminal())
    typed = [head_of_letter(one) for one in head or ()]
    with opened("verify") as database:
        sound = [_verified(database, key, typed) for key in _programs(database, program, typed)]
    if not all(sound):
        raise typer.Exit(1)


@app.command("init")
@asks(Action.KEEP_SEAL_KEYS)
def init() -> None:
    """Make the first seal key, and the master key of participants, for their owner alone. What is there stays."""
    require(Action.KEEP_SEAL_KEYS, at_the_terminal())
    settings = Settings.from_env(os.environ)
    refuse_lone_ledger(settings)
    path, folder = settings.seal_keys, settings.people_keys
    made = make_seal_key(path)
    made_for_people = make_people_keys(folder)
    if made:
        tell(N_("The seal key is made: %(file)s. Keep a copy of it apart from the database’s."), file=path)
    else:
        tell(N_("There is a seal key already: %(file)s. Nothing was changed."), file=path)
    if made_for_people:
        tell(PEOPLE_KEYS_MADE, folder=folder)
    else:
        tell(N_("There are keys of participants already: %(folder)s. Nothing was changed."), folder=folder)


@app.command()
@asks(Action.KEEP_SEAL_KEYS)
def rotate() -> None:
    """Seal with a new key from now on, and wrap the participants' keys under a new master key.

    The seal keys before it stay in the file, for what they sealed.
    """
    require(Action.KEEP_SEAL_KEYS, at_the_terminal())
    settings = Settings.from_env(os.environ)
    path = settings.seal_keys
    key_id = rotate_seal_key(path)
    wrapped = rotate_people_keys(settings.people_keys)
    tell(
        N_("Keys of participants wrapped under a new master key: %(count)s. Copy the folder again: %(folder)s."),
        count=wrapped,
        folder=settings.people_keys,
    )
    tell(N_("New lines are sealed with the key %(key)s. Copy the file again: %(file)s."), key=key_id, file=path)


@app.command()
@asks(Action.KEEP_SEAL_KEYS)
def sweep() -> None:
    """Destroy the participants' keys that no row speaks of, and that are older than a day.

    Only where no other database uses the folder, and no backup is still to be restored.
    """
    require(Action.KEEP_SEAL_KEYS, at_the_terminal())
    with opened("sweep", connections=4) as database:
        with database.before_a_program() as session:
            ids = list(scalars(session, select(Program.id)))
        with ExitStack() as each:
            sessions = [each.enter_context(database.of_program(program_id)) for program_id in ids]
            swept = sweep_orphans(sessions, at=datetime.now(UTC))
    tell(N_("Keys that nothing needs, destroyed: %(count)s."), count=swept)


def _programs(database: OpenDatabase, asked: str, typed: list[LastSeal]) -> list[str]:
    """The keys of the programs to check: the one asked for, else every one; a head from a letter is of one alone."""
    if asked or typed:
        which_program(database, asked)
    with database.before_a_program() as session:
        known = list(scalars(session, select(Program.key).order_by(col(Program.key))))
    if not known:
        which_program(database, asked)
    return [asked] if asked else known


def _verified(database: OpenDatabase, key: str, typed: list[LastSeal]) -> bool:
    """Check one program and tell what was seen."""
    keys = FileSealKeys(database.settings.seal_keys)
    with program_session(database.engine, which_program(database, key)) as session:
        # One moment of a record that is being written to.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        report = check(session, keys, heads=typed)
    _tell(key, report)
    return report.is_sound


def _tell(key: str, report: Report) -> None:
    language = current_language()
    tell(
        N_("%(program)s – lines: %(lines)s; seals: %(seals)s; lines that wait for a seal: %(waiting)s."),
        program=key,
        lines=report.lines,
        seals=report.seals,
        waiting=report.waiting,
    )
    if report.head is not None:
        tell(
            N_("The last seal is %(number)s:%(signature)s."), number=report.head.number, signature=report.head.signature
        )
    for finding in report.findings:
        typer.echo(f"  {say(language, finding.sentence, **finding.facts)} [{finding.code}]")
    if not report.is_sound:
        tell(N_("The record is not as it was sealed. Findings: %(count)s."), count=len(report.findings))
    elif report.compared:
        tell(N_("Nothing was changed. Seals from outside that were compared: %(count)s."), count=report.compared)
    else:
        tell(
            N_(
                "Nothing was changed. No seal that went out was compared, so that a cut at the end would not be seen: "
                "take one from a letter, with --head."
            )
        )
