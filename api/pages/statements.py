"""The program's statement for those who fund it: looked at by the coordinator, released once, then a file."""

from __future__ import annotations

from operator import attrgetter
from typing import Final, Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.statements import STATEMENT, AfterPeriod, Period
from api.pages.act_routes import act_pages
from api.pages.frame import around, framed_pages, page
from api.web import downloads
from domain.kernel import Part, Refusal, in_words, local_day
from locales import show_number
from meetings.statements import program, sheets
from meetings.statements.tables import Cell

router = framed_pages("/statements", of_acts=True)

#: Periods on one page: two years, each with its quarters.
A_PAGE: Final = 10


@router.get("", name="statements")
@asks(Action.SEE_COUNTS)
def list_statements(context: InContext, request: Request, after: AfterPeriod = "") -> HTMLResponse:
    """The years and quarters that are over, the newest first, and which of them left."""
    require(Action.SEE_COUNTS, to_program(context.asker))
    over = program.periods(context.session, context.day)
    part = Part.among(over, after, A_PAGE, attrgetter("key"))
    left = program.released_days(context.session, [one.key for one in part.rows])
    lines = [
        {
            "key": one.key,
            "name": _capital(in_words(one.key, context.language)),
            "is_year": "Q" not in one.key,
            "left_on": local_day(context.session, left[one.key]) if one.key in left else None,
        }
        for one in part.rows
    ]
    return page(
        context, request, "statements.html", lines=lines, total=len(over), parts=around(part, after, "/statements")
    )


@router.get("/{period}", name="program_statement")
@asks(Action.SEE_COUNTS)
def show_statement(context: InContext, request: Request, period: Period) -> HTMLResponse:
    """The statement of a period: as it left, or as it would leave now."""
    require(Action.SEE_COUNTS, to_program(context.asker))
    return _shown(context, request, period)


@router.get("/{period}/{language}.{form}", name="program_sheet")
@asks(Action.SEE_COUNTS)
def download_sheet(context: InContext, period: Period, language: downloads.Language, form: Literal["xlsx"]) -> Response:  # noqa: ARG001 - the address says it
    """A released statement as a workbook, in one language."""
    require(Action.SEE_COUNTS, to_program(context.asker))
    left = program.require_released(context.session, period, context.day)
    return downloads.download(sheets.program_file(context.session, left, language))


def _in_words(language: str, cell: Cell) -> str:
    said = sheets.shown(language, cell)
    return said if isinstance(said, str) else show_number(language, said)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _shown(context: RequestContext, request: Request, period: str, refusal: Refusal | None = None) -> HTMLResponse:
    left = program.released(context.session, period)
    statement = left.statement if left is not None else program.look(context.session, period, at=context.at)
    left_on = local_day(context.session, left.at) if left is not None else None
    tables = [
        {
            "key": table.key,
            "table": table,
            "rows": [(row, [_in_words(context.language, cell) for cell in row.cells]) for row in table.rows],
        }
        for table in statement.tables
    ]
    return page(
        context,
        request,
        "statement.html",
        refused=refusal,
        period=period,
        statement=statement,
        title=sheets.title_of(context.language, statement),
        about=sheets.about_lines(context.language, statement),
        tables=tables,
        left_on=left_on,
        digest=program.digest_of(statement),
    )


act_pages(router, STATEMENT, lambda on, request, typed: _shown(on.context, request, on.row, typed.refusal))
