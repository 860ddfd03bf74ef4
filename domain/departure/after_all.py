"""How it stands with what a person has whose departure was called off: again, still, and not again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Text, cast
from sqlmodel import Session, and_, or_

from domain.access import invitations
from domain.declared import Bilingual
from domain.departure.departure_row import departure_of
from domain.departure.settlements import ended_by, parts, settled_as, taken
from domain.follow_ups import assigning
from domain.holdings import FOLLOW_UP, Holding, goes_on, holdings_of, roles, seats, titled_part, told
from domain.kernel import col, every, first, local_day, of, only, same, scalars, surely
from domain.people import seat_holders
from domain.roles import never_began
from models.committee import SeatHolder
from models.departure import Departure
from models.follow_up import Assignment
from models.program import Tenure
from models.record import Event

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class OfAnother:
    """What a departure took and that was not given back: what it is, and who has it now; of a seat, its principal.

    For a role that ends all the same, `until` is its last day, while that is to come.
    """

    title: Bilingual
    holder_id: UUID | None
    href: str = ""
    until: date | None = None


@dataclass(frozen=True)
class Between:
    """Another holder of a role before it is the person's again: to a last day, from `first` where that is to come."""

    holder_id: UUID
    first: date | None
    last: date


@dataclass(frozen=True)
class Term:
    """The days of a role that a person has: `first` where it is to come, `last` where an end is known.

    `before` says who holds it until then, the earliest first: of a role with one holder.
    """

    first: date | None
    last: date | None
    before: Sequence[Between]


@dataclass(frozen=True)
class AfterAll:
    """What a person has on a day whose departure was cancelled.

    - `in_hand` is what they have there.
    - `again`, by kind and id, is what of it the departure had taken or was to end.
    - `terms` are the days of each role among it, by appointment: one may be held twice, with another holder between.
    - `seats`, `parts` and `roles` are what they did not get back.
    - `invited_anew` is whether they cannot sign in before they are invited.
    """

    in_hand: Sequence[Holding]
    again: frozenset[tuple[str, UUID]]
    terms: Mapping[UUID, Term]
    seats: Sequence[OfAnother]
    parts: Sequence[OfAnother]
    roles: Sequence[OfAnother]
    invited_anew: bool


def after_all(session: Session, case_id: UUID, at: datetime) -> AfterAll | None:
    """What the person of a cancelled departure has; None for any other, and where they have left all the same since."""
    departure = departure_of(session, case_id)
    if departure is None or departure.called_off_at is None:
        return None
    whose, place, today = departure.person_id, departure.organization_id, local_day(session, at)
    if not goes_on(session, whose, place, today - _DAY):
        return None
    others = _roles_of_others(session, departure, today)
    access = invitations.access_of(session, [whose], at=at)[whose]
    in_hand = holdings_of(session, whose, place, at)
    return AfterAll(
        in_hand=in_hand,
        again=_had_again(session, departure) - {(roles.TENURE, tenure_id) for tenure_id in others},
        terms={held.id: _term(session, held.id, today) for held in in_hand if held.kind == roles.TENURE},
        seats=kept_by_others(session, departure, today),
        parts=_parts_of_others(session, departure, today),
        roles=list(others.values()),
        invited_anew=departure.ended_at is not None and access.state == "none",
    )


def _term(session: Session, tenure_id: UUID, on: date) -> Term:
    """The days of a role that a person holds on a local day or is to hold, and who else holds it until they do."""
    held = surely(first(session, of(Tenure).where(Tenure.id == tenure_id)))
    before = every(
        session,
        of(Tenure)
        .where(
            Tenure.role == held.role,
            Tenure.organization_id == held.organization_id,
            Tenure.person_id != held.person_id,
            col(Tenure.single_holder),
            col(Tenure.ends_on) >= on,
            col(Tenure.ends_on) < held.starts_on,
            ~never_began(),
        )
        .order_by(col(Tenure.starts_on)),
    )

    def to_come(day: date) -> date | None:
        return day if day > on else None

    return Term(
        to_come(held.starts_on),
        held.ends_on,
        [Between(row.person_id, to_come(row.starts_on), surely(row.ends_on)) for row in before],
    )


def _had_again(session: Session, departure: Departure) -> frozenset[tuple[str, UUID]]:
    """What a departure was to end, or had taken, and its person has again, by kind and id."""
    whose, since = departure.person_id, departure.called_off_at
    parts = scalars(session, only(Assignment.id).where(Assignment.person_id == whose, Assignment.assigned_at == since))
    given = scalars(
        session,
        only(SeatHolder.id)
        .join(
            Event,
            and_(
                same(Event, SeatHolder),
                Event.subject_id == SeatHolder.seat_id,
                Event.verb == "seat.given",
                Event.at == since,
                told("person") == cast(col(SeatHolder.person_id), Text),
            ),
        )
        .where(SeatHolder.person_id == whose, col(SeatHolder.withdrawn_at).is_(None)),
    )
    return frozenset(
        [
            *((roles.TENURE, one_of) for one_of in departure.was_to_end),
            *((FOLLOW_UP, one_of) for one_of in parts),
            *((seats.SEAT, one_of) for one_of in given),
        ]
    )


def kept_by_others(session: Session, departure: Departure, on: date) -> list[OfAnother]:
    """The seats that a departure took and that its person does not have on a local day, nor from a later day on."""
    found = []
    for row, _ in taken(session, departure):
        others = seat_holders.holders_from(session, row.seat_id, on)
        if any(held.person_id == departure.person_id for held in others):
            continue
        holder = next((held.person_id for held in others if held.kind == "principal"), None)
        title = Bilingual(fr=f"{row.committee_fr}, {row.title_fr}", en=f"{row.committee_en}, {row.title_en}")
        found.append(OfAnother(title, holder))
    return found


def _roles_of_others(session: Session, departure: Departure, on: date) -> dict[UUID, OfAnother]:
    """The roles that a departure ended and its person lacks from a local day on, by appointment, with the holder."""
    found = {}
    for tenure_id, was in departure.was_to_end.items():
        left = first(session, of(Tenure).where(Tenure.id == tenure_id))
        if left is None or left.ends_on is None or left.taken_back_at or left.ends_on == was:
            continue
        later = roles.terms_beyond(session, left, max(departure.last_day, on - _DAY))
        if any(held.person_id == departure.person_id for held in later):
            continue
        until = left.ends_on if left.ends_on >= on else None
        holder = later[0].person_id if later else None
        found[left.id] = OfAnother(roles.called(session, left.id), holder, until=until)
    return found


def _parts_of_others(session: Session, departure: Departure, on: date) -> list[OfAnother]:
    """The parts in follow-ups that a departure ended or handed over, and its person does not have on a local day."""
    found, seen = [], set()
    gone = or_(ended_by(departure), settled_as(departure, handed_over=True))
    for part in parts(session, departure, gone):
        place = part.follow_up_id, part.kind
        if place in seen:
            continue  # it ended twice: they left, stayed, left again, and stayed
        seen.add(place)
        now = assigning.on_day(session, on, follow_up_ids=[part.follow_up_id])
        if any(held.person_id == departure.person_id for held in now):
            continue
        holder = next((held.person_id for held in now if held.kind == part.kind), None)
        title = titled_part(part.kind, part.number)
        found.append(OfAnother(title, holder, f"/follow-ups/{part.follow_up_id}"))
    return found
