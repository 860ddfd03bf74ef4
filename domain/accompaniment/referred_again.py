"""Asks what follows when a known person is referred again: by number or reference, and never by a name.

The person's worker, or the one who is to meet them, reads the new referral. For each referral the coordinator decides
what its referrer hears. See docs/adr/0013.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.accompaniment import withdrawals
from domain.accompaniment.questions import QuestionAbout
from domain.casework import asking
from domain.kernel import Actor, local_day, only, scalar, surely
from domain.mail import coordination_chain
from domain.participants import known_as, reading, still_needed
from domain.roles import Link
from locales import N_
from models.follow_up import FollowUp
from models.referral import Referral

#: What the worker of a person referred again is asked.
AGAIN: Final = still_needed.AGAIN
#: What the coordinator is asked about the referrer of a known person, and how soon it is due, in working days.
ANSWER: Final = reading.TOLD
DAYS_TO_ANSWER: Final = 5


def ask_to_read(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the worker who accompanies the person, or is to meet them, to read the new referral; again, nothing changes.

    Where there is no such worker, the coordinator reads it. Where the follow-up is over, the coordinator says whether
    it is resumed.
    """
    asked = _TAKE_UP if _is_over(session, participant_id) else _READ
    asked.ask(session, participant_id, worker=_who_reads(session, participant_id, at=at), by=by, at=at)


def ask_who_has_them_now(session: Session, *, by: Actor, at: datetime, only: UUID | None = None) -> int:
    """Ask the worker of today to read the new referral where the one who was asked no longer has the person.

    Returns how many changed. `only` looks at one participant alone.
    """
    return asking.ask_who_has_it_now(
        session,
        AGAIN,
        whose=partial(_who_reads, session, at=at),
        ask_anew=lambda participant_id, _: ask_to_read(session, participant_id, by=by, at=at),
        by=by,
        at=at,
        only=only,
    )


def ask_what_the_referrer_hears(session: Session, referral: Referral, *, by: Actor, at: datetime) -> None:
    """Ask the coordinator to decide what the writer of this referral hears of who makes contact (AD-R5).

    Each referral is asked about by itself: a second referrer is not forgotten while the first is not answered. No
    letter goes out automatically: sent now, before any committee decides, or naming the worker, it would tell that the
    person was known. `referral` is its row, with the `participant_id` of the person it is about.
    """
    asking.ask(
        session,
        ANSWER,
        referral.id,
        _ANSWER,
        chain=coordination_chain(session),
        working_days=DAYS_TO_ANSWER,
        by=by,
        at=at,
        evidence="none",
        subject=known_as(session, referral.participant_id),
        day=local_day(session, surely(referral.received_at)),
    )


def _who_reads(session: Session, participant_id: UUID, *, at: datetime) -> Link | None:
    return None if _is_over(session, participant_id) else withdrawals.whose(session, participant_id, at=at)


def _is_over(session: Session, participant_id: UUID) -> bool:
    """Whether the person's follow-up has ended, so that no one accompanies them."""
    state = scalar(session, only(FollowUp.state).where(FollowUp.participant_id == participant_id))
    return state in still_needed.ENDED


_ANSWER: Final = N_(
    "%(subject)s was referred again (the referral of %(day)s): decide what the referrer is told of who makes contact, "
    "and when, without revealing that the person was known"
)
_READ: Final = QuestionAbout(AGAIN, N_("Read the new referral of %(subject)s"), 2, evidence="none")
_TAKE_UP: Final = QuestionAbout(
    AGAIN, N_("%(subject)s was referred again: resume the follow-up, or say why not"), 2, evidence="none"
)
