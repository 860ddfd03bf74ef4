"""What an asker is to a person of the program: themselves, who sits with them, and who manages where they work."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Uuid, bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_

from api.access.permissions import Asker, Forbidden, Given, Relation, themselves, to_program
from domain.kernel import col, in_program, joins, lasts, program_of, run, same, select
from domain.roles import FOR_PRIVACY, SEES_EVERY_CASE
from models.committee import Seat, SeatHolder
from models.program import Person


def find_person(session: Session, person_id: UUID) -> UUID:
    """The id of a person of this program. Raises Forbidden."""
    if session.get(Person, (program_of(session), person_id)) is None:
        raise Forbidden
    return person_id


def to_person(asker: Asker, person_id: UUID) -> Given:
    """What the asker is to a person of the program."""
    places = {tenure.organization_id for tenure in asker.standing.roles_of(person_id)}
    given = to_program(asker, organizations=sorted(places))
    if person_id == asker.person_id:
        given[Relation.SELF] = themselves(asker)
    return given


def watches_over(asker: Asker, person_id: UUID) -> bool:
    """Whether a person looks, as the privacy officer or who stands in today, at what the asker coordinates."""
    if person_id == asker.person_id or asker.hat(SEES_EVERY_CASE) is None:
        return False
    today, officer = asker.standing, FOR_PRIVACY[0]
    held = (*today.roles_of(person_id), *(one for one in today.coming if one.person_id == person_id))
    return any(one.role == officer.role for one in held) or today.falls([officer]).on(person_id) is not None


def to_contact(asker: Asker, person_id: UUID, companions: Collection[UUID]) -> Given:
    """What the asker is to a person's address and telephone. `companions` are those that `companions_of` found."""
    given = to_person(asker, person_id)
    if person_id in companions:
        given[Relation.SITS_WITH] = themselves(asker)
    return given


def companions_of(session: Session, asker: Asker) -> frozenset[UUID]:
    """Those who hold a seat today on a committee on which the asker holds one, for a principal or as an alternate."""
    asked = {"here": program_of(session), "person": asker.person_id, "day": asker.day}
    return frozenset(run(session, _COMPANIONS, asked).scalars())


_theirs, _ours = aliased(SeatHolder), aliased(SeatHolder)
_their_seat, _our_seat = aliased(Seat), aliased(Seat)
_day = bindparam("day", type_=Date())
_person = bindparam("person", type_=Uuid())


def _held_today(holder: type[SeatHolder]) -> ColumnElement[bool]:
    return and_(col(holder.withdrawn_at).is_(None), col(holder.starts_on) <= _day, lasts(holder, _day))


_COMPANIONS: Final = (
    select(_theirs.person_id)
    .join(_their_seat, joins(_theirs.seat_id, _their_seat))
    .join(_our_seat, and_(same(_our_seat, _their_seat), _our_seat.committee_id == _their_seat.committee_id))
    .join(_ours, joins(_ours.seat_id, _our_seat))
    .where(in_program(_ours), _ours.person_id == _person, _held_today(_ours), _held_today(_theirs))
    .distinct()
)
