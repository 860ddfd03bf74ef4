"""Seats on committees, meetings to which somebody is invited without one, and absences in which they deputize."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, or_, select

from domain.holdings.holding import Holding, Leaving
from domain.kernel.bilingual import both
from domain.kernel.scope import many, moments_of, program_of
from locales import N_
from models.base import refers, table_of
from models.committee import Committee, Seat, SeatHolder
from models.meeting import Meeting, MeetingGuest
from models.program import Absence, Person

SEAT: Final = "seat"
GUEST: Final = "guest"
DEPUTIZING: Final = "deputizing"

_holder = table_of(SeatHolder)
_seat = table_of(Seat)
_committee = table_of(Committee)
_guest = table_of(MeetingGuest)
_meeting = table_of(Meeting)
_absence = table_of(Absence)
_person = table_of(Person)

_SEAT = N_("%(committee)s: %(seat)s")
_GUEST = N_("Meeting of %(day)s: %(committee)s")
_ACTING = N_("Acting for %(name)s until %(day)s")


def seats_of(leaving: Leaving) -> list[Holding]:
    """The seats that they hold from the day on, as principal or as alternate.

    Of who leaves also those that ended with their last day, until somebody else has them: that a second representative
    stands in for a principal fills no seat (CM-2R). Whoever is back and has the seat again has it themselves.
    """
    session = leaving.session
    in_hand = or_(_holder.c.ends_on.is_(None), _holder.c.ends_on > leaving.day)
    if leaving.last_day is not None:
        follows = _holder.alias()
        another = follows.c.person_id != leaving.person_id
        if leaving.is_back:
            another = or_(another, follows.c.starts_on > leaving.last_day)
        has_it = (
            select(follows.c.id)
            .where(
                follows.c.program_id == _holder.c.program_id,
                follows.c.seat_id == _holder.c.seat_id,
                follows.c.kind == _holder.c.kind,
                another,
                follows.c.withdrawn_at.is_(None),
                or_(follows.c.ends_on.is_(None), follows.c.ends_on > leaving.last_day),
            )
            .exists()
        )
        in_hand = or_(in_hand, and_(_holder.c.ends_on == leaving.last_day, ~has_it))
    rows = many(
        session,
        select(
            _holder.c.id,
            _seat.c.organization_id,
            _seat.c.title_fr,
            _seat.c.title_en,
            _committee.c.title_fr.label("committee_fr"),
            _committee.c.title_en.label("committee_en"),
        )
        .join(_seat, refers(_holder.c.seat_id, _seat))
        .join(_committee, refers(_seat.c.committee_id, _committee))
        .where(
            _holder.c.program_id == program_of(session),
            _holder.c.person_id == leaving.person_id,
            _holder.c.withdrawn_at.is_(None),
            leaving.began_by_then(_holder.c.starts_on),
            in_hand,
        )
        .order_by(_committee.c.key, _seat.c.key, _holder.c.starts_on),
    )
    return [
        Holding(
            SEAT,
            row["id"],
            both(
                _SEAT,
                committee={"fr": row["committee_fr"], "en": row["committee_en"]},
                seat={"fr": row["title_fr"], "en": row["title_en"]},
            ),
            "/committees",
        )
        for row in rows
        if leaving.concerns(row["organization_id"])
    ]


def invitations_of(leaving: Leaving) -> list[Holding]:
    """The meetings to come to which they are invited without a seat."""
    session = leaving.session
    _, ends = moments_of(session, leaving.day)
    rows = many(
        session,
        select(
            _guest.c.id,
            _meeting.c.starts,
            _meeting.c.id.label("meeting_id"),
            _committee.c.title_fr.label("committee_fr"),
            _committee.c.title_en.label("committee_en"),
        )
        .join(_meeting, refers(_guest.c.meeting_id, _meeting))
        .join(_committee, refers(_meeting.c.committee_id, _committee))
        .where(
            _guest.c.program_id == program_of(session),
            _guest.c.person_id == leaving.person_id,
            _guest.c.withdrawn_at.is_(None),
            _meeting.c.starts_at >= ends,
            _meeting.c.state == "planned",
        )
        .order_by(_meeting.c.starts_at),
    )
    return [
        Holding(
            GUEST,
            row["id"],
            both(
                _GUEST,
                day=row["starts"].date(),
                committee={"fr": row["committee_fr"], "en": row["committee_en"]},
            ),
            f"/meetings/{row['meeting_id']}",
        )
        for row in rows
        if leaving.concerns(None) and not leaving.is_back
    ]


def deputizing_of(leaving: Leaving) -> list[Holding]:
    """The absences of others, now or to come, in which they act for who is away."""
    session = leaving.session
    rows = many(
        session,
        select(_absence.c.id, _absence.c.person_id, _absence.c.ends_on, _person.c.given_name, _person.c.family_name)
        .join(_person, refers(_absence.c.person_id, _person))
        .where(
            _absence.c.program_id == program_of(session),
            _absence.c.deputy_id == leaving.person_id,
            _absence.c.cancelled_at.is_(None),
            _absence.c.ends_on > leaving.day,
            leaving.began_by_then(_absence.c.starts_on),
        )
        .order_by(_absence.c.starts_on, _absence.c.id),
    )
    return [
        Holding(
            DEPUTIZING,
            row["id"],
            both(_ACTING, name=f"{row['given_name']} {row['family_name']}", day=row["ends_on"]),
            f"/people/{row['person_id']}",
        )
        for row in rows
        if leaving.concerns(None)
        or any(leaving.concerns(held.organization_id) for held in leaving.standing.roles_of(row["person_id"]))
    ]
