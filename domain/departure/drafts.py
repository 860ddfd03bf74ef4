"""Drafts of referrals at a departure: their author's alone until the last day is over, and again if they stay.

What is written of a young person is read by one person at a time: by its author, then by the coordinator.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from domain.departure.settlements import BY_ITSELF
from domain.holdings import DRAFT
from domain.kernel import Actor, col, joins, local_day, only, scalars
from domain.participants import referring
from domain.roles import standing
from models.departure import Departure, Settlement
from models.referral import Referral


def is_authors_alone(session: Session, departure: Departure, at: datetime) -> bool:
    """Whether its author alone still says what becomes of a draft: while the last day is not over."""
    return bool(departure.last_day >= local_day(session, at))


def give_back(session: Session, departure: Departure, *, by: Actor, at: datetime) -> None:
    """Give the drafts that a departure took back to their author who stays, unless they were sent or destroyed.

    From then on the author alone reads them, and the coordinator does not. An author without a role gets none.
    """
    author = departure.person_id
    if author not in standing(session, local_day(session, at)).live:
        return
    left = (
        only(Referral.id)
        .join(Settlement, joins(Settlement.holding_id, Referral))
        .where(
            Referral.referred_by == author,
            Referral.state == "draft",
            col(Referral.left_at).is_not(None),
            Settlement.case_id == departure.case_id,
            Settlement.kind == DRAFT,
            Settlement.ended_as != BY_ITSELF,
        )
    )
    for referral_id in sorted(scalars(session, left.distinct())):
        referring.give_draft_back(session, referral_id, by=by, at=at)
