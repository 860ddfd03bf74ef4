"""Outgoing mail as its readers see it, for pages and JSON: who may, which letters, and what a letter says."""

from __future__ import annotations

from datetime import datetime
from email import message_from_bytes
from email.policy import SMTP
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Uuid, func, literal

from api.access.permissions import Action, Asker, Forbidden, Given, Relation, require, to_program
from api.access.session import RequestContext
from domain.access import doors
from domain.kernel import Actor, AnySelect, col, joins, only, run, there_is
from domain.mail import resending
from domain.record import reads
from domain.roles import calls_who_barred, letter_is_open_to, who_barred
from models.outbox import Notice
from models.program import Person


class OutgoingLetter(NamedTuple):
    """A letter, what became of it, and its addressee; `message` is its text, where that was asked for."""

    id: UUID
    n: int
    person_id: UUID
    to_address: str
    language: str
    template: str
    subject: str
    case_id: UUID | None
    state: str
    created_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    code: str
    given_name: str
    family_name: str
    message: bytes = b""


def to_post(asker: Asker, *, demonstration: bool) -> Given:
    """What the asker is to the outgoing mail. A demonstration's goes to a page, which everyone there may read."""
    given = to_program(asker)
    if demonstration and asker.is_staff:
        given[Relation.TRIES_OUT] = given[Relation.STAFF]
    return given


def given_of(context: RequestContext) -> Given:
    """What the asker is to the outgoing mail."""
    return to_post(context.asker, demonstration=context.installation.demonstration)


def postmaster(context: RequestContext, action: Action) -> Actor:
    """The actor under whom the asker does this to the outgoing mail. Raises Forbidden."""
    return require(action, given_of(context))


def letters(context: RequestContext, *, state: str, before: int, most: int) -> list[OutgoingLetter]:
    """The letters of a state, or of every one where it is "", that were written before the number; the newest first."""
    asked = _letters(context).where(col(Notice.n) < before).order_by(col(Notice.n).desc()).limit(most)
    if state:
        asked = asked.where(col(Notice.state) == state)
    return [OutgoingLetter(*row) for row in run(context.session, asked)]


#: The states in which a letter still wants something: what was sent is more each day, and is not counted.
COUNTED: Final = ("queued", "failed")


def count_by_state(context: RequestContext) -> dict[str, int]:
    """How many letters that the asker may see wait to be sent, and how many were given up."""
    asked = (
        only(Notice.state, func.count().label("letters"))
        .where(col(Notice.state).in_(COUNTED))
        .group_by(col(Notice.state))
    )
    if who_barred(context.session, context.asker.person_id):  # else every letter would be searched for nobody
        asked = asked.where(letter_is_open_to(literal(context.asker.person_id, Uuid())))
    return {row.state: row.letters for row in run(context.session, asked)}


def letter(context: RequestContext, notice_id: UUID) -> OutgoingLetter:
    """One letter with its finished message. Raises Forbidden where there is none."""
    asked = _letters(context).add_columns(col(Notice.message)).where(col(Notice.id) == notice_id)
    found = run(context.session, asked).first()
    if found is None:
        raise Forbidden
    return OutgoingLetter(*found)


def is_withheld(context: RequestContext, found: OutgoingLetter) -> bool:
    """Whether a letter's text is not shown: its link lets its reader in, or it is about a participant who barred the
    asker, or words of it had been taken out before a restore and nobody has decided.

    In the demonstration anyone may be anyone, so such links are shown.
    """
    lets_in = found.template in doors.LETTERS and not context.program.is_demonstration
    return lets_in or is_kept_from(context, found) or was_redacted(context, found)


def was_redacted(context: RequestContext, found: OutgoingLetter) -> bool:
    """Whether words of a letter had been taken out, a restore brought them back, and nobody has decided yet."""
    return there_is(context.session, only(Notice.id).where(Notice.id == found.id, resending.redacted_since()))


def is_kept_from(context: RequestContext, found: OutgoingLetter) -> bool:
    """Whether a letter mentions a participant who barred the asker, as the digest of a person's day may."""
    return calls_who_barred(context.session, context.asker.person_id)(text_of(found.message))


def tell_of_reading(context: RequestContext, found: OutgoingLetter, by: Actor) -> None:
    """Tell the record that a person reads a letter's text: also whose case it is about."""
    reads.record_read(
        context.session, "notice", found.id, what="letter", ground="role", by=by, at=context.at, case_id=found.case_id
    )


def text_of(message: bytes) -> str:
    """The plain text of a letter, which says all that its other form says."""
    body = message_from_bytes(message, policy=SMTP).get_body(("plain",))
    content: str = body.get_content() if body is not None else ""
    return content.replace("\r\n", "\n").strip()


def _letters(context: RequestContext) -> AnySelect:
    """Letters but of the case of a participant who barred the asker."""
    is_open = letter_is_open_to(literal(context.asker.person_id, Uuid()))
    return (
        only(
            Notice.id,
            Notice.n,
            Notice.person_id,
            Notice.to_address,
            Notice.language,
            Notice.template,
            resending.subject_shown().label("subject"),
            Notice.case_id,
            Notice.state,
            Notice.created_at,
            Notice.attempts,
            Notice.next_attempt_at,
            Notice.sent_at,
            Notice.code,
            Person.given_name,
            Person.family_name,
        )
        .join(Person, joins(Notice.person_id, Person))
        .where(is_open)
    )
