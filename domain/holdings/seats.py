"""Seats on committees, meetings with an invitation without a seat, and absences in which the person deputizes."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import aliased
from sqlmodel import and_, or_

from domain.holdings.holding import Holding, Leaving
from domain.kernel import both, col, joins, lasts_beyond, moments_of, only, same, select, tuples
from locales import N_
from models.committee import Committee, Seat, SeatHolder
from models.meeting import Meeting, MeetingGuest
from models.program import Absence, Person

SEAT: Final = "seat"
GUEST: Final = "guest"
DEPUTIZING: Final = "deputizing"

_SEAT = N_("%(committee)s: %(seat)s")
_GUEST = N_("Meeting of %(day)s: %(committee)s")
_ACTING = N_("Acting for %(name)s until %(day)s")


def seats_of(leaving: Leaving) -> list[Holding]:
    """The seats that they hold from the day on, as principal or as alternate.

    For a leaver also those that ended with their last day, until another has them: a second representative who stands
    in for a principal fills no seat (CM-2R). One who returned and has the seat again has it themselves.
    """
    in_hand = lasts_beyond(SeatHolder, leaving.day)
    if leaving.last_day is not None:
        follows = aliased(SeatHolder)
        another = col(follows.person_id) != leaving.person_id
        if leaving.is_back:
            another = or_(another, col(follows.starts_on) > leaving.last_day)
        has_it = (
            select(follows.id)
            .where(
                same(follows, SeatHolder),
                follows.seat_id == SeatHolder.seat_id,
                follows.kind == SeatHolder.kind,
                another,
                col(follows.withdrawn_at).is_(None),
                lasts_beyond(follows, leaving.last_day),
            )
            .exists()
        )
        in_hand = or_(in_hand, and_(SeatHolder.ends_on == leaving.last_day, ~has_it))
    rows = tuples(
        leaving.session,
        only(SeatHolder.id, Seat.organization_id, Seat.title_fr, Seat.title_en, Committee.title_fr, Committee.title_en)
        .join(Seat, joins(SeatHolder.seat_id, Seat))
        .join(Committee, joins(Seat.committee_id, Committee))
        .where(
            SeatHolder.person_id == leaving.person_id,
            col(SeatHolder.withdrawn_at).is_(None),
            leaving.began_by_then(col(SeatHolder.starts_on)),
            in_hand,
        )
        .order_by(col(Committee.key), col(Seat.key), col(SeatHolder.starts_on)),
    )
    return [
        Holding(
            SEAT, held_id, both(_SEAT, committee={"fr": of_fr, "en": of_en}, seat={"fr": fr, "en": en}), "/committees"
        )
        for held_id, place, fr, en, of_fr, of_en in rows
        if leaving.concerns(place)
    ]


def invitations_of(leaving: Leaving) -> list[Holding]:
    """The meetings to come to which they are invited without a seat."""
    _, ends = moments_of(leaving.session, leaving.day)
    rows = tuples(
        leaving.session,
        only(MeetingGuest.id, Meeting.starts, Meeting.id, Committee.title_fr, Committee.title_en)
        .join(Meeting, joins(MeetingGuest.meeting_id, Meeting))
        .join(Committee, joins(Meeting.committee_id, Committee))
        .where(
            MeetingGuest.person_id == leaving.person_id,
            col(MeetingGuest.withdrawn_at).is_(None),
            col(Meeting.starts_at) >= ends,
            Meeting.state == "planned",
        )
        .order_by(col(Meeting.starts_at)),
    )
    return [
        Holding(
            GUEST, guest_id, both(_GUEST, day=starts.date(), committee={"fr": fr, "en": en}), f"/meetings/{meeting_id}"
        )
        for guest_id, starts, meeting_id, fr, en in rows
        if leaving.concerns(None) and not leaving.is_back
    ]


def deputizing_of(leaving: Leaving) -> list[Holding]:
    """The absences of others, now or to come, in which they deputize."""
    rows = tuples(
        leaving.session,
        only(Absence.id, Absence.person_id, Absence.ends_on, Person.given_name, Person.family_name)
        .join(Person, joins(Absence.person_id, Person))
        .where(
            Absence.deputy_id == leaving.person_id,
            col(Absence.cancelled_at).is_(None),
            col(Absence.ends_on) > leaving.day,
            leaving.began_by_then(col(Absence.starts_on)),
        )
        .order_by(col(Absence.starts_on), col(Absence.id)),
    )
    return [
        Holding(
            DEPUTIZING,
            absence_id,
            both(_ACTING, name=f"{given_name} {family_name}", day=ends_on),
            f"/people/{person_id}",
        )
        for absence_id, person_id, ends_on, given_name, family_name in rows
        if leaving.concerns(None)
        or any(leaving.concerns(held.organization_id) for held in leaving.standing.roles_of(person_id))
    ]
