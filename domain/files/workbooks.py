"""Workbooks that leave the program: one plain table, or several sheets with a title, a note, and a table on each.

Nothing in them is a formula, whatever a name begins with, and nothing says who made them or on which machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as Place
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from domain.files.spreadsheets import Cell, FormSheet, Sheet, local

_ACCENT, _SOFT, _BAND = "FF0B5C63", "FF55605D", "FFEEF3F2"
_TITLE: Final = Font(name="Calibri", size=14, bold=True, color=_ACCENT)
_QUIET: Final = Font(name="Calibri", size=10, color=_SOFT)
_HEAD: Final = Font(name="Calibri", size=10, bold=True, color=_SOFT)
_PLAIN: Final = Font(name="Calibri", size=11)
_BOLD: Final = Font(name="Calibri", size=11, bold=True)
_WRAPPED: Final = Alignment(vertical="top", wrap_text=True)
#: With it a cell stays a text when a person types into it.
_TEXT: Final = "@"
_TABLE_WIDTH: Final = 22
_MONTH: Final = "yyyy-mm"
#: So many rows below a form's table have its menus, for the weeks to come.
_ROOM: Final = 260
_STRONG: Final = Font(name="Calibri", size=11, bold=True)
_UNDER_HEAD: Final = Border(bottom=Side(style="medium", color=_ACCENT))
_UNDER_ROW: Final = Border(bottom=Side(style="hair", color="FFCFD6D4"))
_FIRST_WIDTH, _WIDTH = 44, 15
#: Every file says this moment, so that the same counts are the same bytes.
_MOMENT: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
#: Letters that XML cannot hold; they are left out.
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A workbook reads this as a letter by its number.
_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
#: The most that a spreadsheet cell can hold.
_LONGEST: Final = 32_000


def as_workbook(title: str, language: str, sheets: Iterable[Sheet]) -> bytes:
    """The sheets as XLSX. `title` and `language` ("fr-CA") are its only properties."""
    book = _empty(title, language)
    names: set[str] = set()
    for sheet in sheets:
        _fill(book.create_sheet(_tab(sheet.name, names)), sheet)
    return _packed(book)


def as_table(name: str, titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as XLSX: one sheet called `name`, whose first row has the titles and stays in sight. No properties."""
    book = _empty()
    page = book.create_sheet(_tab(name, set()))
    for number, row in enumerate([titles, *rows], 1):
        for column, value in enumerate(row, 1):
            cell = page.cell(number, column)
            _put(cell, value, _BOLD if number == 1 else _PLAIN)
            if isinstance(value, str):
                cell.number_format, cell.alignment = _TEXT, _WRAPPED
    for column in range(1, len(titles) + 1):
        page.column_dimensions[get_column_letter(column)].width = _TABLE_WIDTH
    page.freeze_panes = "A2"
    return _packed(book)


def as_forms(title: str, language: str, sheets: Iterable[FormSheet]) -> bytes:
    """Sheets that people fill in, as XLSX. `title` and `language` ("fr-CA") are its only properties."""
    book, names = _empty(title, language), set[str]()
    for sheet in sheets:
        page = book.create_sheet(_tab(sheet.name, names))
        _fill_form(page, sheet)
        _fit_to_paper(page)
    return _packed(book)


def _fill_form(page: Worksheet, sheet: FormSheet) -> None:
    for (row, column), value in sheet.boxes.items():
        cell = page.cell(row, column)
        _put(cell, value, _TITLE if (row, column) in sheet.titles else _PLAIN)
        if (row, column) in sheet.months:
            cell.number_format = _MONTH
    _fill_table(page, sheet)
    for column in range(1, len(sheet.heads) + 1):
        page.column_dimensions[get_column_letter(column)].width = _FIRST_WIDTH if column in sheet.wide else _TABLE_WIDTH
    for column, offered in sheet.menus.items():
        page.add_data_validation(_menu(sheet, get_column_letter(column), offered))
    page.freeze_panes = f"B{sheet.heads_at + 1}"


def _fill_table(page: Worksheet, sheet: FormSheet) -> None:
    for number, line in enumerate([sheet.heads, *sheet.rows], sheet.heads_at):
        is_head = number == sheet.heads_at
        for column, value in enumerate(line, 1):
            cell = page.cell(number, column)
            _put(cell, value, _HEAD if is_head else _PLAIN)
            cell.alignment, cell.border = _WRAPPED, _UNDER_HEAD if is_head else _UNDER_ROW
            if isinstance(value, str):
                cell.number_format = _TEXT


def _menu(sheet: FormSheet, letter: str, offered: Sequence[str]) -> DataValidation:
    """A list of words to choose from, which is no formula; what is not in it may be written all the same."""
    menu = DataValidation(type="list", formula1=f'"{",".join(offered)}"', allow_blank=True, showErrorMessage=False)
    menu.add(f"{letter}{sheet.heads_at + 1}:{letter}{sheet.heads_at + max(len(sheet.rows), _ROOM)}")
    return menu


def _empty(title: str | None = None, language: str | None = None) -> Workbook:
    """A book without sheets that says neither who made it nor when, but its title and its language, where given."""
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = None
    book.properties.title, book.properties.language = _clean(title) if title is not None else None, language
    book.properties.created = book.properties.modified = _MOMENT
    return book


def _fill(page: Worksheet, sheet: Sheet) -> None:
    _put(page.cell(1, 1), sheet.title, _TITLE)
    for number, line in enumerate(sheet.lines, 2):
        _put(page.cell(number, 1), line, _QUIET)
    at = len(sheet.lines) + 3
    for column, head in enumerate(sheet.heads, 1):
        cell = page.cell(at, column)
        _put(cell, head, _HEAD)
        cell.border, cell.alignment = _UNDER_HEAD, _aligned(column, vertical="bottom", wrap_text=True)
    for number, row in enumerate(sheet.rows, 1):
        _fill_row(page, at + number, row, is_total=number > len(sheet.rows) - sheet.totals)
    for column in range(1, max(1, len(sheet.heads)) + 1):
        page.column_dimensions[get_column_letter(column)].width = _FIRST_WIDTH if column == 1 else _WIDTH
    if sheet.rows:
        page.freeze_panes = f"B{at + 1}"
        page.print_title_rows = f"{at}:{at}"
    _fit_to_paper(page)


def _fit_to_paper(page: Worksheet) -> None:
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", Worksheet.PAPERSIZE_LETTER
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _fill_row(page: Worksheet, at: int, row: Sequence[Cell], *, is_total: bool) -> None:
    for column, value in enumerate(row, 1):
        cell = page.cell(at, column)
        _put(cell, value, _STRONG if is_total else _PLAIN)
        cell.border, cell.alignment = _UNDER_ROW, _aligned(column, vertical="top", wrap_text=column == 1)
        if is_total:
            cell.fill = PatternFill("solid", fgColor=_BAND)


def _aligned(column: int, *, vertical: str, wrap_text: bool) -> Alignment:
    """Words at the left, in the first column; figures at the right."""
    return Alignment(horizontal="left" if column == 1 else "right", vertical=vertical, wrap_text=wrap_text)


def _put(cell: Place | object, value: Cell, font: Font) -> None:
    """Write a value with its type: a text as a text, with the mark that keeps it one; a number or a day as such."""
    assert isinstance(cell, Place)  # noqa: S101 - no cells are merged here
    if isinstance(value, str):
        cell.value = _ESCAPED.sub("_x005F_", _clean(value)[:_LONGEST])
        cell.data_type = "s"
        cell.quotePrefix = True
    else:
        cell.value = local(value).date() if isinstance(value, datetime) else value
    cell.font = font


def _clean(words: str) -> str:
    """The part of a text that XML can hold."""
    return _NO_XML.sub("", words)


def _tab(name: str, taken: set[str]) -> str:
    """A valid name for a sheet that no other one has: 31 characters, without those that have a meaning there."""
    plain = re.sub(r"[\[\]:*?/\\']", " ", _clean(name))[:31].strip(" ,;:–-") or "1"
    found, n = plain, 1
    while found.casefold() in taken:
        n += 1
        found = f"{plain[:28]} {n}"
    taken.add(found.casefold())
    return found


def _packed(book: Workbook) -> bytes:
    """The file of a book, without the moment at which each of its parts was written."""
    written, packed = BytesIO(), BytesIO()
    book.save(written)
    with ZipFile(written) as source, ZipFile(packed, "w", ZIP_DEFLATED) as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":  # openpyxl writes when it was saved, whatever it is told
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2000-01-01T00:00:00Z", content)
            target.writestr(ZipInfo(member.filename), content, ZIP_DEFLATED)
    return packed.getvalue()
