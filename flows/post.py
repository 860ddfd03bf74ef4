"""Delivers the outbox: one letter at a time, in the order of their days, and records each attempt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, case, or_

from domain.access import doors, voiding
from domain.kernel import Actor, changes, col, in_program, local_day, program_of, run, same, select
from domain.mail import DeliveryOutcome, next_attempt, notices
from domain.record import apart, events
from flows.engine import Means
from flows.troubles import POST, in_each
from models.lifecycles import NOTICE
from models.outbox import Notice
from models.ports import LEDGER, Accepted, Later, Ledger, Mailer, NoLedger, Outcome, Refused
from models.program import Program

_log = logging.getLogger(__name__)

#: Longer than a mailer waits for all the answers of one letter. A letter whose worker died goes out again after it.
LEASE: Final = timedelta(minutes=5)
#: Where the relay cannot be reached or refuses our account, no letter goes out for so long: it would be the same.
REST: Final = timedelta(seconds=30)
#: And for no longer than this, whatever silence the relay asks for.
LONGEST_REST: Final = timedelta(minutes=10)

#: A lease ends within this. What lies further ahead was written by a clock that was put back since.
BEYOND: Final = timedelta(minutes=10)

BY_POST: Final = Actor.system("post")

#: The code of a letter that the mail server took while the ledger could not be written: it is sent, and only that is
#: still to be written down.
TAKEN: Final = "taken"


@dataclass(frozen=True)
class Delivered:
    """What one pass over the outbox did. `rest` says that the relay itself is the trouble: wait `rest_for`."""

    attempts: int = 0
    rest: bool = False
    rest_for: timedelta = REST


@dataclass(frozen=True)
class _Letter:
    id: UUID
    to: str
    message: bytes
    attempt: int
    again: bool
    until: datetime
    is_taken: bool


def deliver(means: Means, *, most: int = 100) -> Delivered:
    """Send what is due in every program, at most `most` letters. Blocks; run it in a thread.

    A letter is taken for a while, sent outside any transaction, and then recorded. So of two workers one sends it, and
    where one dies in between it is sent again with the same bytes, unless the ledger has it as sent.

    While the ledger cannot be written no letter leaves: that it did would not be known after a restore.
    """
    if means.mailer is None:
        return Delivered()
    going = _Pass(means, means.mailer, most)
    try:
        in_each(means, POST, going.deliver)
    except NoLedger:
        _log.warning("the ledger cannot be written: no letter leaves until it can")
        return replace(going.done, rest=True)
    return going.done


@dataclass
class _Pass:
    """One pass over the outbox of every program, until it sent enough or the relay is the trouble."""

    means: Means
    mailer: Mailer
    most: int
    done: Delivered = Delivered()

    def deliver(self, program_id: UUID) -> int:
        """Send what is due in one program; how many letters. Raises NoLedger."""
        before, means = self.done.attempts, self.means
        while self.done.attempts < self.most and not self.done.rest:
            with means.transaction(program_id) as session:
                letter = _take(session, means.clock())
                if letter is not None:
                    session.info[LEDGER].refuse_unwritable()
            if letter is None:
                break
            outcome = _hand_over(self.mailer, letter, means.clock)
            if outcome is None:
                continue
            self.done = replace(self.done, attempts=self.done.attempts + 1)
            _note(means, program_id, letter, outcome)
            if _is_the_relay(outcome):
                asked = getattr(outcome, "retry_after", None) or REST
                self.done = replace(self.done, rest=True, rest_for=min(max(asked, REST), LONGEST_REST))
        return self.done.attempts - before


def _hand_over(mailer: Mailer, letter: _Letter, clock: Callable[[], datetime]) -> Outcome | None:
    """Send a letter, unless it is ours no longer: this process was halted meanwhile, and another may have sent it."""
    if clock() >= letter.until:
        return None
    if letter.is_taken:
        return Accepted()
    return mailer.send(to=letter.to, message=letter.message, again=letter.again)


def _note(means: Means, program_id: UUID, letter: _Letter, outcome: Outcome) -> None:
    """Record an attempt. Raises NoLedger, and the letter that the mail server took is kept as taken."""
    try:
        with means.transaction(program_id) as session:
            _write_down(session, letter, outcome, means.clock())
    except NoLedger:
        with means.transaction(program_id) as session:
            kept = changes(Notice).where(Notice.id == letter.id, Notice.state == "queued")
            run(session, kept.values(code=TAKEN, leased_until=None, next_attempt_at=means.clock() + REST))
        raise


def _take(session: Session, at: datetime) -> _Letter | None:
    """The next letter that is due, taken until the lease ends, so that no other worker sends it meanwhile.

    A letter of a thread waits for those before it: a cancellation never overtakes its invitation. A moment that a clock
    wrote which was put back since keeps none: not the lease of a worker that died, nor a first attempt.
    """
    earlier = aliased(Notice, name="earlier")
    waits = exists().where(
        same(earlier, Notice),
        col(earlier.person_id) == col(Notice.person_id),
        col(earlier.thread) == col(Notice.thread),
        col(earlier.thread) != "",
        col(earlier.state) == "queued",
        col(earlier.n) < col(Notice.n),
    )
    due = (
        select(Notice.id, Notice.leased_until)
        .where(
            in_program(Notice),
            Notice.state == "queued",
            or_(col(Notice.next_attempt_at) <= at, _is_of_a_clock_put_back(at)),
            or_(
                col(Notice.leased_until).is_(None),
                col(Notice.leased_until) <= at,
                col(Notice.leased_until) > at + BEYOND,
            ),
            or_(Notice.thread == "", ~waits),
            ~voiding.keeps_out(col(Notice.person_id), local_day(session, at)),  # it waits until that is decided
        )
        .order_by(col(Notice.next_attempt_at), col(Notice.n))
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    row = run(
        session,
        changes(Notice)
        .where(col(Notice.id) == due.c.id)
        .values(leased_until=at + LEASE)
        .returning(
            col(Notice.id),
            col(Notice.to_address),
            col(Notice.message),
            col(Notice.attempts),
            col(Notice.code),
            due.c.leased_until.label("held"),
        ),
    ).first()
    if row is None:
        return None
    # Taken until a moment that has passed: its worker died, perhaps after it was sent.
    died = row.held is not None
    return _Letter(
        row.id,
        row.to_address,
        row.message,
        row.attempts + 1,
        again=row.attempts > 0 or died,
        until=at + LEASE,
        is_taken=row.code == TAKEN or (died and _is_known_as_sent(session.info[LEDGER], row.id)),
    )


def _is_known_as_sent(ledger: Ledger, notice_id: UUID) -> bool:
    """Whether a line says that the mail server took a letter, also where the database never came to know. Reads all."""
    return any(line.note.kind == apart.SENT and line.note.id == notice_id for line in ledger.lines())


def _is_of_a_clock_put_back(at: datetime) -> ColumnElement[bool]:
    """The condition that a letter was taken, or never tried, at a moment that is still to come: it waits for nothing.

    Of one that was tried the lease says when, since the next attempt may be a day away.
    """
    never = and_(col(Notice.attempts) == 0, col(Notice.next_attempt_at) > at + BEYOND)
    return or_(never, col(Notice.leased_until) > at + BEYOND)


def _write_down(session: Session, letter: _Letter, outcome: Outcome, at: datetime) -> None:
    """Record what came of an attempt, unless the letter went another way meanwhile."""
    decision = next_attempt(letter.attempt, outcome, at)
    row = run(
        session,
        changes(Notice)
        .where(Notice.id == letter.id, Notice.state == "queued", col(Notice.attempts) == letter.attempt - 1)
        .values(
            attempts=letter.attempt,
            code=getattr(outcome, "code", ""),
            leased_until=at if decision.state == "retry" else None,  # it says when it was tried
            **({"message": _without_its_door(session)} if decision.state == "sent" else {}),
            **_columns(decision, at),
        )
        .returning(col(Notice.case_id), col(Notice.person_id), col(Notice.template), col(Notice.key)),
    ).first()
    if row is None or decision.state == "retry":
        return
    if decision.state == "sent":
        key = apart.digest_of_key(row.key)
        apart.note(session, apart.SENT, letter.id, at=at, key=key, person=str(row.person_id))
    events.write(
        session,
        "notice.failed" if decision.tell_someone else "notice.sent",
        "notice",
        letter.id,
        by=BY_POST,
        at=at,
        case_id=row.case_id,
        template=row.template,
        person=str(row.person_id),
        attempts=letter.attempt,
    )
    if decision.tell_someone:
        notice = session.get(Notice, (program_of(session), letter.id), populate_existing=True)
        if notice is not None:
            notices.given_up(session, notice, refused=decision.state == "failed", at=at)


def _columns(decision: DeliveryOutcome, at: datetime) -> dict[str, datetime | str | None]:
    if decision.state == "retry":
        return {"next_attempt_at": decision.retry_at}
    if decision.state == "sent":
        return {"state": NOTICE.after("queued", "send"), "sent_at": at, "next_attempt_at": None}
    return {"state": NOTICE.after("queued", "give_up"), "next_attempt_at": None}


def _without_its_door(session: Session) -> ColumnElement[bytes]:
    """What is stored of a letter that was sent: nothing of one whose link lets its reader in, and all of the others.

    In the demonstration nothing is sent, and the page of the letters is where people find their links.
    """
    shown = select(Program.is_demonstration).where(Program.id == program_of(session)).scalar_subquery()
    return case((and_(col(Notice.template).in_(sorted(doors.LETTERS)), ~shown), b""), else_=col(Notice.message))


def _is_the_relay(outcome: Outcome) -> bool:
    """Whether the next letter would fare the same: no answer, a request to wait, or our account is refused."""
    if isinstance(outcome, Later):
        return outcome.code == "connect" or outcome.retry_after is not None
    return isinstance(outcome, Refused) and not outcome.permanent
