"""A workbook of progress notes that was sent: its sheets, and what became of each row, not what they say (FU-6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups.week_row import Week
from domain.follow_ups.workbook_reading import RowFault
from domain.kernel import col, every, first, of, only, scalar, surely
from models.follow_up import NoteImport, NoteImportSheet

KIND: Final = "note_import"
#: So long a workbook waits to be saved, and so long what was saved can be taken back.
WAITS: Final = timedelta(days=1)
TAKEN_BACK_WITHIN: Final = timedelta(weeks=1)
RowKind = Literal["new", "changed", "same", "empty", "fault"]
#: Why a sheet is not read. The last two are faults: nothing is saved while there is one.
Trouble = Literal["", "hidden", "empty", "no_table", "not_theirs", "no_number", "twice"]
FAULTS: Final[frozenset[str]] = frozenset({"no_number", "twice"})


@dataclass(frozen=True)
class ImportedRow:
    """What became of a row: its number in the sheet, its Monday, and what it is beside the note that stood.

    `changed` are the fields that it changes; `is_long` where its meetings are so long that it is asked; `shapes` the
    columns whose words look like a name. Once taken back, it says whether it `stays`.
    """

    row: int
    week: date | None
    kind: RowKind
    changed: tuple[str, ...] = ()
    faults: tuple[RowFault, ...] = ()
    is_long: bool = False
    shapes: tuple[str, ...] = ()
    stays: bool | None = None

    @property
    def is_written(self) -> bool:
        """Whether saving it writes the row."""
        return self.kind in ("new", "changed")

    def left(self, weeks: Collection[date | None]) -> ImportedRow:
        """The row once the workbook is taken back, but for these weeks, which stay."""
        return replace(self, stays=self.week in weeks) if self.is_written else self

    def stored(self) -> dict[str, object]:
        """As it is kept with its sheet: codes, days and counts alone."""
        return {**asdict(self), "week": self.week.isoformat() if self.week else None}

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> ImportedRow:
        """As it was kept."""
        row = cls(**kept)  # type: ignore[arg-type] # written by `stored` alone
        return replace(
            row,
            week=date.fromisoformat(str(row.week)) if row.week else None,
            changed=tuple(row.changed),
            faults=tuple(RowFault(**one) for one in row.faults),  # type: ignore[arg-type] # the same
            shapes=tuple(row.shapes),
        )


@dataclass(frozen=True)
class ImportedSheet:
    """A sheet of a workbook that was sent, and what became of each of its rows."""

    id: UUID
    position: int
    name: str
    trouble: str
    follow_up_id: UUID | None
    rows: tuple[ImportedRow, ...]

    @property
    def of_follow_up(self) -> UUID:
        """The follow-up that a sheet with something sealed is of."""
        return surely(self.follow_up_id)

    @property
    def counts(self) -> Counter[str]:
        """How many rows there are of each kind."""
        return Counter(one.kind for one in self.rows)

    @property
    def is_wrong(self) -> bool:
        """Whether something of it was not understood, so that nothing of the workbook is saved."""
        return self.trouble in FAULTS or any(one.kind == "fault" for one in self.rows)


@dataclass(frozen=True)
class ImportedBook:
    """A workbook that was sent, whole."""

    row: NoteImport
    sheets: Sequence[ImportedSheet]

    @property
    def counts(self) -> Counter[str]:
        """How many rows there are of each kind."""
        return sum((one.counts for one in self.sheets), Counter())

    @property
    def writes(self) -> int:
        """How many rows saving it writes."""
        return sum(one.is_written for one in self.rows)

    @property
    def is_wrong(self) -> bool:
        """Whether something of it was not understood."""
        return any(one.is_wrong for one in self.sheets)

    @property
    def rows(self) -> Iterator[ImportedRow]:
        """Every row of every sheet."""
        return (row for sheet in self.sheets for row in sheet.rows)

    def waits(self, at: datetime) -> bool:
        """Whether it can still be saved."""
        return self.row.saved_at is None and self.row.cleared_at is None and at < self.row.uploaded_at + WAITS

    def can_be_taken_back(self, at: datetime) -> bool:
        """Whether what was saved can still be taken back."""
        saved_at = self.row.saved_at
        return saved_at is not None and self.row.cleared_at is None and at < saved_at + TAKEN_BACK_WITHIN


def is_sent_by(session: Session, import_id: UUID, person_id: UUID | None) -> bool:
    """Whether there is such a workbook and this person sent it."""
    sent = only(NoteImport.id).where(NoteImport.id == import_id, NoteImport.uploaded_by == person_id)
    return scalar(session, sent) is not None


def book_of(session: Session, import_id: UUID) -> ImportedBook | None:
    """A workbook, with all that is said of its rows and nothing of what they say, or None."""
    row = first(session, of(NoteImport).where(NoteImport.id == import_id))
    if row is None:
        return None
    sheets = every(session, _SHEETS.where(NoteImportSheet.note_import_id == import_id))
    return ImportedBook(row, [_sheet_of(one) for one in sheets])


_SHEETS: Final = of(NoteImportSheet, without=(NoteImportSheet.sealed,)).order_by(col(NoteImportSheet.position))


def _sheet_of(row: NoteImportSheet) -> ImportedSheet:
    rows = tuple(ImportedRow.of(one) for one in row.lines)
    return ImportedSheet(row.id, row.position, row.name, row.trouble, row.follow_up_id, rows)


def imports_of(session: Session, person_id: UUID, *, most: int) -> list[NoteImport]:
    """The workbooks that a person sent, the last first."""
    theirs = of(NoteImport).where(NoteImport.uploaded_by == person_id)
    return every(session, theirs.order_by(col(NoteImport.uploaded_at).desc()).limit(most))


def sealed_week_of(said: Week) -> dict[str, object]:
    """What of a week is said, as it is sealed."""
    return {name: one for name, one in asdict(said).items() if one not in (None, "", (), 0)}


def week_sealed(kept: Mapping[str, object]) -> Week:
    """A week as it was sealed."""
    week = Week(**kept)  # type: ignore[arg-type] # written by `sealed_week_of` alone
    return replace(week, communications=tuple(week.communications))


def place_of(sheet_id: object) -> str:
    """The place for which what a sheet says is sealed."""
    return f"{KIND}/{sheet_id}"
