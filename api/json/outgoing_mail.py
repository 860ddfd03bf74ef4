"""Outgoing mail over JSON: what became of each letter, its text, and a second try for what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from api.access import outgoing_mail
from api.access.permissions import Action, allows, asks
from api.access.session import InContext
from api.acts.declaring import On
from api.acts.outgoing_mail import LETTER, LETTERS
from api.json.act_routes import act_resources
from api.json.described import api_routes
from api.json.shapes import Latest, Limit, Shown

router = api_routes("post")


class LetterShown(Shown):
    """One letter and what became of it: `code` is what the mail server answered last. Instants are UTC.

    Where it went and what it is about (`to_address`, `subject`, `case_id`) is empty for who may see that there are
    letters and may not read them.
    """

    id: UUID
    number: int
    person_id: UUID
    to_address: str | None
    language: Literal["fr", "en"]
    kind: str
    subject: str | None
    case_id: UUID | None
    state: Literal["queued", "sent", "failed", "withdrawn"]
    created_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    code: str


class LetterWhole(LetterShown):
    """One letter with its text; None where its link is its reader's alone."""

    text: str | None


class Resent(Shown):
    """How many letters are sent once more."""

    letters: int


@router.get("/post")
@asks(Action.SEE_POST)
def list_letters(
    context: InContext,
    state: Annotated[Literal["queued", "sent", "failed", "withdrawn"] | None, Query()] = None,
    before: Annotated[int, Query(ge=1, le=2**62, description="Letters older than this number.")] = 2**62,
    limit: Limit = 50,
) -> Latest[LetterShown]:
    """The letters of the program, the newest first. Ask for the next part with `older` as `before`."""
    outgoing_mail.postmaster(context, Action.SEE_POST)
    found = outgoing_mail.letters(context, state=state or "", before=before, most=limit + 1)
    reads = allows(Action.READ_LETTER, outgoing_mail.given_of(context)) is not None
    return Latest.of(found, lambda rows: [LetterShown.about(row, **_told(row, reads=reads)) for row in rows], limit)


@router.get("/post/{notice_id}")
@asks(Action.READ_LETTER)
def get_letter(notice_id: UUID, context: InContext) -> LetterWhole:
    """One letter as its reader gets it; who asks is on record."""
    by = outgoing_mail.postmaster(context, Action.READ_LETTER)
    row = outgoing_mail.letter(context, notice_id)
    if outgoing_mail.is_withheld(context, row):
        return LetterWhole.about(row, **_told(row), text=None)
    outgoing_mail.tell_of_reading(context, row, by)
    return LetterWhole.about(row, **_told(row), text=outgoing_mail.text_of(row.message))


def _sent_again(on: On[outgoing_mail.OutgoingLetter], _: None) -> LetterShown:
    row = outgoing_mail.letter(on.context, on.id)
    return LetterShown.about(row, **_told(row))


def _count(_: On[None], letters: int) -> Resent:
    return Resent(letters=letters)


def _told(row: outgoing_mail.OutgoingLetter, *, reads: bool = True) -> dict[str, object]:
    """What is told of a letter under another name than its own, or not told to who only sees that there is one."""
    hidden: dict[str, object] = {} if reads else dict.fromkeys(("to_address", "subject", "case_id"))
    return {"number": row.n, "kind": row.template} | hidden


act_resources(router, LETTER, _sent_again)
act_resources(router, LETTERS, _count)
