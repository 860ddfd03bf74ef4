"""Yearly statements from the command line: the same documents as on the pages, written into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.access.partners import read_statement
from api.access.permissions import Action, asks, require, to_program
from api.cli.spoken import write_new
from api.cli.terminal import AsPerson, ProgramKey, counter
from meetings.documents.issuing import issue
from meetings.statements.program import require_released
from meetings.statements.sheets import program_file, program_json

app = typer.Typer(no_args_is_help=True, help="Statements of a year.")

Folder = Annotated[Path, typer.Option("--to", help="The folder that the file is written into.", file_okay=False)]


@app.callback()
def statements() -> None:
    """Statements of a year."""


@app.command()
@asks(Action.READ_STATEMENT)
def partner(
    organization: Annotated[str, typer.Argument(help="The key of the partner's organization.")],
    year: Annotated[int, typer.Argument(help="The calendar year.")],
    as_person: AsPerson,
    lang: Annotated[Literal["fr", "en"], typer.Option("--lang", help="The language of the document.")] = "fr",
    form: Annotated[
        Literal["pdf", "docx"], typer.Option("--form", help="PDF, or a file for a word processor.")
    ] = "pdf",
    to: Folder = Path(),
    program: ProgramKey = "",
) -> None:
    """Write a partner's yearly statement, with a place to sign."""
    with counter(program) as here:
        asker = here.asker(as_person)
        place = here.organization(organization)
        _, content = read_statement(here.session, asker, place.id, year, at=here.at)
        file = issue(here.session, content, lang, form, kind="statement", committee=place.key, day=content.covered_to)
    write_new(to / file.name, file.content)


@app.command("program")
@asks(Action.SEE_COUNTS)
def program_(
    period: Annotated[str, typer.Argument(help="A year, such as 2026, or a quarter: 2026-Q3.")],
    as_person: AsPerson,
    lang: Annotated[Literal["fr", "en"], typer.Option("--lang", help="The language of the workbook.")] = "fr",
    form: Annotated[Literal["xlsx", "json"], typer.Option("--form", help="A workbook, or JSON.")] = "xlsx",
    to: Folder = Path(),
    program: ProgramKey = "",
) -> None:
    """Write the program's counts of a period that the coordinator has released, for those who fund it."""
    with counter(program) as here:
        asker = here.asker(as_person)
        require(Action.SEE_COUNTS, to_program(asker))
        left = require_released(here.session, period, here.day)
        file = program_file(here.session, left, lang) if form == "xlsx" else program_json(here.session, left)
    write_new(to / file.name, file.content)
