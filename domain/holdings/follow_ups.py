"""The parts that a worker has in follow-ups, each by the participant's number alone."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import and_, or_

from domain.declared import Bilingual
from domain.holdings.holding import Holding, Leaving
from domain.kernel import both, col, joins, lasts_beyond, moments_of, only, same, select, surely, tuples
from locales import N_
from models.follow_up import Assignment, FollowUp
from models.participant import Participant

FOLLOW_UP: Final = "follow_up"

_PRIMARY = N_("Follow-up of %(number)s")
_SECOND = N_("Follow-up of %(number)s, as the second of the pair")


def follow_ups_of(leaving: Leaving) -> list[Holding]:
    """The follow-ups that they accompany, as the primary worker or as the second, and that are not completed.

    For a leaver also those in which their part ended since the departure was known, until another has their place.
    DP-03
    """
    theirs = lasts_beyond(Assignment, leaving.day)
    in_hand = and_(col(Assignment.withdrawn_at).is_(None), col(Assignment.ended_at).is_(None), theirs)
    if leaving.known_on is not None:
        known, _ = moments_of(leaving.session, leaving.known_on)
        in_hand = or_(in_hand, and_(col(Assignment.ended_at) >= known, without_a_follower()))
    rows = tuples(
        leaving.session,
        only(
            Assignment.id,
            Assignment.kind,
            Assignment.organization_id,
            Assignment.follow_up_id,
            surely(Participant.number),
        )
        .join(FollowUp, joins(Assignment.follow_up_id, FollowUp))
        .join(Participant, joins(FollowUp.participant_id, Participant))
        .where(
            Assignment.person_id == leaving.person_id,
            FollowUp.state != "completed",
            leaving.began_by_then(col(Assignment.starts_on)),
            in_hand,
        )
        .order_by(col(Participant.number), col(Assignment.id)),
    )
    return [
        Holding(FOLLOW_UP, part_id, titled_part(kind, number), f"/follow-ups/{follow_up_id}")
        for part_id, kind, place, follow_up_id, number in rows
        if leaving.concerns(place)
    ]


def titled_part(kind: str, number: str) -> Bilingual:
    """A part in a follow-up in words, by the participant's number alone."""
    return both(_PRIMARY if kind == "primary" else _SECOND, number=number)


def without_a_follower() -> ColumnElement[bool]:
    """The condition on a part that ended, in a follow-up that goes on, that its place was not filled since.

    Nor has its own worker taken the other place, leaving this one for it. A follow-up on a break goes on: the
    participant returns to a worker.
    """
    since, goes_on = aliased(Assignment), aliased(FollowUp)
    given = (
        select(since.id)
        .where(
            same(since, Assignment),
            since.follow_up_id == Assignment.follow_up_id,
            since.id != Assignment.id,
            # The other place is what they leave instead, also where they leave on the day on which they took it.
            or_(
                and_(since.kind == Assignment.kind, col(since.withdrawn_at).is_(None)),
                since.person_id == Assignment.person_id,
            ),
            col(since.assigned_at) >= col(Assignment.ended_at),
        )
        .exists()
    )
    followed = (
        select(goes_on.id)
        .where(joins(Assignment.follow_up_id, goes_on), col(goes_on.state).in_(("active", "on_break")))
        .exists()
    )
    return and_(col(Assignment.ended_at).is_not(None), followed, ~given)
