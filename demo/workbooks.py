"""The workbooks of the demonstration: what a worker kept in a spreadsheet until now, sent this morning.

One was saved, and can be taken back. The other waits: some of its rows are new or changed, and one is not understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from sqlmodel import Session

from demo.people import worker
from domain.files import Cell, FormSheet, workbooks
from domain.follow_ups import Followed, assigning, follow_ups, note_imports, note_previews, workbook_export
from domain.kernel import col, every, local_day
from domain.names import Ours, ours
from domain.terms import PRIMARY
from models.follow_up import FollowUp

Typed = Mapping[tuple[Literal["noted", "bare"], int], Sequence[Cell]]

#: What the worker typed in a row, in its columns from the second on. Rows are counted from the last: of those that had
#: a note, and of those that had none.
_SAVED: Final[Typed] = {("noted", -1): (2, 90, "Texto", None, None)}
_WAITS: Final[Typed] = {
    ("bare", -1): (1, 50, "Téléphone", None, None, "Dîner et démarches"),
    ("noted", -2): (1, 80, None, None, None),
    ("noted", -3): (1, "une heure environ"),
}


def send_workbooks(session: Session, *, at: datetime) -> None:
    """Have a worker send the workbook of their follow-ups twice. Nothing where they accompany nobody."""
    by = worker(session, "noe", at)
    parts = assigning.on_day(session, local_day(session, at), people=[by.person_id] if by.person_id else [])
    ids = [one.follow_up_id for one in parts if one.kind == PRIMARY]
    rows = every(session, follow_ups().where(col(FollowUp.id).in_(ids), FollowUp.state == "active"))
    theirs: dict[str, Followed] = {row.number: row for row in rows}
    if not theirs:
        return
    own = [workbook_export.Exported(row, by, "part", sees_risk=True) for row in rows]
    title, sheets = workbook_export.export(session, own, language="fr", by=by, at=at)
    known = Ours.of(ours(session))
    saved, _ = [
        note_previews.preview(session, _typed(title, sheets, typed), theirs, ours=known, by=by, at=at)
        for typed in (_SAVED, _WAITS)
    ]
    actors = {row.id: by for row in rows}
    note_imports.save(session, saved, actors, confirmed=False, as_written=False, by=by, at=at)


def _typed(title: str, sheets: Sequence[FormSheet], typed: Typed) -> bytes:
    """The workbook with what was typed in some rows of its first sheet."""
    first = sheets[0]
    lines = [list(line) for line in first.rows]
    kinds = {"noted": [line for line in lines if any(line[1:])], "bare": [line for line in lines if not any(line[1:])]}
    for (kind, place), said in typed.items():
        kinds[kind][place][1 : 1 + len(said)] = said
    return workbooks.as_forms(title, "fr-CA", [replace(first, rows=lines), *sheets[1:]])
