"""Committees over JSON: who sits on a day, proposals of dates, planning, and asking for an item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response

from api.access import meetings as at_meetings
from api.access.meetings import find_committee, find_seat, to_committee
from api.access.permissions import Action, asks, find_person, require, to_program
from api.access.session import AtDesk, Desk
from api.json.described import api_routes
from api.json.idempotent_requests import AtOnce, Once
from api.json.meeting_shapes import (
    ChangeShown,
    CommitteeShown,
    DraftShown,
    HoldsShown,
    ItemAsked,
    ItemGiven,
    LetterShown,
    MeetingsGiven,
    NewsShown,
    OtherShown,
    ProposalShown,
    ReasonShown,
    SeasonGiven,
    SeatEnded,
    SeatGiven,
    SeatShown,
)
from api.json.shapes import ComingShown
from api.views.names import people_by_id
from api.web.given import Day
from domain.kernel.actors import Actor
from locales import pick
from meetings import agenda_requests, drafting, schedule, seating
from meetings.committees import PRINCIPAL, CommitteeSeat, Membership, committees, membership, memberships
from meetings.invitations import Told, letters_in, people_in
from meetings.proposals import Proposal, Reason
from models.committee import Committee

router = api_routes("committees")

Key = Annotated[str, Path(max_length=61)]
Preview = Annotated[
    bool, Query(description="Answer which letters the change would write, and to whom, and change nothing.")
]
#: A preview adds nothing.
PREVIEWED: dict[int | str, dict[str, Any]] = {200: {"model": ChangeShown, "description": "A preview."}}


@router.get("/committees")
@asks(Action.SEE_CALENDAR)
def list_committees(
    desk: AtDesk, on: Annotated[Day | None, Query(description="Who sits on this day; today without it.")] = None
) -> list[CommitteeShown]:
    """Every committee, with who sits on it on a day."""
    require(Action.SEE_CALENDAR, to_program(desk.asker))
    members = memberships(desk.session)
    return [_committee(desk, row, members[one], on) for one, row in committees(desk.session).items()]


@router.get("/committees/{key}")
@asks(Action.SEE_CALENDAR)
def get_committee(
    key: Key,
    desk: AtDesk,
    on: Annotated[Day | None, Query(description="Who sits on this day; today without it.")] = None,
) -> CommitteeShown:
    """One committee, with who sits on it on a day."""
    require(Action.SEE_CALENDAR, to_program(desk.asker))
    row = find_committee(desk, key)
    return _committee(desk, row, membership(desk.session, row.id), on)


@router.post("/committees/{key}/seats/{seat_id}/holders")
@asks(Action.KEEP_SEATS)
def give_seat(key: Key, seat_id: UUID, body: SeatGiven, desk: AtDesk, preview: Preview = False) -> ChangeShown:
    """Give a seat from a day on to a person of its organization. A person who holds it so already changes nothing."""
    row = find_committee(desk, key)
    _, by = find_seat(desk, row, seat_id)
    who = find_person(desk.session, body.person_id)

    def change() -> tuple[Told, ...]:
        return seating.give_seat(
            desk.session, row.id, seat_id, who, kind=body.kind, starts_on=body.starts_on, by=by, at=desk.at
        )

    return changed(desk, change, preview=preview)


@router.post("/committees/{key}/seats/{seat_id}/ending")
@asks(Action.KEEP_SEATS)
def end_seat(key: Key, seat_id: UUID, body: SeatEnded, desk: AtDesk, preview: Preview = False) -> ChangeShown:
    """End a person's hold of a seat on its last day."""
    row = find_committee(desk, key)
    _, by = find_seat(desk, row, seat_id)
    who = find_person(desk.session, body.person_id)

    def change() -> tuple[Told, ...]:
        return seating.end_seat(desk.session, row.id, seat_id, who, last_day=body.last_day, by=by, at=desk.at)

    return changed(desk, change, preview=preview)


@router.get("/committees/{key}/proposals")
@asks(Action.PLAN_MEETINGS)
def propose_dates(
    key: Key, desk: AtDesk, first: Annotated[Day, Query()], last: Annotated[Day | None, Query()] = None
) -> list[ProposalShown]:
    """Dates at the committee's rhythm from a day on, with what speaks for and against each. Nothing is planned."""
    require(Action.PLAN_MEETINGS, to_program(desk.asker))
    row = find_committee(desk, key)
    return [_proposal(desk, one) for one in drafting.propose(desk.session, row.id, first, last=last, today=desk.day)]


@router.post("/committees/{key}/seasons", status_code=201, responses=PREVIEWED)
@asks(Action.PLAN_MEETINGS)
def plan_season(
    key: Key,
    body: SeasonGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
    preview: Preview = False,
) -> ChangeShown:
    """Plan a season of weekly meetings, and invite everyone to it; with `draft_id`, from a year that was drafted."""
    once = once.unless(preview)
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.PLAN_MEETINGS, to_program(desk.asker))
    find_committee(desk, key)

    def change() -> tuple[Told, ...]:
        _plan_from(desk, body.draft_id, by=by)
        return schedule.plan_season(
            desk.session,
            key,
            first=body.first,
            last=body.last,
            hour=time.fromisoformat(body.hour),
            minutes=body.minutes,
            place=body.place,
            online_url=body.online_url,
            without={one.day: one.reason for one in body.without},
            instead={one.day: one.starts for one in body.instead},
            by=by,
            at=desk.at,
        )

    return planned(desk, response, once, f"/api/v1/meetings?committee={key}", change, preview=preview)


@router.post("/committees/{key}/meetings", status_code=201, responses=PREVIEWED)
@asks(Action.PLAN_MEETINGS)
def plan_meetings(
    key: Key,
    body: MeetingsGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
    preview: Preview = False,
) -> ChangeShown:
    """Plan meetings that stand alone, and invite everyone to them; with `draft_id`, from a year that was drafted."""
    once = once.unless(preview)
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    by = require(Action.PLAN_MEETINGS, to_program(desk.asker))
    find_committee(desk, key)

    def change() -> tuple[Told, ...]:
        _plan_from(desk, body.draft_id, by=by)
        return schedule.plan_meetings(
            desk.session,
            key,
            body.starts,
            minutes=body.minutes,
            place=body.place,
            online_url=body.online_url,
            by=by,
            at=desk.at,
        )

    return planned(desk, response, once, f"/api/v1/meetings?committee={key}", change, preview=preview)


@router.get("/committees/{key}/drafts")
@asks(Action.PLAN_MEETINGS)
def list_drafts(key: Key, desk: AtDesk) -> list[DraftShown]:
    """The years that were drafted for a committee and wait for the coordinator's yes."""
    require(Action.PLAN_MEETINGS, to_program(desk.asker))
    row = find_committee(desk, key)
    return [
        DraftShown(
            id=one.id,
            year=one.year,
            drafted_at=one.drafted_at,
            dates=[_proposal(desk, Proposal.from_json(date)) for date in one.dates],
        )
        for one in drafting.drafts(desk.session)
        if one.committee_id == row.id
    ]


@router.post("/committees/{key}/drafts/{draft_id}/dismissal", status_code=204)
@asks(Action.PLAN_MEETINGS)
def dismiss_draft(key: Key, draft_id: UUID, desk: AtDesk) -> None:
    """Plan nothing of a year that was drafted; it is not drafted again."""
    at_meetings.dismiss_draft(desk, key, draft_id)


@router.post("/committees/{key}/agenda-items", status_code=201)
@asks(Action.ASK_FOR_ITEM)
def ask_for_item(
    key: Key,
    body: ItemGiven,
    desk: AtDesk,
    once: AtOnce,
    response: Response,
) -> ItemAsked:
    """Ask that the committee talks about something."""
    if (before := once.again(body)) is not None:
        return before  # type: ignore[return-value]  # an answer given again, as it stands
    row = find_committee(desk, key)
    by = require(Action.ASK_FOR_ITEM, to_committee(desk.asker, membership(desk.session, row.id)))
    item_id = agenda_requests.request(
        desk.session,
        key,
        title_fr=body.title_fr,
        title_en=body.title_en,
        minutes=body.minutes,
        purpose=body.purpose,
        meeting_id=body.meeting_id,
        late_reason=body.late_reason,
        by=by,
        at=desk.at,
    )
    once.done(response, 201, f"/api/v1/committees/{key}")
    return ItemAsked(id=item_id)


def planned(
    desk: Desk,
    response: Response,
    once: Once,
    location: str,
    change: Callable[[], tuple[Told, ...]],
    *,
    preview: bool,
) -> ChangeShown:
    """Make a change that adds something, or say what it would write."""
    shown = changed(desk, change, preview=preview)
    if preview:
        response.status_code = 200
    else:
        once.done(response, 201, location)
    return shown


def changed(desk: Desk, change: Callable[[], tuple[Told, ...]], *, preview: bool) -> ChangeShown:
    """Make a change and say which people it told what; or take it back, and say what it would tell."""
    told = schedule.preview(desk.session, change) if preview else change()
    of_person: dict[UUID, list[Told]] = {}
    for one in told:
        of_person.setdefault(one.person_id, []).append(one)
    letters = [
        LetterShown(
            person_id=person_id,
            has_address=all(one.has_address for one in theirs),
            news=[NewsShown(kind=one.kind, method=one.method, starts=one.starts) for one in theirs],
        )
        for person_id, theirs in of_person.items()
    ]
    return ChangeShown(preview=preview, people=people_in(told), sent=letters_in(told), letters=letters)


def _plan_from(desk: Desk, draft_id: UUID | None, *, by: Actor) -> None:
    """Where dates come from a year that was drafted, that is planned now. Raises Refusal where it waits no more."""
    if draft_id is not None:
        drafting.settle(desk.session, draft_id, "planned", by=by, at=desk.at)


def _proposal(desk: Desk, one: Proposal) -> ProposalShown:
    return ProposalShown(
        decision=one.decision,
        original=one.original,
        starts=one.starts,
        minutes=one.minutes,
        reasons=_reasons(desk, one.reasons),
        remaining=_reasons(desk, one.remaining),
        alternatives=[
            OtherShown(starts=other.starts, remaining=_reasons(desk, other.remaining)) for other in one.alternatives
        ],
    )


def _reasons(desk: Desk, reasons: Iterable[Reason]) -> list[ReasonShown]:
    return [ReasonShown(code=one.code, sentence=one.in_words(desk.language)) for one in reasons]


def _committee(desk: Desk, row: Committee, members: Membership, on: Day | None) -> CommitteeShown:
    day = on or desk.day
    names = {one: person.name for one, person in people_by_id(desk).items()}
    return CommitteeShown(
        id=row.id,
        key=row.key,
        title=pick(desk.language, {"fr": row.title_fr, "en": row.title_en}),
        derived_from=row.derived_from,
        rhythm=row.rhythm or None,
        minutes=row.minutes,
        day=day,
        seats=[_seat(desk, seat, members, day, names) for seat in members.seats_on(day)],
    )


def _seat(desk: Desk, seat: CommitteeSeat, members: Membership, day: Day, names: Mapping[Any, str]) -> SeatShown:
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
    return SeatShown(
        seat_id=seat.id,
        committee=seat.committee,
        key=seat.key,
        organization_id=seat.organization_id,
        organization=seat.organization,
        role=seat.role,
        title=pick(desk.language, {"fr": seat.title_fr, "en": seat.title_en}),
        voting=seat.voting,
        vacant=members.is_to_fill(seat.id, day),
        holders=holders,
        waits_for=[
            ComingShown(person_id=one.person_id, name=names[one.person_id], role=seat.role, starts_on=one.starts_on)
            for one in members.to_hold(seat.id, day)
        ],
    )
