"""Breaks agreed with the participant, who sets the terms of the return; each comes back on its day (FU-3b)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from sqlmodel import Session

from domain.accompaniment import withdrawals
from domain.accompaniment.questions import QuestionAbout
from domain.casework import asking
from domain.follow_ups import BREAK_TERMS, LockedFollowUp, keep_vacancy, lock_follow_up, move, read_words, sealed
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    among,
    built,
    changes,
    col,
    every,
    first,
    joins,
    local_day,
    of,
    only,
    program_of,
    run,
    says_something,
    scalars,
)
from domain.roles import Link
from locales import N_
from models.follow_up import FollowUp, FollowUpBreak

#: A break is reviewed within half a year: one without an end would be a forgotten follow-up.
LONGEST: Final = timedelta(days=183)
#: The worker's task after a break ended automatically.
RETURN: Final = "follow_up.return"


def take_break(
    session: Session,
    follow_up_id: UUID,
    *,
    returns_on: date,
    terms: str,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> UUID:
    """Begin a break today that ends on the local day `returns_on`, under the terms that the participant set.

    The terms are sealed. Raises Refusal: not active, no terms, or a day that is not to come or is too far away.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    if returns_on <= held.day:
        raise Refusal("break.day.malformed", N_("A break ends on a future day."), source="FU-3b")
    if returns_on > held.day + LONGEST:
        raise Refusal(
            "break.day.malformed",
            N_("A break is reviewed within six months. Give a nearer day; it can be prolonged then."),
            source="FU-3b",
        )
    if not says_something(terms):
        raise Refusal(
            "break.terms.missing", N_("Write the terms of the return, as the participant set them."), source="FU-3b"
        )
    move(session, held, "pause", "follow_up.paused", returns_on=returns_on.isoformat())
    forget_return(session, held.participant_id, by=by, at=at)
    break_id = uuid4()
    row = FollowUpBreak(
        program_id=program_of(session),
        id=break_id,
        follow_up_id=follow_up_id,
        starts_on=held.day,
        returns_on=returns_on,
        terms=sealed(session, held.participant_id, BREAK_TERMS, break_id, terms),
        agreed_at=at,
        agreed_by=by.person_id,
    )
    add_row(session, row)
    keep_vacancy(session, follow_up_id, by=by, at=at)
    return break_id


def come_back(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime, seen: int | None = None) -> None:
    """End a break, on its day or because the participant returns earlier. Raises Refusal where there is none."""
    held = lock_follow_up(session, follow_up_id, by=by, at=at, seen=seen)
    if held.row.state != "on_break":
        raise Refusal("follow_up.no_break", N_("This follow-up is not on a break."), source="FU-3b")
    _resume(session, held)


def come_back_if_due(session: Session, follow_up_id: UUID, *, by: Actor, at: datetime) -> bool:
    """End a break whose day has come; returns whether there still was one. Refuses nothing: others may be faster.

    The participant's worker is asked to make contact as the terms of the return say, or the coordinator where there is
    no worker.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    found = open_break(session, follow_up_id)
    if held.row.state != "on_break" or found is None or found.returns_on > held.day:
        return False
    _resume(session, held)
    _ask_to_return(session, held.participant_id, by=by, at=at)
    return True


def ask_who_has_it_now(session: Session, *, by: Actor, at: datetime, only: UUID | None = None) -> int:
    """Ask the worker of today to make contact where the one who was asked no longer has the participant.

    Returns how many changed. `only` looks at one participant alone.
    """

    def ask_anew(participant_id: UUID, _: Link | None) -> None:
        _ask_to_return(session, participant_id, by=by, at=at)

    return asking.ask_who_has_it_now(
        session, RETURN, whose=partial(withdrawals.whose, session, at=at), ask_anew=ask_anew, by=by, at=at, only=only
    )


def forget_return(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Cancel what was asked about a return, since the participant is on another break or the follow-up has ended."""
    asking.no_more(session, RETURN, participant_id, by=by, at=at)


def due_to_return(session: Session, day: date) -> list[UUID]:
    """The follow-ups whose break ends on the local `day` or should have ended before it, the oldest first."""
    rows = scalars(
        session,
        only(FollowUpBreak.follow_up_id)
        .join(FollowUp, joins(FollowUpBreak.follow_up_id, FollowUp))
        .where(
            col(FollowUpBreak.ended_at).is_(None), col(FollowUpBreak.returns_on) <= day, FollowUp.state == "on_break"
        )
        .order_by(col(FollowUpBreak.returns_on), col(FollowUpBreak.follow_up_id)),
    )
    return list(rows)


def open_break(session: Session, follow_up_id: UUID) -> FollowUpBreak | None:
    """The break that a follow-up is on, or None. Its terms stay sealed."""
    found = last_break(session, follow_up_id)
    return found if found is not None and found.ended_at is None else None


def open_breaks(session: Session, follow_up_ids: Iterable[UUID]) -> dict[UUID, FollowUpBreak]:
    """As `open_break`, of several follow-ups: those of them that are on one."""
    return {row.follow_up_id: row for row in every(session, _OPEN, {"follow_ups": list(follow_up_ids)})}


_OPEN: Final = built(
    of(FollowUpBreak, without=(FollowUpBreak.terms,))
    .where(among(FollowUpBreak.follow_up_id, "follow_ups"), col(FollowUpBreak.ended_at).is_(None))
    .order_by(col(FollowUpBreak.agreed_at), col(FollowUpBreak.id).desc())
)


def last_break(session: Session, follow_up_id: UUID) -> FollowUpBreak | None:
    """The last break of a follow-up, open or over, or None. Its terms stay sealed.

    The terms apply from the day on which the participant returns: they are read then, and not only before.
    """
    return first(
        session,
        of(FollowUpBreak, without=(FollowUpBreak.terms,))
        .where(FollowUpBreak.follow_up_id == follow_up_id)
        .order_by(col(FollowUpBreak.ended_at).is_not(None), col(FollowUpBreak.agreed_at).desc(), col(FollowUpBreak.id))
        .limit(1),
    )


#: Reads the terms of return of a break, as `domain.follow_ups.words.read_words` does.
read_terms: Final = partial(read_words, FollowUpBreak.terms, "follow_up_break", BREAK_TERMS)


def end_open_break(session: Session, follow_up_id: UUID, *, at: datetime) -> None:
    """End the break of a follow-up, if it is on one. The caller changes the follow-up's own state."""
    run(
        session,
        changes(FollowUpBreak)
        .where(FollowUpBreak.follow_up_id == follow_up_id, col(FollowUpBreak.ended_at).is_(None))
        .values(ended_on=local_day(session, at), ended_at=at),
    )


def _resume(session: Session, held: LockedFollowUp) -> None:
    end_open_break(session, held.id, at=held.at)
    move(session, held, "resume", "follow_up.resumed")
    keep_vacancy(session, held.id, by=held.by, at=held.at)


def _ask_to_return(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    _RETURN.ask(session, participant_id, worker=withdrawals.whose(session, participant_id, at=at), by=by, at=at)


_RETURN: Final = QuestionAbout(
    RETURN,
    N_("%(subject)s is back from the break: read the terms of the return, and make contact accordingly"),
    working_days=1,
    evidence="none",
)
