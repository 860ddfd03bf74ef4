"""Meetings from the command line: taking the mails by which calendars answer, as a mail server pipes them in."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final
from uuid import UUID

import typer
from sqlalchemy.exc import OperationalError

from adapters.clock import moment_of
from adapters.postgres import PostgresError
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import tell
from api.cli.terminal import OpenDatabase, ProgramKey, opened, which_program
from domain.kernel import col, scalars, select
from locales import N_
from meetings import replies
from meetings.mail_replies import MOST_BYTES
from models.program import Program

app = typer.Typer(no_args_is_help=True, help="The meetings of committees.")

#: What a mail server takes for "later": it keeps the mail and tries again (EX_TEMPFAIL of sysexits.h).
TRY_AGAIN: Final = 75
_PIECE: Final = 1 << 16


@app.callback()
def meetings() -> None:
    """The meetings of committees."""


@app.command()
@asks(Action.RECEIVE_MAIL)
def receive(program: ProgramKey = "") -> None:
    """Take one mail from standard input as an answer to an invitation.

    Status 0 whatever the mail says, so that nothing is ever sent back to an address that may be forged; 75 where the
    database does not answer, so that the mail server tries again.
    """
    require(Action.RECEIVE_MAIL, at_the_terminal())
    message = _read(sys.stdin.buffer)
    try:
        with opened("meeting receive") as database:
            _hand_over(database, message, program)
    except (OperationalError, PostgresError):
        raise typer.Exit(TRY_AGAIN) from None


def _hand_over(database: OpenDatabase, message: bytes, asked: str) -> None:
    """Give the mail to the program that knows what it answers; else to the one that is meant, which keeps a stray."""
    program_id = which_program(database, asked) if asked else _which(database, message)
    if program_id is None:
        tell(N_("No program knows what this mail answers: it was not kept."))
        return
    with database.transaction(program_id) as session:
        received = replies.receive(session, message, at=moment_of(session))
    if received.answered:
        tell(N_("Meetings answered: %(count)s."), count=received.answered)
    else:
        tell(N_("It was kept, but not taken as an answer: %(reason)s."), reason=received.stray)


def _which(database: OpenDatabase, message: bytes) -> UUID | None:
    with database.before_a_program() as session:
        programs: list[UUID] = list(scalars(session, select(Program.id).order_by(col(Program.key))))
    for program_id in programs:
        with database.of_program(program_id) as session:
            if replies.knows(session, message):
                return program_id
    return programs[0] if len(programs) == 1 else None


def _read(source: BinaryIO) -> bytes:
    """A mail, to one byte more than is ever taken. What comes after is read and let go: its writer is not cut off."""
    message = source.read(MOST_BYTES + 1)
    while source.read(_PIECE):
        pass
    return message
