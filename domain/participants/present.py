"""The referral of the present admission, and the day before which nothing of that admission can have been."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from domain.kernel import Refusal, col, local_day, only, scalar
from locales import N_
from models.referral import Referral


def present_referral(participant_id: UUID) -> SelectOfScalar[UUID]:
    """The referral of the present admission: the one to triage, else the last that was triaged.

    It is not always the last that came: one that came before it may be joined to this person after they declined.
    """
    theirs = Referral.participant_id == participant_id, col(Referral.state).in_(["received", "triaged"])
    return only(Referral.id).where(*theirs).order_by(col(Referral.triaged_at).desc()).limit(1)


def refuse_before_referral(session: Session, participant_id: UUID, *days: date) -> None:
    """Refuse a day on which nothing of the present admission can have been: it was before the referral came.

    The day on which a referral was received is written once, and no act changes it after. Raises Refusal.
    """
    present = present_referral(participant_id).scalar_subquery()
    received_at = scalar(session, only(Referral.received_at).where(Referral.id == present))
    if received_at is not None and min(days) < (received_on := local_day(session, received_at)):
        raise Refusal(
            "referral.before",
            N_("The person was referred on %(day)s: nothing of this admission was on an earlier day."),
            source="AD-R1",
            day=received_on,
        )
