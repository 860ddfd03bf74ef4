"""Workbooks of progress notes over JSON: one is sent, looked at row by row, saved, and taken back."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import Response

from api.access import workbooks as access
from api.access.permissions import Action, asks
from api.access.session import InContext
from api.acts import workbooks as acts
from api.acts.declaring import On
from api.json.act_routes import act_resources
from api.json.described import PREFIX, api_routes
from api.json.shapes import Shown
from api.views.workbooks import fault_in_words
from domain.follow_ups import imported_books

router = api_routes("follow-ups")


class CellFaultShown(Shown):
    """Why a cell was not understood: the column of its sheet, and the reason in words."""

    column: str
    why: str


class ImportedRowShown(Shown):
    """A row of a sheet: its number and its Monday, and what it is beside the note that stood.

    `changed` are the fields that it changes; `shapes` the columns whose words look like a name. Once the workbook was
    taken back, it says whether it `stays`.
    """

    row: int
    week: date | None
    kind: str
    changed: list[str]
    faults: list[CellFaultShown]
    is_long: bool
    shapes: list[str]
    stays: bool | None


class ImportedSheetShown(Shown):
    """A sheet by its place, and why it was not read, or what became of each row."""

    position: int
    trouble: str
    follow_up_id: UUID | None
    rows: list[ImportedRowShown]


class ImportShown(Shown):
    """A workbook that was sent, and whether it can be saved, or taken back, now. Nothing of what it says is told."""

    id: UUID
    uploaded_at: datetime
    saved_at: datetime | None
    taken_back_at: datetime | None
    told: list[str]
    can_be_saved: bool
    can_be_taken_back: bool
    sheets: list[ImportedSheetShown]


def _shown(book: imported_books.ImportedBook, at: datetime) -> ImportShown:
    sheets = [ImportedSheetShown.about(sheet, rows=[_row_shown(row) for row in sheet.rows]) for sheet in book.sheets]
    return ImportShown.about(
        book.row,
        can_be_saved=book.waits(at) and not book.is_wrong and book.writes > 0,
        can_be_taken_back=book.can_be_taken_back(at),
        sheets=sheets,
    )


def _row_shown(row: imported_books.ImportedRow) -> ImportedRowShown:
    faults = [CellFaultShown(column=one.column, why=fault_in_words(one)) for one in row.faults]
    return ImportedRowShown.about(row, changed=list(row.changed), shapes=list(row.shapes), faults=faults)


@router.get("/caseload/imports/{note_import_id}")
@asks(Action.IMPORT_NOTES)
def show_import(note_import_id: UUID, context: InContext) -> ImportShown:
    """What a workbook that one sent comes to, row by row."""
    book, _ = access.find_import(context, Action.IMPORT_NOTES, note_import_id)
    return _shown(book, context.at)


def _sent(on: On[None], done: UUID, response: Response) -> ImportShown:
    book, _ = access.find_import(on.context, Action.IMPORT_NOTES, done)
    response.headers["Location"] = f"{PREFIX}/caseload/imports/{done}"
    return _shown(book, on.at)


def _changed(on: On[imported_books.ImportedBook], _: None) -> ImportShown:
    return _shown(access.find_import(on.context, Action.IMPORT_NOTES, on.id)[0], on.at)


act_resources(router, acts.IMPORTS, _sent)
act_resources(router, acts.IMPORT, _changed)
