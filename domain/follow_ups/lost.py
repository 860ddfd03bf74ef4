"""Finds the participants that the team is losing contact with: by number, since when, why, how long (FU-7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.follow_ups.contacts import MOST_ATTEMPTS, KnownContact, known_of
from domain.follow_ups.locking import follow_ups
from domain.follow_ups.weeks import WEEK, sunday_of
from domain.kernel import among, built, col, every, only, run
from locales import N_
from models.follow_up import FollowUp, WeeklyNote

#: Contact is being lost after two weeks without any, or one unanswered attempt a week after the last contact.
LOSING_AFTER: Final = timedelta(days=14)
#: It is the committee's to talk about after three weeks, or once two further attempts went unanswered (FU-2).
LOST_AFTER: Final = timedelta(days=21)

_SINCE: Final = N_(
    "Last contact on %(since)s. When this was put here: whole weeks without contact: "
    "%(weeks)s; attempts without an answer: %(attempts)s. %(why)s"
)
_SINCE_IT_BEGAN: Final = N_(
    "No contact since it began or was resumed, on %(since)s. When this was put here: whole weeks without contact: "
    "%(weeks)s; attempts without an answer: %(attempts)s. %(why)s"
)


@dataclass(frozen=True)
class Losing:
    """A follow-up without contact since the day `since`; `why` is what the newest note since then says, or "".

    Where it had none since it began or was resumed, that day is `since`, and `had_contact` is false.
    """

    follow_up_id: UUID
    number: str
    since: date
    days: int
    why: str
    attempts: int
    is_lost: bool
    had_contact: bool

    @property
    def weeks(self) -> int:
        """How many whole weeks it has been."""
        return self.days // WEEK.days

    @property
    def sentence(self) -> str:
        """How an agenda says it, as a message that wants `since`, `weeks`, `attempts` and `why`."""
        return _SINCE if self.had_contact else _SINCE_IT_BEGAN


def losing(session: Session, day: date, *, follow_up_ids: Iterable[UUID] | None = None) -> list[Losing]:
    """The active follow-ups that are losing contact on a local day, the longest first.

    A break is left out: its terms are agreed. One without a worker counts too, though more than contact is missing: a
    participant who waits for a worker is lost in just this way.
    """
    asked = {} if follow_up_ids is None else {"follow_ups": list(follow_up_ids)}
    rows = every(session, _ACTIVE if follow_up_ids is None else _ACTIVE_OF_THESE, asked)
    ids = [row.id for row in rows]
    known = known_of(session, ids)
    whys: dict[UUID, str] = {}
    for follow_up_id, week, why in run(session, _WHYS, {"follow_ups": ids}):
        # What was noted before the last contact is about an earlier time without contact.
        if sunday_of(week) > known[follow_up_id].last_contact:
            whys[follow_up_id] = why or ""
    found = [judged(row.id, row.number, known[row.id], whys.get(row.id, ""), day) for row in rows]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.days, one.number))


_ACTIVE: Final = built(follow_ups().where(FollowUp.state == "active"))
_ACTIVE_OF_THESE: Final = built(follow_ups().where(FollowUp.state == "active", among(FollowUp.id, "follow_ups")))
_WHYS: Final = built(
    only(WeeklyNote.follow_up_id, WeeklyNote.week, WeeklyNote.why_none)
    .where(
        among(WeeklyNote.follow_up_id, "follow_ups"),
        col(WeeklyNote.why_none).is_not(None),
        col(WeeklyNote.reached).is_(False),
    )
    .order_by(col(WeeklyNote.week))
)


def judged(follow_up_id: UUID, number: str, known: KnownContact, why: str, day: date) -> Losing | None:
    """How one active follow-up loses contact on a local day; None where all is well."""
    since, attempts = known.last_contact, known.unanswered
    away = day - since
    if away < LOSING_AFTER and not attempts:
        return None
    is_lost = away >= LOST_AFTER or attempts >= MOST_ATTEMPTS
    return Losing(follow_up_id, number, since, away.days, why, attempts, is_lost, known.is_contact)
