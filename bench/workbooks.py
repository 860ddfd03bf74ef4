"""What a workbook of notes costs to be looked at, beside the plain reading of the same file by the library."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Final

from openpyxl import load_workbook
from sqlmodel import Session

from bench.figures import Ratio, median, mixed, ms, table
from bench.ground import Ground, now
from bench.pages import demonstration
from domain.files import Cell, FormSheet, ReadBook, workbooks
from domain.follow_ups import (
    WEEK,
    Followed,
    follow_ups,
    imported_books,
    monday_of,
    note_previews,
    workbook_form,
    workbook_reading,
)
from domain.kernel import Actor, every, local_day, only, scalars
from domain.names import Ours, ours
from models.program import Person

#: Every word of a row is looked at for names, which is most of it.
AT_MOST: Final = 20
#: The sheets of 5,000 rows, as they are held while they are looked at, one after another.
ROWS: Final = 5_000
MOST_MB: Final = 60
#: What a worker writes of a week, some two hundred words in three columns.
_WORDS: Final = "Nous avons parlé de son logement, de l’école et de ce qui vient ensuite. " * 5


def measure(ground: Ground, folder: Path, *, rounds: int, weeks: int) -> Iterator[Ratio]:
    """Look at a workbook of each follow-up's last `weeks`, `rounds` times, and read the same file plainly, in turn."""
    with (
        demonstration(ground, folder / "workbooks") as shown,
        shown.installation.of_program(shown.program_id) as session,
    ):
        day = local_day(session, now())
        theirs = {row.number: row for row in every(session, follow_ups()) if row.state not in ("inactive", "completed")}
        content = _written([(row, _weeks_of(row, day, weeks)) for row in theirs.values()])
        by = Actor("coordinator", scalars(session, only(Person.id)).first())
        known = Ours.of(ours(session))
        rows = sum(len(_weeks_of(row, day, weeks)) for row in theirs.values())
        looked_at, plain = _in_turn(
            rounds, lambda: _look(session, content, theirs, known, by), lambda: _read_plainly(content)
        )
        session.rollback()
    peak = _peak(_written([(row, [day] * ROWS) for row in list(theirs.values())[:1]]))
    print(
        table(
            f"13. A workbook of {rows} rows, of the demonstration's follow-ups ({rounds} rounds)",
            ("CPU", "rows a second"),
            {
                "looked at": (ms(looked_at), f"{rows / looked_at:.0f}"),
                "read plainly": (ms(plain), f"{rows / plain:.0f}"),
            },
        )
    )
    yield Ratio("workbooks.preview", looked_at / plain, at_most=AT_MOST)
    yield Ratio("workbooks.memory", peak, at_most=MOST_MB, unit="MB")


def _weeks_of(row: Followed, day: date, most: int) -> list[date]:
    """The last weeks of a follow-up, the newest first."""
    found = [monday_of(day) - back * WEEK for back in range(most)]
    return [week for week in found if week >= monday_of(row.opened_on)]


def _written(sheets: list[tuple[Followed, list[date]]]) -> bytes:
    """A workbook as a worker keeps it, with words that stand in no note."""
    heads = [word.fr for word in workbook_form.COLUMNS.values()]
    said: list[Cell] = [
        2,
        90,
        "Téléphone, texto",
        None,
        None,
        "Discussion",
        "Stabilité",
        "Satisfait",
        "Satisfait",
        "Clinique",
    ]
    forms = [
        FormSheet(
            "J",
            {(2, 1): workbook_form.NUMBER.fr, (2, 2): row.number},
            4,
            heads,
            [[week, *said, f"{_WORDS} {n}", _WORDS, _WORDS] for n, week in enumerate(weeks)],
        )
        for row, weeks in sheets
    ]
    return workbooks.as_forms("", "fr-CA", forms)


def _look(session: Session, content: bytes, theirs: dict[str, Followed], known: Ours, by: Actor) -> None:
    import_id = note_previews.preview(session, content, theirs, ours=known, by=by, at=now())
    book = imported_books.book_of(session, import_id)
    assert book is not None
    assert not book.is_wrong
    assert book.writes
    session.rollback()


def _read_plainly(content: bytes) -> None:
    book = load_workbook(BytesIO(content), read_only=True)
    for page in book.worksheets:
        for _ in page.iter_rows(values_only=True):
            pass


def _in_turn(rounds: int, look: Callable[[], None], read: Callable[[], None]) -> tuple[float, float]:
    """The CPU seconds of each, the middle of so many rounds."""
    asked = {"look": look, "read": read}
    found: dict[str, list[float]] = {name: [] for name in asked}
    look()
    gc.collect()
    for name in mixed(list(asked), rounds):
        began = time.process_time()
        asked[name]()
        found[name].append(time.process_time() - began)
    return median(found["look"]), median(found["read"])


def _peak(content: bytes) -> float:
    """The most memory in MB that the sheets of a file take while they are read."""
    gc.collect()
    tracemalloc.start()
    book = ReadBook(content)
    readings = [workbook_reading.read_sheet(book.rows(sheet)) for sheet in book.sheets]
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert sum(len(one.rows) for one in readings) == ROWS
    return peak
