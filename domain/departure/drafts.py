"""The drafts of referrals of who leaves: their author's alone until the last day is over, and theirs again who stays.

What is written of a young person is read by one person at a time: by its author, then by whoever coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from domain.departure import gathering
from domain.holdings.candidates import DRAFT
from domain.kernel.actors import Actor
from domain.kernel.scope import local_day, program_of
from domain.participants import referring
from domain.roles.roles import standing
from models.base import refers, table_of
from models.departure import Settlement
from models.referral import Referral

_referral = table_of(Referral)
_settlement = table_of(Settlement)


def is_authors_alone(session: Session, departure: Mapping[str, Any], at: datetime) -> bool:
    """Whether nobody but its author says yet what becomes of a draft: while the last day is not over."""
    return bool(departure["last_day"] >= local_day(session, at))


def give_back(session: Session, departure: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """Give the drafts that a departure took back to their author who stays, where nobody sent or destroyed them.

    From then on they alone read them, and whoever coordinates does not. Who holds no role comes to none.
    """
    author = departure["person_id"]
    if author not in standing(session, local_day(session, at)).live:
        return
    left = session.scalars(
        select(_referral.c.id)
        .join(_settlement, refers(_settlement.c.holding_id, _referral))
        .where(
            _referral.c.program_id == program_of(session),
            _referral.c.referred_by == author,
            _referral.c.state == "draft",
            _referral.c.left_at.is_not(None),
            _settlement.c.case_id == departure["case_id"],
            _settlement.c.kind == DRAFT,
            _settlement.c.ended_as != gathering.BY_ITSELF,
        )
        .distinct()
    ).all()
    for referral_id in sorted(left):
        referring.give_draft_back(session, referral_id, by=by, at=at)
