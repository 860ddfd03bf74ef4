"""Workbooks of progress notes: whose sheets an asker may have, for whom they write, and which imports are theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import UUID

from api.access.follow_ups import caseload_of, find_follow_up, ground_of, sees_every_one
from api.access.permissions import Action, Forbidden, Given, Relation, allows, is_allowed, require, to_program
from api.access.session import RequestContext
from domain.follow_ups import Followed, follow_ups, imported_books, workbook_export
from domain.kernel import Actor, built, col, every, surely
from domain.roles import who_barred
from models.follow_up import FollowUp
from models.participant import Participant

#: Every follow-up of somebody whose file is kept, the oldest first, also those that ended.
_ALL: Final = built(
    follow_ups().where(Participant.state != "destroyed").order_by(col(FollowUp.opened_on), col(FollowUp.id))
)


class Writable(NamedTuple):
    """A follow-up whose notes an asker may write, and under whom."""

    row: Followed
    by: Actor


def exported(context: RequestContext, *, everyone: bool) -> list[workbook_export.Exported]:
    """The follow-ups of the asker's own caseload, or of `everyone` for who oversees them all, as each may be read.

    None of a participant who barred them. Raises Forbidden.
    """
    require(Action.EXPORT_NOTES, to_program(context.asker))
    if everyone and not sees_every_one(context.asker):
        raise Forbidden
    rows = _all(context) if everyone else [row for row, _ in caseload_of(context.session, context.asker)]
    return [
        workbook_export.Exported(row, by, ground_of(given), sees_risk=is_allowed(Action.SEE_RISK, given))
        for row, given in _asked_of(context, rows)
        if (by := allows(Action.READ_FOLLOW_UP, given)) is not None
    ]


def writable(context: RequestContext) -> dict[str, Writable]:
    """The follow-ups whose notes the asker may write today, by number: their own; for who oversees them, all."""
    rows = {row.id: row for row, _ in caseload_of(context.session, context.asker)}
    if sees_every_one(context.asker):
        rows |= {row.id: row for row in _all(context)}
    return {
        row.number: Writable(row, by)
        for row, given in _asked_of(context, list(rows.values()))
        if (by := allows(Action.KEEP_FOLLOW_UP, given)) is not None
    }


def find_import(
    context: RequestContext, action: Action, note_import_id: UUID
) -> tuple[imported_books.ImportedBook, Given]:
    """A workbook that the asker sent. Raises Forbidden, also where there is none or it is another's."""
    given = to_program(context.asker)
    if not imported_books.is_sent_by(context.session, note_import_id, context.asker.person_id):
        given = {relation: actor for relation, actor in given.items() if relation is Relation.STAFF}
    require(action, given)
    return surely(imported_books.book_of(context.session, note_import_id)), given


def _all(context: RequestContext) -> list[Followed]:
    """Every follow-up but those of participants who barred the asker."""
    kept_from = who_barred(context.session, context.asker.person_id)
    return [row for row in every(context.session, _ALL) if row.participant_id not in kept_from]


def _asked_of(context: RequestContext, rows: list[Followed]) -> Iterator[tuple[Followed, Given]]:
    """Those that the asker may see, each with what they are to it."""
    for row in rows:
        with suppress(Forbidden):
            yield find_follow_up(context.session, context.asker, row.id)
