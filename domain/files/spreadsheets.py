"""Tables that leave as CSV, in which nothing that anyone typed is a formula; and the parts of a workbook."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from locales import current_zone

Cell = str | int | date | None
Value = str | int

#: A cell that begins with one of these is a formula to some program, or becomes one when it is saved as text.
_STARTS_A_FORMULA: Final = tuple("=+-@|%\t\r\n＝＋－＠")
#: Where another cell begins for a program whose tables have the other sign between cells: a semicolon, as in French, in
#: place of a comma. To it ours are letters, and the quotes around a cell too, unless it is the first one.
_BEGINS_ANOTHER: Final = {
    between: re.compile(f'([{other}\\t\\r\\n][ \u00a0"]*+)(?=[=+\\-@|%＝＋－＠])') for between, other in (",;", ";,")
}

#: As mail carries a type: without its letters' code, which the mark at the beginning of the file tells.
TEXT_CSV: Final = "text/csv"
CSV: Final = f"{TEXT_CSV}; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name on the tab, the text above the table, the heads of its columns, and its rows.

    The last `totals` rows are sums of the others.
    """

    name: str
    title: str
    lines: Sequence[str]
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]
    totals: int = 0


@dataclass(frozen=True)
class FormSheet:
    """A sheet that people fill in: boxes above, each cell by its row and column, then a table with its heads.

    Of a column by its number, `menus` has what may be chosen there. `months` are the boxes that show a month alone, and
    `titles` those that name a box.
    """

    name: str
    boxes: Mapping[tuple[int, int], Cell]
    heads_at: int
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    titles: Collection[tuple[int, int]] = ()
    months: Collection[tuple[int, int]] = ()
    menus: Mapping[int, Sequence[str]] = field(default_factory=dict)
    wide: Collection[int] = ()


def neutral(words: str) -> str:
    """`words` as a cell that no program takes for a formula: an apostrophe goes before those that one might.

    Blanks before the first letter do not hide it: some programs pass over them.
    """
    may_be_one = words.startswith(_STARTS_A_FORMULA) or words.lstrip().startswith(_STARTS_A_FORMULA)
    return f"'{words}" if may_be_one else words


def as_csv(titles: Sequence[str], rows: Iterable[Sequence[Cell]], *, between: str = ",") -> bytes:
    """A table as CSV in UTF-8, with the mark by which spreadsheets recognize it; every cell between quotes.

    `between` is the sign between cells: a spreadsheet in French expects a semicolon.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, delimiter=between)
    writer.writerow([neutral(title) for title in titles])
    writer.writerows([_in_csv(cell, between) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_workbook(title: str, language: str, sheets: Iterable[Sheet]) -> bytes:
    """As `workbooks.as_workbook`, whose library is read where a workbook is made: it is twelve megabytes otherwise."""
    from domain.files import workbooks  # noqa: PLC0415

    return workbooks.as_workbook(title, language, sheets)


def local(moment: datetime) -> datetime:
    """A moment as the clocks of the program showed it: after seven in the evening its day is not the one of UTC."""
    return moment.astimezone(current_zone()).replace(tzinfo=None)


def _in_csv(cell: Cell, between: str) -> str:
    if isinstance(cell, datetime):
        return local(cell).isoformat(" ", timespec="minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return _BEGINS_ANOTHER[between].sub(r"\1'", neutral(cell))
    return "" if cell is None else str(cell)
