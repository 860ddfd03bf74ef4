"""What is asked of a worker about one participant, looked at again at once where who may answer it changed.

A round does so each morning. What takes the file from somebody, or puts somebody in the place of who is away, does not
wait for it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from duties.actors import Actor
from duties.casework import asking
from duties.follow_ups import breaks
from duties.here import local_day
from duties.participants import referred_again, reviews, withdrawals
from duties.roles import Standing, standing

_STEPS = (withdrawals.SPEAK, withdrawals.STOPS, reviews.REVIEW, breaks.RETURN, referred_again.AGAIN)


def ask_who_has_them_now(session: Session, participant_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask the worker of today whatever was asked about a participant of who has them no more."""
    withdrawals.ask_who_has_it_now(session, by=by, at=at, only=participant_id)
    reviews.ask_who_has_it_now(session, by=by, at=at, only=participant_id)
    breaks.ask_who_has_it_now(session, by=by, at=at, only=participant_id)
    referred_again.ask_who_has_them_now(session, by=by, at=at, only=participant_id)


def ask_who_acts_now(session: Session, person_id: UUID, *, by: Actor, at: datetime) -> None:
    """The same of each participant about whom something is asked of somebody, or of whom they act for.

    It is for whatever says that they are away, or who acts for them, or that they are not.
    """
    theirs = {str(one) for one in _whose_place_they_take(standing(session, local_day(session, at)), person_id)}
    found = {
        UUID(row["item"])
        for step in _STEPS
        for row in asking.open_ones(session, step)
        if row["links"][0].get("person") in theirs
    }
    for participant_id in sorted(found):
        ask_who_has_them_now(session, participant_id, by=by, at=at)


def _whose_place_they_take(today: Standing, person_id: UUID) -> set[UUID]:
    """Somebody, and whoever is away today with them, or with who is away with them, to act for them."""
    found, reached = {person_id}, {person_id}
    while reached:
        reached = {away.person_id for away in today.absences.values() if away.deputy_id in reached} - found
        found |= reached
    return found
