"""The workbook of progress notes: had as a file, and sent to be looked at, saved and taken back."""

from __future__ import annotations

import inspect
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse

from api.access import workbooks as access
from api.access.follow_ups import sees_every_one
from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.declaring import endpoint_of, part
from api.acts.workbooks import IMPORT, IMPORTS
from api.pages.act_routes import ActForm, act_pages
from api.pages.files import table_files
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.views import workbooks as views
from api.web.downloads import download
from domain.files import XLSX
from domain.follow_ups import imported_books, workbook_export
from domain.mail import Attachment

router = framed_pages("/caseload")

#: So many of the workbooks that one sent are listed.
LISTED: Final = 10


@router.get("/workbook.xlsx", name="workbook")
@asks(Action.EXPORT_NOTES)
def download_workbook(context: InContext, of: Literal["mine", "all"] = "mine") -> Response:
    """The workbook of one's own follow-ups, or of all: each participant in it is a reading on record."""
    by = require(Action.EXPORT_NOTES, to_program(context.asker))
    chosen = access.exported(context, everyone=of == "all")
    language = context.language
    title, sheets = workbook_export.export(context.session, chosen, language=language, by=by, at=context.at)
    content: bytes = table_files().as_forms(title, f"{language}-CA", sheets)
    return download(Attachment(f"notes-{context.day.isoformat()}.xlsx", XLSX, content))


@router.get("/imports", name="note_imports")
@asks(Action.IMPORT_NOTES)
def show_imports(context: InContext, request: Request) -> HTMLResponse:
    """Where a workbook is sent, and had; and those that one sent."""
    return _imports_page(context, request, Typed())


@router.get("/imports/{note_import_id}", name="note_import")
@asks(Action.IMPORT_NOTES)
def show_import(context: InContext, request: Request, note_import_id: UUID) -> HTMLResponse:
    """What a workbook comes to, row by row, before it is saved and after."""
    return _import_page(context, request, note_import_id, Typed())


def _imports_page(context: RequestContext, request: Request, typed: Typed) -> HTMLResponse:
    require(Action.IMPORT_NOTES, to_program(context.asker))
    return page(
        context,
        request,
        "note_imports.html",
        typed=typed,
        sent=imported_books.imports_of(context.session, context.asker.person_id, most=LISTED),
        at=context.at,
        waits=imported_books.WAITS,
        oversees=sees_every_one(context.asker),
        most_a_day=workbook_export.MOST_A_DAY,
    )


def _import_page(context: RequestContext, request: Request, note_import_id: UUID, typed: Typed) -> HTMLResponse:
    book, _ = access.find_import(context, Action.IMPORT_NOTES, note_import_id)
    return page(
        context,
        request,
        "note_import.html",
        typed=typed,
        book=book,
        numbers=_numbers(context, book),
        waits=book.waits(context.at),
        can_be_taken_back=book.can_be_taken_back(context.at),
        kinds=views.KINDS,
        troubles=views.TROUBLES,
        told=views.TOLD,
        sheet_name=views.sheet_name,
        fault_in_words=views.fault_in_words,
        changes_in_words=views.changes_in_words,
    )


def _numbers(context: RequestContext, book: imported_books.ImportedBook) -> dict[UUID, str]:
    """The numbers of the participants whose sheets were read."""
    ids = {sheet.follow_up_id for sheet in book.sheets if sheet.follow_up_id is not None}
    return {one.row.id: one.row.number for one in access.writable(context).values() if one.row.id in ids}


class _WorkbookForm(ActForm[None]):
    """The form by which a workbook is sent: its one field is the file."""

    def parts(self) -> list[inspect.Parameter]:
        """What the route takes, with the file."""
        sent = [one for one in super().parts() if one.name != "content"]
        return [*sent, part("content", Annotated[UploadFile | None, File()], None)]


for act in IMPORTS.acts:
    _form = _WorkbookForm(IMPORTS, act, lambda on, request, typed: _imports_page(on.context, request, typed))
    router.add_api_route("/imports", endpoint_of(act, _form.answer, _form.parts(), Response), methods=["POST"])
act_pages(router, IMPORT, lambda on, request, typed: _import_page(on.context, request, on.id, typed))
