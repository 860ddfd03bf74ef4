"""The committees: who sits, when they meet next, and what was decided last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.meetings import find_committee, to_committee
from api.access.permissions import Action, asks, is_allowed, require, to_program
from api.access.session import InContext, RequestContext
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.pages.program import rhythm_in_words
from api.views.decisions import STATES as DECIDED
from api.views.decisions import lines_of_committee
from api.views.meetings import STATES, ListedMeeting, between
from api.views.names import people_by_id, present, titles_of_roles
from meetings import drafting, seating
from meetings.committees import (
    ALTERNATE,
    PRINCIPAL,
    CommitteeSeat,
    Membership,
    SeatAbsence,
    committees,
    memberships,
    rhythm_of,
    title_of,
)
from meetings.statements import implementation
from models.committee import Committee, SeatHolder
from models.meeting import DraftedYear
from models.program import Person

router = framed_pages()

#: How far ahead, and how many, the next meetings of a committee are.
AHEAD: Final = timedelta(days=400)
NEXT: Final = 8
#: How far back its last meetings are looked for, and how many of them, and of its last decisions, stand there.
BACK: Final = timedelta(days=400)
LAST: Final = 5


@dataclass(frozen=True)
class CommitteeInList:
    """A committee in the list: how often it meets, how many seats are vacant of how many, and when it is next."""

    row: Committee
    title: str
    meets: str
    seats: int
    vacant: int
    next: ListedMeeting | None

    @classmethod
    def of(
        cls, context: RequestContext, row: Committee, members: Membership, to_come: ListedMeeting | None
    ) -> CommitteeInList:
        """As it stands today."""
        seats = members.seats_on(context.day)
        vacant = sum(members.is_to_fill(seat.id, context.day) for seat in seats)
        return cls(row, title_of(row, context.language), rhythm_in_words(rhythm_of(row)), len(seats), vacant, to_come)


Held = tuple[Person, SeatHolder]


@dataclass(frozen=True)
class SeatOfToday:
    """A seat today: its principals with their absence and who sits for them, its alternates, and who is to come.

    `of` is the committee from which it is taken, "" of one's own. `live` is who holds it now or later, `to_seat` whom
    the reader may give it to.
    """

    seat: CommitteeSeat
    title: str
    role: str
    of: str
    principals: Sequence[tuple[Person, SeatAbsence | None, Person | None]]
    alternates: Sequence[Person]
    to_come: Sequence[Held]
    live: Sequence[Held]
    may_seat: bool
    to_seat: Sequence[tuple[UUID, str]]


@router.get("/committees", name="committees")
@asks(Action.SEE_CALENDAR)
def show_committees(context: InContext, request: Request) -> HTMLResponse:
    """Every committee, how often it meets, its next meeting and how many seats are vacant."""
    require(Action.SEE_CALENDAR, to_program(context.asker))
    rows = committees(context.session)
    members = memberships(context.session, since=context.day)
    ahead = [line for line in between(context, context.day, context.day + AHEAD) if line.is_to_come]
    shown = []
    for committee_id, row in rows.items():
        to_come = next((line for line in ahead if line.committee.id == committee_id), None)
        shown.append(CommitteeInList.of(context, row, members[committee_id], to_come))
    return page(
        context, request, "committees.html", committees=sorted(shown, key=lambda one: one.title), day=context.day
    )


@router.get("/committees/{key}", name="committee")
@asks(Action.SEE_CALENDAR)
def show_committee(context: InContext, request: Request, key: str) -> HTMLResponse:
    """One committee."""
    require(Action.SEE_CALENDAR, to_program(context.asker))
    return committee_page(context, request, find_committee(context, key), Typed())


def committee_page(context: RequestContext, request: Request, row: Committee, typed: Typed) -> HTMLResponse:
    """The page of a committee; with `typed`, as a rule refused what was sent."""
    may_plan = is_allowed(Action.PLAN_MEETINGS, to_program(context.asker))
    members = memberships(context.session, [row.id], since=context.day)[row.id]
    ahead = [
        line for line in between(context, context.day, context.day + AHEAD, committee_id=row.id) if not line.is_held
    ]
    titles = {other.key: title_of(other, context.language) for other in committees(context.session).values()}
    return page(
        context,
        request,
        "committee.html",
        title=titles[row.key],
        typed=typed,
        committee=row,
        meets=rhythm_in_words(rhythm_of(row)),
        derives=[titles[other] for other in row.derived_from if other in titles],
        seats=_seats(context, members, titles),
        next_ones=ahead[:NEXT],
        left_off=len(ahead[NEXT:]),
        last_ones=_last_ones(context, row),
        states=STATES,
        may_plan=may_plan,
        last_decisions=lines_of_committee(context, row.id, LAST),
        states_of_decisions=DECIDED,
        drafts=_drafts(context, row) if may_plan else [],
        sees_measures=row.source == implementation.PUT_BEFORE
        and is_allowed(Action.SEE_MEASURES, to_committee(context.asker, members)),
        day=context.day,
    )


def _last_ones(context: RequestContext, row: Committee) -> list[ListedMeeting]:
    """The last meetings of a committee that were held, the last one first."""
    before = between(context, context.day - BACK, context.day, committee_id=row.id)
    return [line for line in reversed(before) if line.is_held][:LAST]


def _drafts(context: RequestContext, row: Committee) -> list[DraftedYear]:
    return [one for one in drafting.drafts(context.session) if one.committee_id == row.id]


def _seats(context: RequestContext, members: Membership, titles: Mapping[str, str]) -> list[SeatOfToday]:
    """Each seat of today with its principal and its alternates; who is away, and who sits for them, said."""
    roles = titles_of_roles(context)
    people = people_by_id(context, members.people_on(context.day) | present(context))
    return [_seat(context, seat, members, people, titles, roles) for seat in members.seats_on(context.day)]


def _seat(
    context: RequestContext,
    seat: CommitteeSeat,
    members: Membership,
    people: Mapping[UUID, Person],
    titles: Mapping[str, str],
    roles: Mapping[str, str],
) -> SeatOfToday:
    day, is_own = context.day, seat.committee == members.key
    given = to_program(context.asker, organizations=[seat.organization_id])
    may_seat = is_own and is_allowed(Action.KEEP_SEATS, given)
    return SeatOfToday(
        seat,
        title_of(seat, context.language),
        roles.get(seat.role, seat.role),
        "" if is_own else titles[seat.committee],
        [_principal(members, people, one, day) for one in members.holders(seat.id, day, PRINCIPAL)],
        [people[one] for one in members.holders(seat.id, day, ALTERNATE)],
        to_come=[(people[one.person_id], one) for one in members.to_hold(seat.id, day)],
        live=[(people[one.person_id], one) for one in members.held_from(seat.id, day)],
        may_seat=may_seat,
        to_seat=_to_seat(context, seat, people) if may_seat else [],
    )


def _principal(
    members: Membership, people: Mapping[UUID, Person], person_id: UUID, day: date
) -> tuple[Person, SeatAbsence | None, Person | None]:
    """A principal, their absence on that day, and who sits for them then."""
    gone = members.away(person_id, day)
    return people[person_id], gone, people.get(gone.deputy_id) if gone and gone.deputy_id else None


def _to_seat(context: RequestContext, seat: CommitteeSeat, people: Mapping[UUID, Person]) -> list[tuple[UUID, str]]:
    """The people to whom a seat may be given."""
    return [
        (one, people[one].name)
        for one in seating.may_sit(context.session, seat.organization_id, seat.role, context.day)
    ]
