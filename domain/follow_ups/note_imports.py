"""Workbooks of progress notes that workers kept until now: looked at row by row, saved whole, and taken back (FU-6).

A workbook is bound to the person who sent it, for a day; what was saved can be taken back for a week. Its file is not
kept. What its rows say is sealed under the key of each participant, and gone with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session, and_, or_

from domain.follow_ups import notes
from domain.follow_ups.imported_books import (
    KIND,
    TAKEN_BACK_WITHIN,
    WAITS,
    ImportedBook,
    ImportedSheet,
    book_of,
    place_of,
    sealed_week_of,
    week_sealed,
)
from domain.follow_ups.locking import LockedFollowUp, lock_follow_up
from domain.follow_ups.notes import StoodBefore, TakenOver
from domain.kernel import Actor, Refusal, changes, col, joins, only, run, scalar, seal, surely, unseal
from domain.record import events
from locales import N_
from models.follow_up import FollowUp, NoteImport, NoteImportSheet
from models.participant import Participant


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
            TakenOver(date.fromisoformat(week), week_sealed(said), seen)
            for week, said, seen in _opened(session, held, sheet, sealed)
        ]
        before = {"rows": [_stored(one) for one in notes.take_over(session, held, rows)]}
        _change(session, sheet, sealed=seal(session, held.participant_id, place_of(sheet.id), before))
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
        raise Refusal("import.nothing", N_("There is nothing to save: each row that was read is the same as its note."))


def _refuse_unseen(book: ImportedBook, *, confirmed: bool, as_written: bool) -> None:
    if any(one.is_long for one in book.rows) and not confirmed:
        raise Refusal("import.long", N_("Some meetings are very long. Correct them, or confirm that they are right."))
    if any(one.shapes for one in book.rows) and not as_written:
        raise Refusal(
            "import.shape",
            N_("Some words look like a name. Replace them in the workbook, or confirm that they are to be kept."),
        )


def take_back(session: Session, import_id: UUID, actors: Mapping[UUID, Actor], *, by: Actor, at: datetime) -> None:
    """Take back what a workbook wrote, for a week: each note unchanged since is as it was before.

    The rows say which stay: those that were changed, and those of follow-ups that are no longer the person's. Raises
    Refusal: it is another's, was not saved, or that was longer ago.
    """
    book = _locked(session, import_id, by)
    if not book.can_be_taken_back(at):
        raise Refusal("import.not_back", N_("What was saved can be taken back once, within a week."))
    left: list[bool] = []
    for sheet, sealed, _ in _to_write(session, book):
        stays = _put_back(session, sheet, sealed, actors.get(sheet.of_follow_up), at=at)
        lines = [one.left(stays) for one in sheet.rows]
        left += [bool(one.stays) for one in lines if one.is_written]
        _change(session, sheet, sealed=None, lines=[one.stored() for one in lines])
    run(session, changes(NoteImport).where(NoteImport.id == import_id).values(taken_back_at=at, cleared_at=at))
    back, stay = left.count(False), left.count(True)
    events.write(session, "note_import.taken_back", KIND, import_id, by=by, at=at, back=back, stays=stay)


def _put_back(
    session: Session, sheet: ImportedSheet, sealed: bytes, actor: Actor | None, *, at: datetime
) -> set[date | None]:
    """Put back what stood before a sheet; the weeks that stay: all of them, where no one may write them now."""
    if actor is None:
        return {one.week for one in sheet.rows}
    held = lock_follow_up(session, sheet.of_follow_up, by=actor, at=at)
    return {*notes.put_back(session, held, [_stood(*one) for one in _opened(session, held, sheet, sealed)])}


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
    theirs = only(NoteImport.id).where(NoteImport.id == import_id, NoteImport.uploaded_by == by.person_id)
    if scalar(session, theirs.with_for_update()) is None:
        raise Refusal("import.unknown", N_("There is no such workbook."))
    return surely(book_of(session, import_id))


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
    kept: Sequence[Sequence[Any]] = unseal(session, held.participant_id, place_of(sheet.id), sealed).get("rows", ())
    return kept


def _change(session: Session, sheet: ImportedSheet, **values: object) -> None:
    run(session, changes(NoteImportSheet).where(NoteImportSheet.id == sheet.id).values(**values))


def _stored(one: StoodBefore) -> tuple[object, ...]:
    said = sealed_week_of(one.said) if one.said is not None else None
    return one.week.isoformat(), one.version, said, one.complete, str(one.by), one.at.isoformat()


def _stood(week: str, version: int, said: Mapping[str, object] | None, complete: bool, by: str, at: str) -> StoodBefore:
    before = week_sealed(said) if said is not None else None
    return StoodBefore(date.fromisoformat(week), version, before, complete, UUID(by), datetime.fromisoformat(at))
