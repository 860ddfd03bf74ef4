"""A program's file from the command line: check it, load it, write it out again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.clock import moment_of
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import Ending, is_agreed, tell
from api.cli.terminal import ProgramKey, counter, opened
from domain.declarations import read_program
from domain.kernel import LOADER, Actor
from domain.loading import exporting, loading
from flows.protocols import declared_protocols
from locales import N_, Counted, current_language, say
from meetings.documents.consent_papers import refuse_unprintable

app = typer.Typer(no_args_is_help=True, help="A regional program as data.")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The program's YAML file.")]


@app.command()
@asks(Action.LOOK)
def check(file: File) -> None:
    """Say everything that is wrong with a program's file, by line; nothing is changed."""
    found = read_program(file).value
    refuse_unprintable()
    tell(
        N_("%(file)s is right: %(organizations)s, %(committees)s."),
        file=file.name,
        organizations=Counted("%(n)s organization", "%(n)s organizations", len(found.organizations)),
        committees=Counted("%(n)s committee", "%(n)s committees", len(found.committees)),
    )


@app.command()
@asks(Action.LOAD_PROGRAM)
def load(file: File, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Show what a file would change, ask, and change it in one transaction. A second load changes nothing."""
    require(Action.LOAD_PROGRAM, at_the_terminal())
    declared = read_program(file)
    refuse_unprintable()
    protocols = declared_protocols(declared.value)
    with opened("loader", migrates=True) as database:  # the first thing that a new region does may be this
        with database.before_a_program() as session:
            known = loading.program_id_for(session, declared.value.program.key)
        with database.transaction(known or loading.new_program_id()) as session:
            shown = loading.changes(session, declared, protocols)
            for change in shown:
                typer.echo(f"  {change.in_language(current_language())}")
            if not shown:
                tell(N_("Nothing changes."))
                return
            session.rollback()  # nothing is held while a person thinks
            if not yes and not is_agreed(N_("Load these changes?")):
                raise Ending(say(current_language(), N_("Nothing was changed.")))
            by, at = Actor.system(LOADER), moment_of(session)
            done = loading.load(session, declared, protocols, by=by, at=at, shown=shown)
        tell(N_("Loaded: %(changes)s."), changes=Counted("%(n)s change", "%(n)s changes", len(done)))


@app.command()
@asks(Action.EXPORT_PROGRAM)
def export(program: ProgramKey = "") -> None:
    """Write the program as a file that `load` reads back."""
    require(Action.EXPORT_PROGRAM, at_the_terminal())
    with counter(program) as here:
        typer.echo(exporting.export(here.session), nl=False)
