"""The parts that a worker has in follow-ups, each by the participant's number alone."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select

from domain.declared.reading import Bilingual
from domain.holdings.holding import Holding, Leaving
from domain.kernel.bilingual import both
from domain.kernel.scope import many, moments_of, program_of
from locales import N_
from models.base import refers, table_of
from models.follow_up import Assignment, FollowUp
from models.participant import Participant

FOLLOW_UP: Final = "follow_up"

_assignment = table_of(Assignment)
_follow_up = table_of(FollowUp)
_participant = table_of(Participant)

_PRIMARY = N_("Follow-up of %(number)s")
_SECOND = N_("Follow-up of %(number)s, as the second of the pair")


def follow_ups_of(leaving: Leaving) -> list[Holding]:
    """The follow-ups that they accompany, as the primary worker or as the second, and that are not completed.

    Of who leaves also those in which their part ended since that is known, until somebody has their place. DP-03
    """
    session = leaving.session
    theirs = or_(_assignment.c.ends_on.is_(None), _assignment.c.ends_on > leaving.day)
    in_hand = and_(_assignment.c.withdrawn_at.is_(None), _assignment.c.ended_at.is_(None), theirs)
    if leaving.known_on is not None:
        known, _ = moments_of(session, leaving.known_on)
        in_hand = or_(in_hand, and_(_assignment.c.ended_at >= known, without_a_follower()))
    rows = many(
        session,
        select(
            _assignment.c.id,
            _assignment.c.kind,
            _assignment.c.organization_id,
            _assignment.c.follow_up_id,
            _participant.c.number,
        )
        .join(_follow_up, refers(_assignment.c.follow_up_id, _follow_up))
        .join(_participant, refers(_follow_up.c.participant_id, _participant))
        .where(
            _assignment.c.program_id == program_of(session),
            _assignment.c.person_id == leaving.person_id,
            _follow_up.c.state != "completed",
            leaving.began_by_then(_assignment.c.starts_on),
            in_hand,
        )
        .order_by(_participant.c.number, _assignment.c.id),
    )
    return [
        Holding(
            FOLLOW_UP,
            row["id"],
            titled_part(row["kind"], row["number"]),
            f"/follow-ups/{row['follow_up_id']}",
        )
        for row in rows
        if leaving.concerns(row["organization_id"])
    ]


def titled_part(kind: str, number: str) -> Bilingual:
    """A part in a follow-up in words, by the participant's number alone."""
    return both(_PRIMARY if kind == "primary" else _SECOND, number=number)


def without_a_follower() -> ColumnElement[bool]:
    """The condition on a part that ended, in a follow-up that goes on, that nobody was given its place since.

    Nor its own worker the other place, for which they left this one. One on a break goes on: the participant comes back
    to somebody.
    """
    since, goes_on = _assignment.alias(), _follow_up.alias()
    given = (
        select(since.c.id)
        .where(
            since.c.program_id == _assignment.c.program_id,
            since.c.follow_up_id == _assignment.c.follow_up_id,
            since.c.id != _assignment.c.id,
            # The other place is what they leave instead, also where they leave on the day on which they took it.
            or_(
                and_(since.c.kind == _assignment.c.kind, since.c.withdrawn_at.is_(None)),
                since.c.person_id == _assignment.c.person_id,
            ),
            since.c.assigned_at >= _assignment.c.ended_at,
        )
        .exists()
    )
    followed = (
        select(goes_on.c.id)
        .where(
            goes_on.c.program_id == _assignment.c.program_id,
            goes_on.c.id == _assignment.c.follow_up_id,
            goes_on.c.state.in_(("active", "on_break")),
        )
        .exists()
    )
    return and_(_assignment.c.ended_at.is_not(None), followed, ~given)
