"""The committees: who sits, when they meet next, and what was decided last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.access.meetings import find_committee
from api.access.permissions import Action, allows, asks, require, to_program
from api.access.session import AtDesk, Desk
from api.pages.forms import Typed
from api.pages.frame import framed_pages, page
from api.pages.program import rhythm_in_words
from api.views.decisions import STATES as DECIDED
from api.views.decisions import lines_of_committee
from api.views.meetings import STATES, between
from api.views.names import people_by_id, titles_of_roles
from meetings import drafting, seating
from meetings.committees import ALTERNATE, PRINCIPAL, CommitteeSeat, Membership, committees, memberships, title_of
from models.committee import Committee
from models.program import Person

router = framed_pages()

#: How far ahead, and how many, the next meetings of a committee are.
AHEAD: Final = timedelta(days=400)
NEXT: Final = 8
#: How far back its last meetings are looked for, and how many of them, and of its last decisions, stand there.
BACK: Final = timedelta(days=400)
LAST: Final = 5


@router.get("/committees", name="committees")
@asks(Action.SEE_CALENDAR)
def show_committees(desk: AtDesk, request: Request) -> HTMLResponse:
    """Every committee, how often it meets, its next meeting and how many seats are vacant."""
    require(Action.SEE_CALENDAR, to_program(desk.asker))
    rows = committees(desk.session)
    members = memberships(desk.session)
    ahead = [line for line in between(desk, desk.day, desk.day + AHEAD) if line.is_to_come]
    shown = [
        {
            "row": row,
            "title": title_of(row, desk.language),
            "meets": rhythm_in_words(row.rhythm),
            "seats": len(seats := members[committee_id].seats_on(desk.day)),
            "vacant": sum(members[committee_id].is_to_fill(seat.id, desk.day) for seat in seats),
            "next": next((line for line in ahead if line.committee.id == committee_id), None),
        }
        for committee_id, row in rows.items()
    ]
    return page(
        desk, request, "committees.html", committees=sorted(shown, key=lambda one: str(one["title"])), day=desk.day
    )


@router.get("/committees/{key}", name="committee")
@asks(Action.SEE_CALENDAR)
def show_committee(desk: AtDesk, request: Request, key: str) -> HTMLResponse:
    """One committee."""
    require(Action.SEE_CALENDAR, to_program(desk.asker))
    return committee_page(desk, request, find_committee(desk, key), Typed())


def committee_page(desk: Desk, request: Request, row: Committee, typed: Typed) -> HTMLResponse:
    """The page of a committee; with `typed`, as a rule refused what was sent."""
    may_plan = allows(Action.PLAN_MEETINGS, to_program(desk.asker)) is not None
    members = memberships(desk.session, [row.id])[row.id]
    people = people_by_id(desk)
    ahead = [line for line in between(desk, desk.day, desk.day + AHEAD, committee_id=row.id) if not line.is_held]
    before = between(desk, desk.day - BACK, desk.day, committee_id=row.id)
    titles = {other.key: title_of(other, desk.language) for other in committees(desk.session).values()}
    return page(
        desk,
        request,
        "committee.html",
        refused=typed.refusal,
        typed=typed,
        committee=row,
        title=titles[row.key],
        meets=rhythm_in_words(row.rhythm),
        derives=[titles[other] for other in row.derived_from if other in titles],
        seats=_seats(desk, members, people, titles),
        next_ones=ahead[:NEXT],
        left_off=len(ahead[NEXT:]),
        last_ones=[line for line in reversed(before) if line.meeting.state == "held"][:LAST],
        states=STATES,
        may_plan=may_plan,
        last_decisions=lines_of_committee(desk, row.id, LAST),
        states_of_decisions=DECIDED,
        drafts=[one for one in drafting.drafts(desk.session) if one.committee_id == row.id] if may_plan else [],
        day=desk.day,
    )


def _seats(
    desk: Desk, members: Membership, people: Mapping[UUID, Person], titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each seat of today with its principal and its alternates; who is away, and who sits for them, said."""
    roles = titles_of_roles(desk)
    found = []
    for seat in members.seats_on(desk.day):
        principals = [
            (people[one], gone, people.get(gone.deputy_id) if gone and gone.deputy_id else None)
            for one in members.holders(seat.id, desk.day, PRINCIPAL)
            for gone in [members.away(one, desk.day)]
        ]
        may_seat = (
            seat.committee == members.key
            and allows(Action.KEEP_SEATS, to_program(desk.asker, organizations=[seat.organization_id])) is not None
        )
        found.append(
            {
                "seat": seat,
                "may_seat": may_seat,
                "to_seat": _to_seat(desk, seat, people) if may_seat else [],
                "live": [
                    (people[one.person_id], one)
                    for one in members.holdings.get(seat.id, ())
                    if one.ends_on is None or one.ends_on >= desk.day
                ],
                "title": title_of(seat, desk.language),
                "role": roles.get(seat.role, seat.role),
                "of": titles[seat.committee] if seat.committee != members.key else "",
                "principals": principals,
                "to_come": [(people[one.person_id], one) for one in members.to_hold(seat.id, desk.day)],
                "alternates": [people[one] for one in members.holders(seat.id, desk.day, ALTERNATE)],
            }
        )
    return found


def _to_seat(desk: Desk, seat: CommitteeSeat, people: Mapping[UUID, Person]) -> list[tuple[UUID, str]]:
    """Whom a seat may be given to."""
    return [(one, people[one].name) for one in seating.may_sit(desk.session, seat.organization_id, seat.role, desk.day)]
