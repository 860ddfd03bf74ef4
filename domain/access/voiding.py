"""After a restore: what let people in before it lets no one in any more, and who stays out until it is decided."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, or_

from domain.kernel import Refusal, changes, col, in_program, inside, local_day, only, run, scalar, select
from locales import N_
from models.access import BrowserSession, Door, SignInFlow
from models.invitation import CalendarFeed, MeetingLink
from models.ledger import RestoredMatter
from models.lifecycles import NOTICE
from models.outbox import Notice
from models.referral import ReferralLink

#: The letters whose link lets their reader in (`doors.LETTERS`, which stands on this module).
_BRING_A_LINK: Final = ("invitation", "enrolment")
#: The matters that keep a person out until they are decided: each may be the end of their access.
KEEPS_OUT: Final = ("access", "role", "departure")


def void_all(session: Session, *, at: datetime) -> None:
    """End every sign-in, link and calendar address of the session's program, and the letters that were to bring one.

    Their digests are of the epoch before, and find nothing any more: this is for those who look at what is open.
    """
    run(
        session,
        changes(BrowserSession).where(col(BrowserSession.ended_at).is_(None)).values(ended_at=at, ended_as="restored"),
    )
    run(session, delete(Door).where(in_program(Door), col(Door.used_at).is_(None)))
    run(session, delete(SignInFlow))
    run(session, changes(CalendarFeed).where(col(CalendarFeed.ended_at).is_(None)).values(ended_at=at))
    run(session, changes(MeetingLink).where(col(MeetingLink.ended_at).is_(None)).values(ended_at=at))
    run(
        session,
        changes(ReferralLink)
        .where(col(ReferralLink.ended_at).is_(None), col(ReferralLink.used_at).is_(None))
        .values(ended_at=at),
    )
    run(
        session,
        changes(Notice)
        .where(col(Notice.template).in_(_BRING_A_LINK), col(Notice.state).in_(NOTICE.open_to("withdraw")))
        .values(state=NOTICE.moved(col(Notice.state), "withdraw"), next_attempt_at=None, leased_until=None),
    )


def end_sign_ins(session: Session, person_id: UUID, *, at: datetime) -> None:
    """End the sign-ins of a person whose access may have ended, until it is decided."""
    run(
        session,
        changes(BrowserSession)
        .where(BrowserSession.person_id == person_id, col(BrowserSession.ended_at).is_(None))
        .values(ended_at=at, ended_as="restored"),
    )


def is_kept_out(session: Session, person_id: UUID, *, at: datetime) -> bool:
    """Whether it waits for a decision if a person still has access: theirs may have ended, and a restore lost that."""
    matter = only(RestoredMatter.id).where(*_keeping_out(person_id, local_day(session, at)))
    return scalar(session, matter.limit(1)) is not None


def keeps_out(person: Any, day: date) -> ColumnElement[bool]:
    """The condition that this waits of a person, on a local day: as of a letter's reader, to whom none is sent."""
    return select(RestoredMatter.id).where(in_program(RestoredMatter), *_keeping_out(person, day)).exists()


def _keeping_out(person: Any, day: date) -> tuple[ColumnElement[bool], ...]:
    last_day = inside(RestoredMatter.facts)["day"].astext
    return (
        col(RestoredMatter.person_id) == person,
        col(RestoredMatter.decided_at).is_(None),
        col(RestoredMatter.kind).in_(KEEPS_OUT),
        or_(last_day.is_(None), last_day < day.isoformat()),
    )


def refuse_kept_out(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Refuse a way in for a person while that waits. Raises Refusal."""
    if is_kept_out(session, person_id, at=at):
        raise Refusal(
            "access.undecided",
            N_(
                "The program was restored from a copy, and this person’s access may have ended since. The "
                "coordination or the privacy officer decides first."
            ),
        )
