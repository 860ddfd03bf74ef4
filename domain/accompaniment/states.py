"""Ends a follow-up, for a while or for good, and resumes it: one function for each (FU-1, FU-2, FU-3, FU-4)."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import consents, reviews, withdrawals
from domain.accompaniment.breaks import end_open_break, forget_return
from domain.declarations import Ended
from domain.follow_ups import (
    MOST_ATTEMPTS,
    LockedFollowUp,
    assign_worker,
    end_all,
    keep_vacancy,
    leave_all,
    lock_follow_up,
    lock_participant_of,
    move,
    unanswered,
)
from domain.kernel import Actor, Refusal, local_day
from domain.participants import retention
from locales import N_
from models.follow_up import INACTIVE_REASONS

#: The one reason that is the participant's own word; the others say what the team believes (FU-3).
PARTICIPANTS_OWN: Final = "withdrew"
LOST_CONTACT: Final = "lost_contact"


def deactivate(
    session: Session, follow_up_id: UUID, reason: str, *, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Make a follow-up inactive, for one of the guide's reasons; its workers no longer have it from then on.

    Raises Refusal: inactive or completed already, no reason of the list, or, for lost contact, before two further
    attempts went unanswered (FU-2).
    """
    lock_participant_of(session, follow_up_id)
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    if reason not in INACTIVE_REASONS:
        raise Refusal("inactive_reason.missing", N_("Say why this follow-up becomes inactive."), source="FU-3")
    if reason == LOST_CONTACT:
        tried = unanswered(session, follow_up_id)
        if tried < MOST_ATTEMPTS:
            raise Refusal(
                "follow_up.try_again_first",
                N_("Contact is lost after two further attempts without an answer; so far there are %(tried)s."),
                source="FU-2",
                tried=tried,
            )
    move(
        session,
        held,
        "deactivate",
        "follow_up.deactivated",
        reason=reason,
        said_by="participant" if reason == PARTICIPANTS_OWN else "team",
    )
    _let_go(session, held, "inactive", by=by, at=at)


def complete(
    session: Session, follow_up_id: UUID, *, participant_agrees: bool, by: Actor, at: datetime, seen: int | None = None
) -> None:
    """Complete a follow-up whose gains the participant and the team consider consolidated (FU-4). Raises Refusal."""
    lock_participant_of(session, follow_up_id)
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    if not participant_agrees:
        raise Refusal(
            "follow_up.participants_word",
            N_("A follow-up is completed when the participant too considers that the gains are consolidated."),
            source="FU-4",
        )
    move(session, held, "complete", "follow_up.completed")
    _let_go(session, held, "completed", by=by, at=at)


def reactivate(
    session: Session,
    follow_up_id: UUID,
    *,
    worker_id: UUID | None = None,
    nobody_yet: bool = False,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> None:
    """Resume a follow-up, at any time, with the worker who accompanies the participant from today on.

    `nobody_yet` says expressly that there is no worker: the coordinator then has to find one. Raises Refusal: neither
    or both are given, or the worker cannot be assigned (`assign`). Where the consent to the program was withdrawn or
    has ended by then, the coordinator is asked what follows.
    """
    lock_participant_of(session, follow_up_id)
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    if (worker_id is None) != nobody_yet:
        raise Refusal(
            "worker.missing",
            N_("Say who accompanies the participant from now on, or that a worker is still to be found."),
        )
    move(session, held, "reactivate", "follow_up.reactivated", before=held.row.state)
    retention.count_no_more(session, held.participant_id, by=by, at=at)
    if worker_id is not None:
        assign_worker(session, follow_up_id, worker_id, by=by, at=at)
    keep_vacancy(session, follow_up_id, by=by, at=at)
    # The question about a withdrawal was settled as the follow-up ended: now both resume.
    if consents.lapsed(session, held.participant_id, "program", local_day(session, at)):
        withdrawals.ask_what_follows(session, held.participant_id, by=by, at=at)
    reviews.keep(session, held.participant_id, by=by, at=at)


def _let_go(session: Session, held: LockedFollowUp, ended: Ended, *, by: Actor, at: datetime) -> None:
    """Close what is open of an ended follow-up: its break, activities, its workers' parts, and the questions about it.

    The time for which the file is kept counts from this day.
    """
    end_open_break(session, held.id, at=at)
    forget_return(session, held.participant_id, by=by, at=at)
    leave_all(session, held.id, by=by, at=at)
    end_all(session, held.id, by=by, at=at)
    keep_vacancy(session, held.id, by=by, at=at)
    withdrawals.settle_everything(session, held.participant_id, by=by, at=at)
    reviews.ask_no_more(session, held.participant_id, by=by, at=at)
    retention.count_from(session, held.participant_id, ended, by=by, at=at)
