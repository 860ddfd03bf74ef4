"""The program's statement as people read it: each cell in words, the same on the page and in the workbook."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from domain.files import XLSX, Sheet, Value, spreadsheets
from domain.kernel import in_words, local_day
from domain.mail import Attachment, NameGate
from locales import LANGUAGES, N_, pick, say
from meetings.documents.paper import typeset
from meetings.statements.program import Release
from meetings.statements.tables import Cell, CountTable, ProgramStatement


def shown(language: str, cell: Cell) -> Value:
    """A count as people read it: a number, or that it is hidden."""
    return say(language, N_("hidden")) if cell is None else cell


def title_of(language: str, statement: ProgramStatement) -> str:
    """What the statement is called."""
    return say(language, N_("Statement of the program: %(period)s"), period=in_words(statement.period, language))


def program_file(session: Session, left: Release, language: str) -> Attachment:
    """A released statement as a workbook in "fr" or "en". Raises Refusal where it holds a name that may not go out."""
    gate, statement = NameGate.here(session), left.statement
    made = workbook(statement, language, local_day(session, left.at))
    name = f"{statement.period}-{'bilan-du-programme' if language == 'fr' else 'program-statement'}.xlsx"
    gate.refuse([name, made])
    return Attachment(name, XLSX, made)


def workbook(statement: ProgramStatement, language: str, left_on: date) -> bytes:
    """A sheet for each table, and a first one that says what the counts are."""
    title = title_of(language, statement)
    about = Sheet(
        name=say(language, N_("About")),
        title=title,
        lines=[pick(language, statement.program), *about_lines(language, statement, left_on)],
        heads=[say(language, N_("Sheet")), say(language, N_("Rows"))],
        rows=[(pick(language, table.title), len(table.rows)) for table in statement.tables],
    )
    sheets = [about, *(_sheet(language, table, title) for table in statement.tables)]
    return spreadsheets.as_workbook(title, LANGUAGES[language].replace("_", "-"), sheets)


def about_lines(language: str, statement: ProgramStatement, left_on: date | None = None) -> list[str]:
    """What a reader of the counts has to know."""
    of_days = N_("From %(first)s to %(last)s, as on record on %(day)s.")
    lines = [
        say(language, of_days, first=statement.starts_on, last=statement.ends_on, day=statement.on),
        say(language, N_("Counts only: no names, and no participant’s number.")),
    ]
    if any(table.hides for table in statement.tables):
        hidden = N_(
            "“hidden” stands for a count from 1 to 4, or for another from which such a count could be calculated."
        )
        lines.append(say(language, hidden))
    if left_on is not None:
        lines.append(say(language, N_("Released on %(day)s. A released statement is not made again."), day=left_on))
    return [typeset(language, line) for line in lines]


def _sheet(language: str, table: CountTable, title: str) -> Sheet:
    note = pick(language, table.note)
    return Sheet(
        name=pick(language, table.title),
        title=pick(language, table.title),
        lines=[title, *([note] if note else [])],
        heads=[pick(language, table.of), *(pick(language, column.name) for column in table.columns)],
        rows=[(pick(language, row.name), *(shown(language, cell) for cell in row.cells)) for row in table.rows],
        totals=sum(row.is_total for row in table.rows),
    )
