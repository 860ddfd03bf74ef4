"""Workbooks of progress notes that workers kept until now: looked at row by row, saved whole, and taken back (FU-6).

A workbook is bound to the person who sent it, for a day; what was saved can be taken back for a week. Its file is not
kept. What its rows say is sealed under the key of each participant, and gone with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import func, insert
from sqlmodel import Session, and_, or_

from domain.files import ReadBook, ReadSheet
from domain.follow_ups import notes
from domain.follow_ups.locking import Followed, LockedFollowUp, lock_follow_up
from domain.follow_ups.notes import NoteLine, StoodBefore, TakenOver
from domain.follow_ups.week_row import WORDS, Week, checked_week
from domain.follow_ups.workbook_form import WEEK
from domain.follow_ups.workbook_reading import ReadWeek, RowFault, SheetReading, each, read_sheet
from domain.kernel import (
    Actor,
    Refusal,
    changes,
    col,
    every,
    first,
    in_program,
    joins,
    local_day,
    of,
    only,
    program_of,
    run,
    scalar,
    seal,
    select,
    surely,
    unseal,
)
from domain.names import Ours, shapes_in
from domain.record import events
from locales import N_
from models.follow_up import FollowUp, NoteImport, NoteImportSheet
from models.participant import Participant

KIND: Final = "note_import"
#: So long a workbook waits to be saved, and so long what was saved can be taken back.
WAITS: Final = timedelta(days=1)
TAKEN_BACK_WITHIN: Final = timedelta(weeks=1)
#: So many workbooks a person may send in an hour: each is some work.
MOST_AN_HOUR: Final = 30

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


def book_of(session: Session, import_id: UUID) -> ImportedBook | None:
    """A workbook that was sent, with all that is said of its rows, and nothing of what they say; None for none."""
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


# ------------------------------------------------------------------------------------------------------ looked at


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
        said = {"rows": [(one.week.isoformat(), _kept(one.said), one.seen) for one in taken]}
        sealed = seal(self.session, row.participant_id, _place(sheet_id), said) if taken else None
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


def _kept(said: Week) -> dict[str, object]:
    """What of a week is said, as it is sealed."""
    return {name: one for name, one in asdict(said).items() if one not in (None, "", (), 0)}


def _read(kept: Mapping[str, object]) -> Week:
    week = Week(**kept)  # type: ignore[arg-type] # written by `_kept` alone
    return replace(week, communications=tuple(week.communications))


def _place(sheet_id: object) -> str:
    return f"{KIND}/{sheet_id}"


# ------------------------------------------------------------------------------------------------- saved, taken back


def save(
    session: Session,
    import_id: UUID,
    actors: Mapping[UUID, Actor],
    *,
    confirmed: bool,
    as_written: bool,
    by: Actor,
    at: datetime,
) -> None:
    """Save every row of a workbook as it was looked at, or none.

    `actors` are those under whom the person still may write, by follow-up. `confirmed` says that very long meetings
    are no slips; `as_written`, that words which look like a name were looked at. Raises Refusal: it is another's, was
    saved, or waited too long; something was not understood, is to be looked at, or changed meanwhile.
    """
    book = _locked(session, import_id, by)
    _refuse_to_save(book, at)
    _refuse_unseen(book, confirmed=confirmed, as_written=as_written)
    for sheet, sealed, number in _to_write(session, book):
        actor = actors.get(sheet.of_follow_up)
        if actor is None:
            raise Refusal(
                "import.no_longer",
                N_("%(number)s: you may no longer write these notes. Nothing was saved."),
                number=number,
            )
        held = lock_follow_up(session, sheet.of_follow_up, by=actor, at=at)
        rows = [
            TakenOver(date.fromisoformat(week), _read(said), seen)
            for week, said, seen in _opened(session, held, sheet, sealed)
        ]
        before = {"rows": [_stored(one) for one in notes.take_over(session, held, rows)]}
        _change(session, sheet, sealed=seal(session, held.participant_id, _place(sheet.id), before))
    run(session, changes(NoteImport).where(NoteImport.id == import_id).values(saved_at=at, saved_as=by.role))
    new, changed = book.counts.get("new", 0), book.counts.get("changed", 0)
    events.write(session, "note_import.saved", KIND, import_id, by=by, at=at, new=new, changed=changed)


def _refuse_to_save(book: ImportedBook, at: datetime) -> None:
    if not book.waits(at):
        raise Refusal("import.over", N_("This workbook was already saved, or is no longer kept. Send it again."))
    if book.is_wrong:
        raise Refusal(
            "import.not_understood", N_("Some of it was not understood: nothing is saved until all of it is.")
        )
    if not book.writes:
        raise Refusal("import.nothing", N_("There is nothing to save: every row is the same as its note."))


def _refuse_unseen(book: ImportedBook, *, confirmed: bool, as_written: bool) -> None:
    if any(one.is_long for one in book.rows) and not confirmed:
        raise Refusal("import.long", N_("Some meetings are very long. Correct them, or confirm that they are right."))
    if any(one.shapes for one in book.rows) and not as_written:
        raise Refusal(
            "import.shape",
            N_("Some words look like a name. Replace them in the workbook, or confirm that they are to be kept."),
        )


def take_back(session: Session, import_id: UUID, actors: Mapping[UUID, Actor], *, by: Actor, at: datetime) -> None:
    """Take back what a workbook wrote, for a week: each note that nobody changed since is as it was before.

    The rows say which stay: those that were changed, and those of follow-ups that are no longer the person's. Raises
    Refusal: it is another's, was not saved, or that was longer ago.
    """
    book = _locked(session, import_id, by)
    if not book.can_be_taken_back(at):
        raise Refusal("import.not_back", N_("What was saved can be taken back once, within a week."))
    left: list[bool] = []
    for sheet, sealed, _ in _to_write(session, book):
        actor = actors.get(sheet.of_follow_up)
        stays = {one.week for one in sheet.rows if one.is_written}
        if actor is not None:
            held = lock_follow_up(session, sheet.of_follow_up, by=actor, at=at)
            stays = set(notes.put_back(session, held, [_stood(*one) for one in _opened(session, held, sheet, sealed)]))
        lines = [one.left(stays) for one in sheet.rows]
        left += [bool(one.stays) for one in lines if one.is_written]
        _change(session, sheet, sealed=None, lines=[one.stored() for one in lines])
    run(session, changes(NoteImport).where(NoteImport.id == import_id).values(taken_back_at=at, cleared_at=at))
    back, stay = left.count(False), left.count(True)
    events.write(session, "note_import.taken_back", KIND, import_id, by=by, at=at, back=back, stays=stay)


def clear(session: Session, *, at: datetime) -> int:
    """Clear what workbooks say that waited too long, and what stood before those that can no longer be taken back."""
    over = or_(
        and_(col(NoteImport.saved_at).is_(None), col(NoteImport.uploaded_at) <= at - WAITS),
        col(NoteImport.saved_at) <= at - TAKEN_BACK_WITHIN,
    )
    gone = [row.id for row in run(session, only(NoteImport.id).where(col(NoteImport.cleared_at).is_(None), over))]
    if gone:
        run(session, changes(NoteImportSheet).where(col(NoteImportSheet.note_import_id).in_(gone)).values(sealed=None))
        run(session, changes(NoteImport).where(col(NoteImport.id).in_(gone)).values(cleared_at=at))
    return len(gone)


def _locked(session: Session, import_id: UUID, by: Actor) -> ImportedBook:
    """A workbook of this person's, locked. Raises Refusal where there is none."""
    run(session, only(NoteImport.id).where(NoteImport.id == import_id).with_for_update())
    book = book_of(session, import_id)
    if book is None or book.row.uploaded_by != by.person_id:
        raise Refusal("import.unknown", N_("There is no such workbook."))
    return book


_KEPT: Final = (
    only(NoteImportSheet.id, NoteImportSheet.sealed, Participant.number)
    .join(FollowUp, joins(NoteImportSheet.follow_up_id, FollowUp))
    .join(Participant, joins(FollowUp.participant_id, Participant))
    .where(col(NoteImportSheet.sealed).is_not(None))
)


def _to_write(session: Session, book: ImportedBook) -> Iterator[tuple[ImportedSheet, bytes, str]]:
    """The sheets that have something sealed, with that and the participant's number, in the order of the locks."""
    kept = {
        row.id: (row.sealed, row.number)
        for row in run(session, _KEPT.where(NoteImportSheet.note_import_id == book.row.id))
    }
    for sheet in sorted(book.sheets, key=lambda one: str(one.follow_up_id)):
        if sheet.id in kept:
            yield sheet, *kept[sheet.id]


def _opened(session: Session, held: LockedFollowUp, sheet: ImportedSheet, sealed: bytes) -> Sequence[Sequence[Any]]:
    """The rows that are sealed in a sheet, as they were written: each with its parts in their order."""
    kept: Sequence[Sequence[Any]] = unseal(session, held.participant_id, _place(sheet.id), sealed).get("rows", ())
    return kept


def _change(session: Session, sheet: ImportedSheet, **values: object) -> None:
    run(session, changes(NoteImportSheet).where(NoteImportSheet.id == sheet.id).values(**values))


def _stored(one: StoodBefore) -> tuple[object, ...]:
    said = _kept(one.said) if one.said is not None else None
    return one.week.isoformat(), one.version, said, one.complete, str(one.by), one.at.isoformat()


def _stood(week: str, version: int, said: Mapping[str, object] | None, complete: bool, by: str, at: str) -> StoodBefore:
    before = _read(said) if said is not None else None
    return StoodBefore(date.fromisoformat(week), version, before, complete, UUID(by), datetime.fromisoformat(at))
