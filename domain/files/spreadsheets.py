"""Tables that leave the program as files: CSV and XLSX, in which nothing that anyone typed is ever a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from xml.sax.saxutils import escape

Cell = str | int | date | None
Value = str | int

#: A cell that begins with one of these is a formula to some program, or becomes one when it is saved as text.
_STARTS_A_FORMULA: Final = tuple("=+-@|%\t\r\n＝＋－＠")
#: Where another cell begins for a program whose tables have semicolons, as in French: to it our commas are letters, and
#: the quotes around a cell too, unless it is the first one.
_BEGINS_ANOTHER: Final = re.compile('([;\t\r\n][ \u00a0"]*+)(?=[=+\\-@|%＝＋－＠])')
#: What XML cannot hold; such letters are left out.
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What a workbook reads as a letter by its number.
_ESCAPED: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
#: Day 0 of a workbook's calendar.
_DAY_ZERO: Final = date(1899, 12, 30)

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name on the tab, what stands above the table, the heads of its columns, and its rows.

    The last `totals` rows are sums of the others.
    """

    name: str
    title: str
    lines: Sequence[str]
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]
    totals: int = 0


def neutral(words: str) -> str:
    """`words` as a cell that no program takes for a formula: an apostrophe goes before those that one might.

    Blanks before the first letter do not hide it: some programs pass over them.
    """
    may_be_one = words.startswith(_STARTS_A_FORMULA) or words.lstrip().startswith(_STARTS_A_FORMULA)
    return f"'{words}" if may_be_one else words


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as CSV in UTF-8, with the mark by which spreadsheets know it; every cell between quotes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow([neutral(title) for title in titles])
    writer.writerows([_in_csv(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(name: str, titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A table as a workbook of one sheet called `name`, the first row of titles.

    Texts are texts (inline, with the mark that they stay so), days are days, numbers are numbers: there is no formula.
    The file tells neither who made it nor when.
    """
    lines = [_row(1, titles, title=True), *(_row(n, row) for n, row in enumerate(rows, start=2))]
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _RELATIONS,
        "xl/workbook.xml": _WORKBOOK.format(name=escape(_sheet_name(name), {'"': "&quot;"})),
        "xl/_rels/workbook.xml.rels": _WORKBOOK_RELATIONS,
        "xl/styles.xml": _STYLES,
        "xl/worksheets/sheet1.xml": _SHEET.format(rows="".join(lines)),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(zipfile.ZipInfo(path), content.encode(), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _in_csv(cell: Cell) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return _BEGINS_ANOTHER.sub(r"\1'", neutral(cell))
    return "" if cell is None else str(cell)


def _row(number: int, cells: Sequence[Cell], *, title: bool = False) -> str:
    return f'<row r="{number}">' + "".join(_cell(cell, title=title) for cell in cells) + "</row>"


def _cell(cell: Cell, *, title: bool) -> str:
    """One cell. Styles by their number in `_STYLES`: 1 a text, 2 a day, 3 a title."""
    if cell is None or cell == "":
        return "<c/>"
    if isinstance(cell, date):
        day = cell.date() if isinstance(cell, datetime) else cell
        return f'<c s="2"><v>{(day - _DAY_ZERO).days}</v></c>'
    if isinstance(cell, int):
        return f"<c><v>{int(cell)}</v></c>"
    words = escape(_ESCAPED.sub("_x005F_", _NO_XML.sub("", cell)))
    return f'<c s="{3 if title else 1}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def _sheet_name(name: str) -> str:
    """A name that a sheet may have: 31 letters, and none of those that mean something there."""
    return re.sub(r"[\[\]:*?/\\']", " ", name)[:31].strip() or "1"


_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_CONTENT_TYPES: Final = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPE}.styles+xml"/></Types>'
)
_RELATIONS: Final = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_WORKBOOK: Final = (
    f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_WORKBOOK_RELATIONS: Final = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
)
_STYLES: Final = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"'
    ' applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"'
    ' applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_SHEET: Final = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
    '<cols><col min="1" max="40" width="22" customWidth="1"/></cols><sheetData>{rows}</sheetData></worksheet>'
)
