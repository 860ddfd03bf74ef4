"""Letters that are in the outbox already: sent once more where they were given up, and emptied where words go."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlmodel import Session, and_, case

from domain.kernel import (
    MATTER,
    Actor,
    Refusal,
    changes,
    col,
    every,
    first,
    in_program,
    joins,
    of,
    only,
    run,
    scalar,
    scalars,
    select,
    undecided,
)
from domain.mail.delivery import POST_CHANNEL, WAITS
from domain.mail.envelopes import Mailbox, emptied, readdressed, texts_of
from domain.mail.notices import person_of
from domain.record import events
from locales import N_, say
from models.lifecycles import NOTICE
from models.outbox import Notice
from models.program import Person


def retry(session: Session, notice_id: UUID, *, by: Actor, at: datetime) -> None:
    """Send a given-up letter again, from the first attempt on, to the person's address of today.

    Raises Refusal: there is no such letter, it is sent or still being tried, or the person has no address.
    """
    held = first(session, of(Notice).where(Notice.id == notice_id).with_for_update())
    if held is None:
        raise Refusal("notice.unknown", N_("There is no such letter."))
    if not NOTICE.allows(held.state, "retry"):
        raise Refusal("notice.not_failed", N_("This letter was delivered, or is still being sent."))
    person = person_of(session, held.person_id)
    if person.email is None:
        raise Refusal("notice.no_address", N_("This person has no address. Write it on their page first."))
    message = held.message
    if person.email != held.to_address:
        message = readdressed(message, Mailbox(person.email, person.name))
    run(
        session,
        changes(Notice)
        .where(Notice.id == notice_id)
        .values(
            state=NOTICE.after(held.state, "retry"),
            to_address=person.email,
            message=message,
            attempts=0,
            next_attempt_at=at,
            # As after a worker that died: the last attempt may have reached them, and a mailer that can look does so.
            leased_until=at,
            code="",
        ),
    )
    run(session, text(f"select pg_notify('{POST_CHANNEL}', '')"))
    case_id, whose = held.case_id, str(person.id)
    events.write(session, "notice.retried", "notice", notice_id, by=by, at=at, case_id=case_id, person=whose)


def retry_given_up(session: Session, *, by: Actor, at: datetime) -> int:
    """Send again, in the order in which they were written, all letters whose every attempt was used up.

    So nothing is lost to a mailbox or a relay that was away for long. Letters that were refused as they are stay where
    they are, and so do those to a person without an address by now. Returns how many are sent.
    """
    ids = scalars(
        session,
        only(Notice.id)
        .join(Person, joins(Notice.person_id, Person))
        .where(_is_used_up(), col(Person.email).is_not(None))
        .order_by(col(Notice.n)),
    ).all()
    for notice_id in ids:
        retry(session, notice_id, by=by, at=at)
    return len(ids)


def given_up_count(session: Session) -> int:
    """How many letters used up every attempt."""
    return scalar(session, select(func.count()).where(in_program(Notice), _is_used_up())) or 0


def _is_used_up() -> ColumnElement[bool]:
    """The condition on a letter that it was given up once every attempt was used up."""
    return and_(Notice.state == "failed", col(Notice.attempts) > len(WAITS))


def follow_address(session: Session, person_id: UUID) -> None:
    """Have the letters that wait for a person go to their address of today; without one, they are withdrawn.

    For letters that were held back after a restore which lost that the address was changed. The letter that tells the
    old address goes there.
    """
    person = person_of(session, person_id)
    waits = of(Notice).where(
        Notice.person_id == person_id,
        Notice.state == "queued",
        Notice.template != "address_changed",
        col(Notice.to_address).is_distinct_from(person.email),
    )
    for row in every(session, waits.order_by(col(Notice.n)).with_for_update()):
        values: dict[str, object]
        if person.email is None:
            values = {"state": NOTICE.after(row.state, "withdraw"), "next_attempt_at": None, "leased_until": None}
        else:
            message = readdressed(row.message, Mailbox(person.email, person.name))
            values = {"to_address": person.email, "message": message}
        run(session, changes(Notice).where(Notice.id == row.id).values(**values))


#: What stands in the subject of a letter, in both languages, while it is not decided that words of it are gone.
GONE: Final = "[caviardé – redacted]"


def redacted_since() -> ColumnElement[bool]:
    """The condition on a letter that words of it had been taken out, a restore brought them back, and it waits."""
    return undecided("redaction", MATTER.verb == "notice.redacted", col(MATTER.subject_id) == col(Notice.id))


def subject_shown() -> ColumnElement[str]:
    """The subject of a letter as people may see it: none while words of it may have to go."""
    return case((redacted_since(), GONE), else_=col(Notice.subject))


def redact(
    session: Session, ids: Collection[UUID], taken_out: Callable[[str], str], *, whole: bool, by: Actor, at: datetime
) -> int:
    """Empty those of these letters that hold words which are taken out; how many.

    With `whole`, each that carries what was printed too: that holds such words. A letter that was not sent is
    withdrawn; of one that was, the stored copy is emptied.
    """
    rows = every(session, of(Notice).where(col(Notice.id).in_(ids)).order_by(col(Notice.n)).with_for_update())
    emptied_ones = [row for row in rows if _holds(row, taken_out) or (whole and row.template in _BRINGS_PAPERS)]
    for row in emptied_ones:
        subject = taken_out(row.subject)
        said = say(row.language, _EMPTIED)
        values: dict[str, object] = {"subject": subject, "message": emptied(row.message, subject=subject, said=said)}
        if NOTICE.allows(row.state, "withdraw"):
            values |= {"state": NOTICE.after(row.state, "withdraw"), "next_attempt_at": None, "leased_until": None}
        run(session, changes(Notice).where(Notice.id == row.id).values(**values))
        events.write(session, "notice.redacted", "notice", row.id, by=by, at=at, was=row.state)
    return len(emptied_ones)


_EMPTIED: Final = N_("Words of this letter were redacted. What holds now is in the program.")
#: The letters that bring what was printed.
_BRINGS_PAPERS: Final = frozenset({"meeting_agenda", "meeting_minutes"})


def _holds(row: Notice, taken_out: Callable[[str], str]) -> bool:
    """Whether the subject or a text of a letter holds the words to take out."""
    texts = (row.subject, *texts_of(row.message))
    return any(taken_out(text) != unicodedata.normalize("NFC", text) for text in texts)
