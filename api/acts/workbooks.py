"""What is done to workbooks of progress notes: one is looked at, saved whole, and taken back."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import Base64Bytes, StrictBool
from starlette.datastructures import UploadFile

from api.access import workbooks as access
from api.access.permissions import Action
from api.acts.declaring import ActSubject, On, of_program
from api.web.given import ActInput, on_form
from domain.casework import LARGEST_DOCUMENT
from domain.follow_ups import imported_books, note_imports, note_previews
from domain.kernel import Refusal
from domain.names import Ours, ours
from locales import N_

IMPORTS: Final = ActSubject("/caseload/imports", of_program, nominative=True)
IMPORT: Final = ActSubject("/caseload/imports/{note_import_id}", access.find_import, nominative=True)


def _read(sent: object) -> bytes:
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise Refusal("document.missing", N_("Choose the file."))
    return sent.file.read(LARGEST_DOCUMENT + 1)  # one byte more than is read: it is too large


class WorkbookGiven(ActInput):
    """A workbook of progress notes, in base64 over JSON. Neither its file nor its name is kept."""

    content: Annotated[Base64Bytes, on_form(_read)]


@IMPORTS.act(Action.IMPORT_NOTES, form="import", status=201, leads=lambda _, done: f"/caseload/imports/{done}")
def look_at_workbook(on: On[None], said: WorkbookGiven) -> UUID:
    """Look at a workbook row by row: what is new, changed, the same, or not understood. Nothing is saved yet."""
    theirs = {number: one.row for number, one in access.writable(on.context).items()}
    known = Ours.of(ours(on.session))
    return note_previews.preview(on.session, said.content, theirs, ours=known, by=on.by, at=on.at)


class SavingGiven(ActInput):
    """What was looked at before a workbook is saved.

    `confirmed` says that very long meetings are no slips; `as_written`, that words which look like a name are none, or
    are to be kept.
    """

    confirmed: StrictBool = False
    as_written: StrictBool = False


@IMPORT.act(Action.IMPORT_NOTES, "/saving", form="save")
def save_workbook(on: On[imported_books.ImportedBook], said: SavingGiven) -> None:
    """Save every row of a workbook as it was looked at, or none of them."""
    actors = {one.row.id: one.by for one in access.writable(on.context).values()}
    note_imports.save(
        on.session, on.id, actors, confirmed=said.confirmed, as_written=said.as_written, by=on.by, at=on.at
    )


@IMPORT.act(Action.IMPORT_NOTES, "/taking-back", form="back")
def take_workbook_back(on: On[imported_books.ImportedBook]) -> None:
    """Take back what a workbook wrote: each note that was not changed since is as it was before."""
    actors = {one.row.id: one.by for one in access.writable(on.context).values()}
    note_imports.take_back(on.session, on.id, actors, by=on.by, at=on.at)
