"""The ledger from the command line: checking it against the database, and going on where the right one is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Final

import typer
from sqlmodel import Session

from adapters.clock import moment_of
from adapters.keys import FileSealKeys
from adapters.ledger import FileLedger, make_ledger
from adapters.people_keys import FilePeopleKeys
from adapters.settings import Settings
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.access import Email, at_address
from api.cli.databases import databases
from api.cli.ledgers import before_any_program
from api.cli.ready import refuse_while_restoring
from api.cli.spoken import Ending, tell
from api.cli.terminal import ProgramKey, counter
from domain.restored import deciding
from domain.restoring import Disagrees, finding, redoing, told_of_ledger
from locales import N_, current_language, say
from models.ports import NoLedger

_NOT_MOVED: Final = N_(
    "This database was not moved whole: something that the ledger tells of is missing in it, or was being done in a "
    "crash. Start with spheres up, which deals with that."
)

app = typer.Typer(no_args_is_help=True, help="The ledger, outside the database, of what must not come back.")

_WHAT_FOLLOWS: Final = N_(
    "What had ended may come back, and this program can no longer know all of it. If you go on, everyone is signed "
    "out, every link is void, the privacy officer is told, and the record says so. Put the right file there if you "
    "can; to go on without it, say so with: spheres ledger accept --yes"
)


@app.command()
@asks(Action.KEEP_LEDGER)
def check() -> None:
    """Check every line of the ledger, and that the database knows each. Status 1 where it does not."""
    require(Action.KEEP_LEDGER, at_the_terminal())
    settings = Settings.from_env(os.environ)
    with databases(settings) as urls, before_any_program(urls.owner or urls.app) as session:
        wrong = _what_is_wrong(session, settings, has_dealt_with_it=True)
        if wrong is not None:
            tell("%(why)s", why=wrong)
            raise typer.Exit(1)
        lines = len(_ledger(settings).lines())
    tell(N_("The ledger is sound, and the database knows it. Lines: %(lines)s."), lines=lines)


@app.command()
@asks(Action.KEEP_LEDGER)
def accept(*, yes: Annotated[bool, typer.Option("--yes", help="Go on without the right ledger.")] = False) -> None:
    """Go on where the right ledger is lost, as after a restore. The file that lies there is put aside, and kept."""
    require(Action.KEEP_LEDGER, at_the_terminal())
    settings = Settings.from_env(os.environ)
    with _as_owner(settings) as session:
        wrong = _what_is_wrong(session, settings)
        if wrong is None:
            tell(N_("The ledger is the right one: there is nothing to accept."))
            return
        if not yes:
            tell("%(why)s", why=wrong)
            tell(_WHAT_FOLLOWS)
            raise typer.Exit(1)
        with suppress(NoLedger):
            make_ledger(settings.ledger)
        keys, at = FilePeopleKeys(settings.people_keys), moment_of(session)
        redoing.accept(session, _ledger(settings), keys, at=at)
    tell(N_("A new ledger goes on from here. The one before is kept beside it. Everyone signs in anew."))


@app.command()
@asks(Action.KEEP_LEDGER)
def moved() -> None:
    """Say, before the first start, that the database was moved whole: it is no copy, and nothing was done since.

    A new server, another database of it, or a newer PostgreSQL by pg_upgrade. Without it, the start takes the database
    for a copy that was put back: everyone signs in anew, and the record says so.
    """
    require(Action.KEEP_LEDGER, at_the_terminal())
    settings = Settings.from_env(os.environ)
    with _as_owner(settings) as session:
        ledger = _ledger(settings)
        try:
            found = finding.look(session, ledger)
        except (Disagrees, NoLedger) as error:
            raise Ending(told_of_ledger(error, settings.ledger, current_language())) from None
        if found.verdict.kind == "same":
            tell(N_("The database is where it was: there is nothing to say."))
            return
        if found.verdict.kind != "moved":
            raise Ending(say(current_language(), _NOT_MOVED))
        redoing.begin(session, ledger, found, at=moment_of(session))
    tell(N_("The ledger goes on with the database where it is now. Nothing is void."))


@app.command("let-in")
@asks(Action.KEEP_LEDGER)
def let_in(
    email: Email,
    reason: Annotated[str, typer.Option("--reason", help="Why they have access after all; it stays in the record.")],
    program: ProgramKey = "",
) -> None:
    """Let in a coordinator or privacy officer after a restore, where none of those who decide can sign in.

    What keeps them out is said not to hold any more. As long as one of them is let in, they decide on the page.
    """
    by = require(Action.KEEP_LEDGER, at_the_terminal())
    with counter(program) as here:
        who = at_address(here, deciding.who_decide(here.session, at=here.at), email)
        count = deciding.let_in(here.session, who, reason=reason, by=by, at=here.at)
    tell(N_("They are let in again; decided: %(count)s. The page “After a restore” has the rest."), count=count)


@contextmanager
def _as_owner(settings: Settings) -> Iterator[Session]:
    """A transaction of the owner: another machine that would compare the ledger and the database waits for its end."""
    with databases(settings) as urls:
        if not urls.owner:
            raise Ending(say(current_language(), N_("DATABASE_OWNER_URL has to say how the owner signs in.")))
        refuse_while_restoring(settings, urls)
        with before_any_program(urls.owner) as session:
            redoing.lock(session)
            yield session


def _ledger(settings: Settings) -> FileLedger:
    return FileLedger(settings.ledger, FileSealKeys(settings.seal_keys))


def _what_is_wrong(session: Session, settings: Settings, *, has_dealt_with_it: bool = False) -> str | None:
    """Why the ledger is not this database's, in words; None where it is.

    Where a restore is yet to be dealt with it is this database's, unless it `has_dealt_with_it`.
    """
    try:
        found = finding.look(session, _ledger(settings))
        if has_dealt_with_it and found.verdict.kind in ("restored", "moved"):
            raise Disagrees(found.verdict.kind, (found.verdict.lost or found.lines)[-1].n)
    except (Disagrees, NoLedger) as error:
        return told_of_ledger(error, settings.ledger, current_language())
    return None
