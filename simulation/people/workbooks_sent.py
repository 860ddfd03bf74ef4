"""The workbooks of the weeks: one is had, changed as in a spreadsheet, sent, looked at, saved and taken back."""

from __future__ import annotations

import random
from base64 import b64encode
from io import BytesIO
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from domain.follow_ups import workbook_form
from simulation.visits import Visit, does

#: What a cell is changed into, by its column: the last of each cannot be.
_WRITTEN: Final[dict[str, tuple[object, ...]]] = {
    "met": (1, 2, 3, "souvent"),
    "minutes": (30, 60, 90, -5),
    "summary": ("Repris du cahier.", "Une semaine calme."),
}
_OFTEN_WRONG: Final = 0.05


@does("youth_worker", chance=0.05)
def bring_a_workbook(me: Visit) -> None:
    """Have the workbook of one's caseload, write in it, send it, and save what it comes to where all is understood."""
    if me.memory.get("workbook") is not None:
        _take_back(me)
        return
    content = me.file("/caseload/workbook.xlsx")
    if not content:
        return
    sent = me.post("/caseload/imports", {"content": written_in(me.chance, content)})
    if not sent.is_done or me.may(0.1):
        return
    here = f"/caseload/imports/{sent['id']}"
    saved = me.post(f"{here}/saving", {})
    if saved.code in ("import.long", "import.shape"):
        saved = me.post(f"{here}/saving", {"confirmed": True, "as_written": True})
    if saved.is_done:
        me.memory["workbook"] = here


def _take_back(me: Visit) -> None:
    """Look at what was saved, and take it back, sometimes too late or twice."""
    here = me.memory.pop("workbook")
    shown = me.get(here)
    if shown.is_done and me.may(0.6):
        me.post(f"{here}/taking-back")


def written_in(chance: random.Random, content: bytes) -> str:
    """A workbook in which one or two rows of each sheet are written otherwise, in base64."""
    book = load_workbook(BytesIO(content))
    for sheet in book.worksheets:
        _write_in(chance, sheet)
    saved = BytesIO()
    book.save(saved)
    return b64encode(saved.getvalue()).decode("ascii")


def _write_in(chance: random.Random, sheet: Worksheet) -> None:
    rows = list(sheet.iter_rows())
    heads: dict[str, int] = {}
    for place, row in enumerate(rows):
        known = {workbook_form.field_of(str(cell.value)): n for n, cell in enumerate(row) if cell.value}
        heads = {field: known[field] for field in workbook_form.COLUMNS if field in known}
        if set(_WRITTEN) <= set(heads):
            rows = rows[place + 1 :]
            break
    if not set(_WRITTEN) <= set(heads):
        return
    weeks = [row for row in rows if row[heads["week"]].value]
    for row in chance.sample(weeks, min(2, len(weeks))):
        for field, values in _WRITTEN.items():
            cell: Any = row[heads[field]]
            cell.value = chance.choice(values if chance.random() < _OFTEN_WRONG else values[:2])
