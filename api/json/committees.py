"""Committees over JSON: who sits on a day, proposals of dates, planning, and asking for an item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from api.access import meetings as at_meetings
from api.access.meetings import find_committee, to_committee
from api.access.permissions import Action, asks, require, to_program
from api.access.session import InContext, RequestContext
from api.acts.meetings import MEETINGS, SEASONS, SEAT, Key
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce
from api.json.meeting_shapes import (
    CommitteeShown,
    DateProposalShown,
    DayObstacleShown,
    DraftYearShown,
    HoldsShown,
    ItemAsked,
    ItemGiven,
    OtherShown,
    SeatShown,
)
from api.json.previewed_acts import previewed_resources
from api.json.shapes import ComingShown
from api.views.names import people_by_id
from api.web.given import Day
from meetings import agenda_requests, drafting
from meetings.committees import PRINCIPAL, CommitteeSeat, Membership, committees, membership, memberships, title_of
from meetings.proposals import DateProposal, DayObstacle
from models.committee import Committee

router = api_routes("committees")


@router.get("/committees")
@asks(Action.SEE_CALENDAR)
def list_committees(
    context: InContext, on: Annotated[Day | None, Query(description="Who sits on this day; today without it.")] = None
) -> list[CommitteeShown]:
    """Every committee, with who sits on it on a day."""
    require(Action.SEE_CALENDAR, to_program(context.asker))
    members = memberships(context.session, since=on or context.day)
    return [_committee(context, row, members[one], on) for one, row in committees(context.session).items()]


@router.get("/committees/{key}")
@asks(Action.SEE_CALENDAR)
def get_committee(
    key: Key,
    context: InContext,
    on: Annotated[Day | None, Query(description="Who sits on this day; today without it.")] = None,
) -> CommitteeShown:
    """One committee, with who sits on it on a day."""
    require(Action.SEE_CALENDAR, to_program(context.asker))
    row = find_committee(context, key)
    return _committee(context, row, membership(context.session, row.id, since=on or context.day), on)


previewed_resources(router, SEAT)


@router.get("/committees/{key}/proposals")
@asks(Action.PLAN_MEETINGS)
def propose_dates(
    key: Key, context: InContext, first: Annotated[Day, Query()], last: Annotated[Day | None, Query()] = None
) -> list[DateProposalShown]:
    """Dates at the committee's rhythm from a day on, with what speaks for and against each. Nothing is planned."""
    require(Action.PLAN_MEETINGS, to_program(context.asker))
    row = find_committee(context, key)
    return [
        _proposal(context, one)
        for one in drafting.propose(context.session, row.id, first, last=last, today=context.day)
    ]


for planned in (SEASONS, MEETINGS):
    previewed_resources(router, planned)


@router.get("/committees/{key}/drafts")
@asks(Action.PLAN_MEETINGS)
def list_drafts(key: Key, context: InContext) -> list[DraftYearShown]:
    """The years that were drafted for a committee and wait for the coordinator's yes."""
    require(Action.PLAN_MEETINGS, to_program(context.asker))
    row = find_committee(context, key)
    return [
        DraftYearShown.about(one, dates=[_proposal(context, DateProposal.from_json(date)) for date in one.dates])
        for one in drafting.drafts(context.session)
        if one.committee_id == row.id
    ]


@router.post("/committees/{key}/drafts/{draft_id}/dismissal", status_code=204)
@asks(Action.PLAN_MEETINGS)
def dismiss_draft(key: Key, draft_id: UUID, context: InContext) -> None:
    """Plan nothing of a year that was drafted; it is not drafted again."""
    at_meetings.dismiss_draft(context, key, draft_id)


@router.post("/committees/{key}/agenda-items", status_code=201)
@asks(Action.ASK_FOR_ITEM)
def ask_for_item(key: Key, body: ItemGiven, context: InContext, once: AtOnce, response: Response) -> ItemAsked:
    """Ask that the committee talks about something."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    row = find_committee(context, key)
    by = require(
        Action.ASK_FOR_ITEM, to_committee(context.asker, membership(context.session, row.id, since=context.day))
    )
    item_id = agenda_requests.request(
        context.session,
        key,
        title_fr=body.title_fr,
        title_en=body.title_en,
        minutes=body.minutes,
        purpose=body.purpose,
        meeting_id=body.meeting_id,
        late_reason=body.late_reason,
        by=by,
        at=context.at,
    )
    once.done(response, 201, f"/api/v1/committees/{key}")
    return ItemAsked(id=item_id)


def _proposal(context: RequestContext, one: DateProposal) -> DateProposalShown:
    return DateProposalShown.about(
        one,
        reasons=_reasons(context, one.reasons),
        remaining=_reasons(context, one.remaining),
        alternatives=[
            OtherShown(starts=other.starts, remaining=_reasons(context, other.remaining)) for other in one.alternatives
        ],
    )


def _reasons(context: RequestContext, reasons: Iterable[DayObstacle]) -> list[DayObstacleShown]:
    return [DayObstacleShown(code=one.code, sentence=one.in_words(context.language)) for one in reasons]


def _committee(context: RequestContext, row: Committee, members: Membership, on: Day | None) -> CommitteeShown:
    day = on or context.day
    names = {one: person.name for one, person in people_by_id(context, members.people_on(day)).items()}
    return CommitteeShown.about(
        row,
        title=title_of(row, context.language),
        rhythm=row.rhythm or None,
        day=day,
        seats=[_seat(context, seat, members, day, names) for seat in members.seats_on(day)],
    )


def _seat(
    context: RequestContext, seat: CommitteeSeat, members: Membership, day: Day, names: Mapping[Any, str]
) -> SeatShown:
    principals = members.holders(seat.id, day, PRINCIPAL)
    holders = []
    for person_id in members.holders(seat.id, day):
        away = members.away(person_id, day)
        holders.append(
            HoldsShown(
                person_id=person_id,
                name=names[person_id],
                kind="principal" if person_id in principals else "alternate",
                away=away is not None,
                deputy_id=away.deputy_id if away else None,
            )
        )
    return SeatShown.about(
        seat,
        seat_id=seat.id,
        title=title_of(seat, context.language),
        vacant=members.is_to_fill(seat.id, day),
        holders=holders,
        waits_for=[
            ComingShown(person_id=one.person_id, name=names[one.person_id], role=seat.role, starts_on=one.starts_on)
            for one in members.to_hold(seat.id, day)
        ],
    )
