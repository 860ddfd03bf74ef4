"""Reaching a participant: attempts and the rule of two (FU-2), missed meetings (FU-5), and the last contact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Uuid, any_, bindparam
from sqlmodel import Session, or_

from domain.follow_ups.locking import change_follow_up, lock_follow_up, refuse_unless_followed, write_follow_up_event
from domain.follow_ups.weeks import sunday_of
from domain.kernel import (
    Actor,
    Question,
    Refusal,
    add_row,
    ask_ahead,
    built,
    changes,
    col,
    every,
    local_day,
    of,
    only,
    program_of,
    run,
    scalar,
)
from locales import N_
from models.follow_up import MEANS, STRATEGIES, ContactAttempt, FollowUp, NoShow, WeeklyNote

#: The most further attempts after contact was lost (FU-2).
MOST_ATTEMPTS: Final = 2
#: A worker waits about a quarter of an hour before a meeting counts as missed (FU-5), and not less than this.
LEAST_MINUTES: Final = 10
#: What happened longer ago is no longer entered as something that happens now.
LOOKS_BACK: Final = timedelta(days=31)


def record_attempt(
    session: Session,
    follow_up_id: UUID,
    *,
    means: str,
    reached: bool,
    tried_on: date | None = None,
    by: Actor,
    at: datetime,
) -> int:
    """Record an attempt to reach a participant, made today or on `tried_on`; returns how many in a row went unanswered.

    Raises Refusal: they have no current follow-up, a day to come or too long ago, or a third attempt in a row.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    refuse_unless_followed(held)
    if means not in MEANS:
        raise Refusal("means.malformed", N_("Say by what means: a call, a message, a visit, or through someone."))
    day = _checked_day(tried_on or held.day, held.day)
    tried = unanswered(session, follow_up_id)
    if not reached and tried >= MOST_ATTEMPTS:
        raise Refusal(
            "follow_up.two_attempts",
            N_(
                "Two further attempts went unanswered, and there are at most two. "
                "The team now makes the follow-up inactive; the participant can come back at any time."
            ),
            source="FU-2",
        )
    row = ContactAttempt(
        program_id=program_of(session),
        id=uuid4(),
        follow_up_id=follow_up_id,
        tried_on=day,
        means=means,
        reached=reached,
        tried_by=_person(by),
        recorded_at=at,
    )
    add_row(session, row)
    change_follow_up(session, held)
    write_follow_up_event(session, held, "follow_up.tried", means=means, reached=reached, day=day.isoformat())
    return 0 if reached else tried + 1


def record_no_show(
    session: Session, follow_up_id: UUID, *, expected_at: datetime, waited_minutes: int, by: Actor, at: datetime
) -> UUID:
    """Record that a participant did not come to a meeting, after the worker waited; returns its id.

    The worker makes contact next, and a strategy is agreed (`agree_strategy`). Raises Refusal: a meeting that is still
    to come or long ago, recorded already, or too short a wait.
    """
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    refuse_unless_followed(held)
    if expected_at + timedelta(minutes=max(waited_minutes, 0)) > at:
        raise Refusal("no_show.hour.malformed", N_("This meeting, or the wait for it, is not over yet."), source="FU-5")
    _checked_day(local_day(session, expected_at), held.day)
    if not LEAST_MINUTES <= waited_minutes <= 240:  # noqa: PLR2004 - nobody waits for longer than four hours
        raise Refusal(
            "no_show.minutes.malformed",
            N_("The worker waits about a quarter of an hour, at least %(least)s minutes. Say how long it was."),
            source="FU-5",
            least=LEAST_MINUTES,
        )
    here = program_of(session)
    if scalar(session, only(NoShow.id).where(NoShow.follow_up_id == follow_up_id, NoShow.expected_at == expected_at)):
        raise Refusal("no_show.there_already", N_("This missed meeting is already recorded."))
    no_show_id = uuid4()
    row = NoShow(
        program_id=here,
        id=no_show_id,
        follow_up_id=follow_up_id,
        expected_at=expected_at,
        waited_minutes=waited_minutes,
        recorded_by=_person(by),
        recorded_at=at,
    )
    add_row(session, row)
    change_follow_up(session, held)
    write_follow_up_event(
        session, held, "follow_up.no_show", day=local_day(session, expected_at).isoformat(), minutes=waited_minutes
    )
    return no_show_id


def agree_strategy(
    session: Session, follow_up_id: UUID, no_show_id: UUID, strategy: str, *, by: Actor, at: datetime
) -> None:
    """Record what was agreed after a missed meeting, once contact was made. Raises Refusal: agreed before."""
    held = lock_follow_up(session, follow_up_id, by=by, at=at)
    if strategy not in STRATEGIES:
        raise Refusal("strategy.missing", N_("Say what was agreed for the next time."), source="FU-5")
    done = run(
        session,
        changes(NoShow)
        .where(NoShow.id == no_show_id, NoShow.follow_up_id == follow_up_id, col(NoShow.strategy).is_(None))
        .values(strategy=strategy, agreed_on=held.day),
    )
    if done.rowcount != 1:  # an update has one
        raise Refusal("no_show.settled", N_("What was agreed after this missed meeting is already recorded."))
    change_follow_up(session, held)
    write_follow_up_event(session, held, "follow_up.strategy_agreed", strategy=strategy)


def attempts_of(session: Session, follow_up_id: UUID) -> list[ContactAttempt]:
    """Every attempt to reach a participant, the newest first."""
    return every(
        session,
        of(ContactAttempt)
        .where(ContactAttempt.follow_up_id == follow_up_id)
        .order_by(col(ContactAttempt.tried_on).desc(), col(ContactAttempt.recorded_at).desc()),
    )


def no_shows_of(session: Session, follow_up_id: UUID) -> list[NoShow]:
    """Every meeting to which the participant did not come, the newest first."""
    return every(
        session, of(NoShow).where(NoShow.follow_up_id == follow_up_id).order_by(col(NoShow.expected_at).desc())
    )


def last_contacts(session: Session, follow_up_ids: Iterable[UUID]) -> dict[UUID, date]:
    """The local day on which each follow-up last had contact, as far as the records tell.

    A note says its week and no day. The contact counts on the week's last day, or on the day of the note where that
    came before. Before any contact, it is the day on which the follow-up began or was resumed.
    """
    return {follow_up_id: known.last_contact for follow_up_id, known in known_of(session, follow_up_ids).items()}


def unanswered(session: Session, follow_up_id: UUID) -> int:
    """How many attempts in a row went unanswered since the last contact."""
    return known_of(session, [follow_up_id])[follow_up_id].unanswered


@dataclass
class KnownContact:
    """What the records tell of the contact with one participant: since when they are followed, attempts, and notes."""

    since: date
    since_at: datetime
    tries: list[tuple[date, datetime, bool]] = field(default_factory=list)
    met_on: date | None = None

    @property
    def last_contact(self) -> date:
        """The day of the last contact or, before any, on which it began or was resumed."""
        days = [self.since, *(day for day, _, reached in self.tries if reached)]
        return max([*days, self.met_on] if self.met_on is not None else days)

    @property
    def is_contact(self) -> bool:
        """Whether there was contact on that day, and it is not only the one on which it began or was resumed."""
        reached = any(was_reached and day == self.last_contact for day, _, was_reached in self.tries)
        return reached or self.met_on == self.last_contact

    @property
    def unanswered(self) -> int:
        """How many attempts in a row went unanswered since."""
        in_a_row = 0
        for day, recorded_at, reached in sorted(self.tries):
            if reached:
                in_a_row = 0
            elif recorded_at >= self.since_at and (self.met_on is None or day > self.met_on):
                in_a_row += 1
        return in_a_row


def known_of(session: Session, follow_up_ids: Iterable[UUID]) -> dict[UUID, KnownContact]:
    """What the records tell of the contact with participants, by follow-up."""
    asked = {"follow_ups": list(follow_up_ids)}
    ask_ahead(session, *(Question[Any](one, asked) for one in (_SINCE, _TRIES, _MET)))
    found: dict[UUID, KnownContact] = {}
    for row in run(session, _SINCE, asked):
        found[row.id] = KnownContact(row.active_since, row.active_at)
    for tried in run(session, _TRIES, asked):
        found[tried.follow_up_id].tries.append((tried.tried_on, tried.recorded_at, tried.reached))
    for follow_up_id, week, written_at in run(session, _MET, asked):
        known = found[follow_up_id]
        day = min(sunday_of(week), local_day(session, written_at))
        known.met_on = day if known.met_on is None else max(known.met_on, day)
    return found


_FOLLOW_UPS: Final = bindparam("follow_ups", type_=ARRAY(Uuid()))
_SINCE: Final = built(
    only(FollowUp.id, FollowUp.active_since, FollowUp.active_at).where(col(FollowUp.id) == any_(_FOLLOW_UPS))
)
_TRIES: Final = built(
    only(
        ContactAttempt.follow_up_id, ContactAttempt.tried_on, ContactAttempt.recorded_at, ContactAttempt.reached
    ).where(col(ContactAttempt.follow_up_id) == any_(_FOLLOW_UPS))
)
_MET: Final = built(
    only(WeeklyNote.follow_up_id, WeeklyNote.week, WeeklyNote.written_at).where(
        col(WeeklyNote.follow_up_id) == any_(_FOLLOW_UPS), or_(col(WeeklyNote.met) > 0, col(WeeklyNote.reached))
    )
)


def _checked_day(day: date, today: date) -> date:
    if day > today:
        raise Refusal("day.malformed", N_("This day is still to come."))
    if today - day > LOOKS_BACK:
        raise Refusal("day.malformed", N_("This was too long ago to be recorded now."))
    return day


def _person(by: Actor) -> UUID:
    if by.person_id is None:
        msg = "a part of the system meets nobody"
        raise ValueError(msg)
    return by.person_id
