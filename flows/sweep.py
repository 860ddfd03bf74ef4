"""Sweeps: finds what was lost on the way, and deletes what is no longer needed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func
from sqlmodel import Session, and_, or_

from domain.casework import wakeups
from domain.follow_ups import note_imports
from domain.kernel import col, only, program_of, removes, run, same, scalars
from domain.record import events, turned_away
from flows.marks import due_everywhere
from flows.turns import BY_ROUNDS, as_a_whole
from meetings import unmatched_replies
from models.access import AnsweredRequest, BrowserSession, Door, RateCount, SignInFlow
from models.casework import Task
from models.engine import WakeUp

_log = logging.getLogger(__name__)

CRON: Final = "*/15 * * * *"

#: How often what a rule refused is tried again: it may have been settled elsewhere.
TRIED_AGAIN_AFTER: Final = timedelta(hours=1)
#: A sign-in that has ended, or an idempotency key, is of no use after this.
KEPT: Final = timedelta(days=30)

#: Counts of tries are of no more use after this. Longer than any limit looks back: from the same counts each program's
#: own sweep tells what was left out of its record, also after some hours without a worker.
COUNTED: Final = timedelta(days=1)


@as_a_whole("sweep", CRON, due_everywhere)
def sweep(session: Session, at: datetime) -> int:
    """Wake the cases of one program that wait for the engine and are not on its list, and purge. Returns how many."""
    forgotten = _forgotten(session)
    lost = sorted({*forgotten, *_refused_long_ago(session, at)})
    for case_id in lost:
        wakeups.wake(session, case_id, at=at)
    turned_away.tell_left_out(session, at=at)  # before the counts are thrown out
    _purge(session, at)
    note_imports.clear(session, at=at)
    unmatched_replies.forget_addresses(session, by=BY_ROUNDS, at=at)
    if forgotten:  # what a rule refused is tried again each hour, which is no fault
        _log.warning("cases waited without a wake-up, and were woken", extra={"count": len(forgotten)})
    return len(lost)


def _forgotten(session: Session) -> list[UUID]:
    """The cases in which the engine is asked for something, and whose wake-up says that all is dealt with."""
    known = and_(same(WakeUp, Task), WakeUp.case_id == Task.case_id)
    return list(
        scalars(
            session,
            only(Task.case_id)
            .distinct()
            .select_from(Task)
            .outerjoin(WakeUp, known)
            .where(
                col(Task.act_state).in_(["wanted", "undo_wanted"]),
                col(Task.case_id).is_not(None),
                or_(col(WakeUp.case_id).is_(None), and_(col(WakeUp.want) <= col(WakeUp.have), WakeUp.trouble == "")),
            ),
        )
    )


def _refused_long_ago(session: Session, at: datetime) -> list[UUID]:
    return list(
        scalars(
            session,
            only(WakeUp.case_id).where(
                WakeUp.trouble != "",
                col(WakeUp.want) <= col(WakeUp.have),
                # Or at a moment that is to come, by a clock that was put back since.
                or_(col(WakeUp.wanted_at) <= at - TRIED_AGAIN_AFTER, col(WakeUp.wanted_at) > at + wakeups.BEYOND),
            ),
        )
    )


def _purge(session: Session, at: datetime) -> None:
    """Delete what is of no more use; the record says how much of the program's own, where it was anything."""
    here, old = program_of(session), at - KEPT
    last = func.coalesce(col(BrowserSession.ended_at), col(BrowserSession.seen_at))
    requests = run(session, removes(AnsweredRequest).where(col(AnsweredRequest.answered_at) < old)).rowcount
    sign_ins = run(session, removes(BrowserSession).where(last < old)).rowcount
    # An invitation that was answered stays: it says that its person has access.
    gone = removes(Door).where(col(Door.used_at).is_(None), col(Door.expires_at) < old)
    invitations = run(session, gone).rowcount
    if requests or sign_ins or invitations:
        events.write(
            session,
            "program.swept",
            "program",
            here,
            by=BY_ROUNDS,
            at=at,
            requests=requests,
            sign_ins=sign_ins,
            invitations=invitations,
        )
    # Of no program: the first one swept sweeps these for all.
    run(session, delete(SignInFlow).where(col(SignInFlow.expires_at) < at))
    run(session, delete(RateCount).where(col(RateCount.starts_at) < at - COUNTED))
