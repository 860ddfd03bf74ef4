"""What is done to outgoing mail: letters that were given up are sent once more."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.access import outgoing_mail
from api.access.permissions import Action
from api.access.session import RequestContext
from api.acts.declaring import ActSubject, On
from domain.kernel import Actor
from domain.mail import resending


def _find(context: RequestContext, action: Action, notice_id: UUID) -> tuple[outgoing_mail.OutgoingLetter, Actor]:
    by = outgoing_mail.postmaster(context, action)
    return outgoing_mail.letter(context, notice_id), by


def _find_all(context: RequestContext, action: Action) -> tuple[None, Actor]:
    return None, outgoing_mail.postmaster(context, action)


LETTER: Final = ActSubject("/post/{notice_id}", _find)
LETTERS: Final = ActSubject("/post", _find_all)


@LETTER.act(Action.RESEND_POST, "/retry")
def retry_letter(on: On[outgoing_mail.OutgoingLetter]) -> None:
    """Send a letter that was given up once more."""
    resending.retry(on.session, on.id, by=on.by, at=on.at)


@LETTERS.act(Action.RESEND_POST, "/retry", leads=lambda *_: "/post?state=queued")
def retry_letters(on: On[None]) -> int:
    """Send every letter once more of which every attempt was used up; returns how many."""
    return resending.retry_given_up(on.session, by=on.by, at=on.at)
