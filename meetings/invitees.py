"""Whom meetings invite: by the seats of their committee, as an alternate who was named, or as a guest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, true
from sqlmodel import Session

from domain.kernel import MATTER, col, joins, lasts, only, run, same, scalars, select, undecided
from meetings.committees import ALTERNATE, ENDED_SINCE, Membership, memberships
from models.committee import SeatHolder
from models.invitation import MeetingAnswer
from models.meeting import Meeting, MeetingGuest


@dataclass(frozen=True, slots=True)
class Invitees:
    """Whom some meetings invite, read at once for all of them: who sits on their committees, and who else comes."""

    members: Mapping[UUID, Membership]
    others: Mapping[UUID, frozenset[UUID]]

    def of(self, meeting: Meeting) -> frozenset[UUID]:
        """Everyone whom one of these meetings invites now."""
        seated = self.members[meeting.committee_id].invited(meeting.starts.date())
        return frozenset({*seated, *self.others[meeting.id]})

    def by_person(self, meetings: Iterable[Meeting]) -> dict[UUID, list[Meeting]]:
        """Which of these meetings invite each person."""
        found: dict[UUID, list[Meeting]] = defaultdict(list)
        for meeting in meetings:
            for person_id in self.of(meeting):
                found[person_id].append(meeting)
        return found


def invitees_of(
    session: Session,
    meetings: Sequence[Meeting],
    committee_ids: Collection[UUID] | None = None,
    *,
    as_copied: bool = False,
) -> Invitees:
    """Who is invited to these meetings; `committee_ids` where it is known already of which committees they are.

    `as_copied`: also by what waits to be decided after a restore, and counts as ended.
    """
    since = min((one.starts.date() for one in meetings), default=date.min)
    wanted = committee_ids or {one.committee_id for one in meetings}
    members = memberships(session, wanted, since=since, as_copied=as_copied)
    return Invitees(members, others(session, [one.id for one in meetings], as_copied=as_copied))


def invited_to(session: Session, meeting: Meeting) -> frozenset[UUID]:
    """Everyone whom one meeting invites now."""
    return invitees_of(session, [meeting]).of(meeting)


def guests_of(session: Session, meeting_id: UUID) -> list[UUID]:
    """Who is invited to a meeting without a seat, in the order in which they were."""
    guests = only(MeetingGuest.person_id).where(MeetingGuest.meeting_id == meeting_id, *_STILL_A_GUEST)
    return [*scalars(session, guests.order_by(col(MeetingGuest.invited_at), col(MeetingGuest.id)))]


def others(session: Session, meeting_ids: Sequence[UUID], *, as_copied: bool = False) -> dict[UUID, frozenset[UUID]]:
    """Who comes to each meeting without a seat: guests, and alternates named by those who cannot come.

    An alternate comes as long as both have the seat on the day of the meeting: it ends when either has left it.
    `as_copied`: as for `invitees_of`.
    """
    found: dict[UUID, set[UUID]] = {one: set() for one in meeting_ids}
    guests = only(MeetingGuest.meeting_id, MeetingGuest.person_id).where(
        *(_STILL_A_GUEST[:1] if as_copied else _STILL_A_GUEST), col(MeetingGuest.meeting_id).in_(meeting_ids)
    )
    answers = only(MeetingAnswer.meeting_id, MeetingAnswer.alternate_id)
    named = answers.join(Meeting, joins(MeetingAnswer.meeting_id, Meeting)).where(
        col(MeetingAnswer.alternate_id).is_not(None),
        col(MeetingAnswer.meeting_id).in_(meeting_ids),
        _has_the_seat(col(MeetingAnswer.person_id), as_copied=as_copied),
        _has_the_seat(col(MeetingAnswer.alternate_id), ALTERNATE, as_copied=as_copied),
    )
    for meeting_id, person_id in (*run(session, guests), *run(session, named)):
        found[meeting_id].add(person_id)
    return {one: frozenset(people) for one, people in found.items()}


#: The conditions on a guest that their invitation was not taken back, nor was so before a restore that lost it.
_STILL_A_GUEST: Final = (
    col(MeetingGuest.withdrawn_at).is_(None),
    ~undecided(
        "role",
        MATTER.subject_kind == "meeting",
        col(MATTER.subject_id) == col(MeetingGuest.meeting_id),
        col(MATTER.person_id) == col(MeetingGuest.person_id),
        col(MATTER.at) >= col(MeetingGuest.invited_at),
    ),
)


def _has_the_seat(person: ColumnElement[Any], *kinds: str, as_copied: bool) -> ColumnElement[bool]:
    """The condition on an answer, beside its meeting, that a person has its seat on that day, as one of these."""
    day = cast(col(Meeting.starts), Date)
    return (
        select(SeatHolder.id)
        .where(
            same(SeatHolder, MeetingAnswer),
            SeatHolder.seat_id == MeetingAnswer.seat_id,
            SeatHolder.person_id == person,
            col(SeatHolder.withdrawn_at).is_(None),
            col(SeatHolder.starts_on) <= day,
            lasts(SeatHolder, day),
            *([] if as_copied else [func.coalesce(day <= ENDED_SINCE, true())]),
            *([col(SeatHolder.kind).in_(kinds)] if kinds else []),
        )
        .exists()
    )
