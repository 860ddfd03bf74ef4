"""Looks at a workbook of progress notes row by row, beside the notes that stand, and seals what its rows say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert
from sqlmodel import Session

from domain.files import ReadBook, ReadSheet
from domain.follow_ups import notes
from domain.follow_ups.imported_books import KIND, ImportedRow, Trouble, place_of, sealed_week_of
from domain.follow_ups.locking import Followed
from domain.follow_ups.notes import NoteLine, TakenOver
from domain.follow_ups.week_row import WORDS, Week, checked_week
from domain.follow_ups.workbook_form import WEEK
from domain.follow_ups.workbook_reading import ReadWeek, RowFault, SheetReading, each, read_sheet
from domain.kernel import Actor, Refusal, col, in_program, local_day, program_of, run, scalar, seal, select
from domain.names import Ours, shapes_in
from domain.record import events
from locales import N_
from models.follow_up import NoteImport, NoteImportSheet

#: So many workbooks a person may send in an hour: each is some work.
MOST_AN_HOUR: Final = 30


def preview(
    session: Session, content: bytes, theirs: Mapping[str, Followed], *, ours: Ours, by: Actor, at: datetime
) -> UUID:
    """Look at a workbook row by row, and keep what its rows say sealed until it is saved; returns its id.

    `theirs` are the follow-ups for which the sender may write, by number: nothing of any other sheet is read further
    nor kept. Raises Refusal: no workbook, one that cannot be read without harm, or too many in an hour.
    """
    _refuse_more(session, by, at)
    book = ReadBook(content)
    looked_at = _Looking(session, theirs, ours, local_day(session, at))
    sheets = [looked_at.at(book, sheet) for sheet in book.sheets]
    import_id = uuid4()
    told = [name for name, is_so in (("links", book.has_links), ("formulas", looked_at.has_formulas)) if is_so]
    here = {"program_id": program_of(session)}
    run(session, insert(NoteImport).values(**here, id=import_id, uploaded_by=by.person_id, uploaded_at=at, told=told))
    run(session, insert(NoteImportSheet), [{**here, "note_import_id": import_id, **one} for one in sheets])
    new, changed = looked_at.kinds.get("new", 0), looked_at.kinds.get("changed", 0)
    told_of = {"sheets": len(sheets), "new": new, "changed": changed}
    events.write_many(session, "note_import.previewed", KIND, [(import_id, {**told_of})], by=by, at=at)
    return import_id


def _refuse_more(session: Session, by: Actor, at: datetime) -> None:
    lately = (
        select(func.count())
        .select_from(NoteImport)
        .where(
            in_program(NoteImport),
            NoteImport.uploaded_by == by.person_id,
            col(NoteImport.uploaded_at) > at - timedelta(hours=1),
        )
    )
    if (scalar(session, lately) or 0) >= MOST_AN_HOUR:
        raise Refusal(
            "import.too_many", N_("You sent %(most)s workbooks within an hour. Wait a little."), most=MOST_AN_HOUR
        )


@dataclass
class _Looking:
    """Looks at the sheets of one workbook, one after another."""

    session: Session
    theirs: Mapping[str, Followed]
    ours: Ours
    day: date
    has_formulas: bool = False
    kinds: Counter[str] = field(default_factory=Counter)
    _seen: set[UUID] = field(default_factory=set)

    def at(self, book: ReadBook, sheet: ReadSheet) -> dict[str, object]:
        """A sheet as it is kept. Raises Refusal."""
        reading = None if sheet.is_hidden else read_sheet(book.rows(sheet))
        row = self.theirs.get(reading.number or "") if reading is not None else None
        trouble = self._trouble(reading, row)
        name = sheet.name if _OF_THE_FORM.fullmatch(sheet.name) else ""
        kept: dict[str, object] = {"id": uuid4(), "position": sheet.position, "name": name, "trouble": trouble}
        if trouble or row is None or reading is None:
            return {**kept, "follow_up_id": None, "lines": [], "sealed": None}
        return {**kept, **self._rows(row, reading, kept.get("id"))}

    def _rows(self, row: Followed, reading: SheetReading, sheet_id: object) -> dict[str, object]:
        self._seen.add(row.id)
        standing = notes.standing_weeks(self.session, row)
        lines, taken = _SheetLook(self, row, reading, standing).rows()
        self.kinds.update(one.kind for one in lines)
        said = {"rows": [(one.week.isoformat(), sealed_week_of(one.said), one.seen) for one in taken]}
        sealed = seal(self.session, row.participant_id, place_of(sheet_id), said) if taken else None
        return {"follow_up_id": row.id, "lines": [one.stored() for one in lines], "sealed": sealed}

    def _trouble(self, reading: SheetReading | None, row: Followed | None) -> Trouble:
        if reading is None:
            return "hidden"
        self.has_formulas = self.has_formulas or reading.has_formulas
        if reading.is_empty:
            return "empty"
        if not reading.columns:
            return "no_table"
        if reading.number is None:
            return "empty" if all(one.is_empty for one in reading.rows) else "no_number"
        return "not_theirs" if row is None else "twice" if row.id in self._seen else ""


#: As the guide calls sheets: another name may be a person's.
_OF_THE_FORM: Final = re.compile(r"J[0-9]{0,3}")


class _SheetLook:
    """Looks at the rows of a sheet beside the notes that stand."""

    def __init__(
        self, looking: _Looking, row: Followed, reading: SheetReading, standing: Mapping[date, tuple[NoteLine, Week]]
    ) -> None:
        self._looking, self._row, self._reading, self._standing = looking, row, reading, standing
        self._weeks: set[date] = set()

    def rows(self) -> tuple[list[ImportedRow], list[TakenOver]]:
        """What becomes of each row, and what those say that are to be written."""
        lines: list[ImportedRow] = []
        taken: list[TakenOver] = []
        for read in each(self._reading):
            try:
                line, said = self._look(read)
            except Refusal as refusal:
                where = WEEK if refusal.code.startswith("week.") else refusal.code.partition(".")[0]
                fault = RowFault.of(self._reading.letters_of(where), refusal)
                line, said = ImportedRow(read.row, read.week, "fault", faults=(fault,)), None
            lines.append(line)
            if said is not None:
                taken.append(said)
        return lines, taken

    def _look(self, read: ReadWeek) -> tuple[ImportedRow, TakenOver | None]:
        if read.faults or read.week is None:
            return ImportedRow(read.row, read.week, "fault", faults=read.faults), None
        if read.is_empty:
            return ImportedRow(read.row, read.week, "empty"), None
        notes.refuse_week(self._row, read.week, day=self._looking.day, however_late=True)
        if read.week in self._weeks:
            raise Refusal("week.twice", N_("An earlier row of this sheet has the same week."))
        self._weeks.add(read.week)
        before, stood = self._standing.get(read.week, (None, Week()))
        said = checked_week(replace(stood, **read.said))
        if said == stood:
            return ImportedRow(read.row, read.week, "same"), None
        return self._line(read.row, read.week, said, stood), TakenOver(read.week, said, before.version if before else 0)

    def _line(self, row: int, week: date, said: Week, stood: Week) -> ImportedRow:
        """A row that is to be written, beside what stood."""
        changed = tuple(name for name, one in asdict(said).items() if one != getattr(stood, name))
        is_other = (said.met, said.minutes) != (stood.met, stood.minutes)
        return ImportedRow(
            row,
            week,
            "new" if stood == Week() else "changed",
            changed=changed,
            is_long=said.has_a_long_meeting and is_other,
            shapes=tuple(
                self._reading.letters_of(name)
                for name in WORDS
                if name in changed and shapes_in(getattr(said, name), self._looking.ours, year=self._looking.day.year)
            ),
        )
