"""What an asker is to a committee and to a meeting of it, and finding the ones that they may see."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlmodel import Session

from api.access.people import to_person
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, require, themselves, to_program
from api.access.session import RequestContext
from domain.kernel import Actor, Refusal
from meetings import agenda_papers, drafting, feeds, seating
from meetings.committees import Membership, committees, membership
from meetings.invitees import invited_to
from meetings.locking import read_meeting
from meetings.redacted_before import redacted_before
from models.committee import Committee, Seat
from models.meeting import Meeting


def to_committee(asker: Asker, members: Membership) -> Given:
    """What the asker is to a committee: whether they hold a seat of it today, as principal or as alternate."""
    given = to_program(asker)
    if members.seat_of(asker.person_id, asker.day) is not None and asker.is_staff:
        given[Relation.SITS] = themselves(asker)
    return given


def to_meeting(session: Session, asker: Asker, meeting: Meeting, members: Membership) -> Given:
    """What the asker is to a meeting: whether it invites them, and what they are to its committee."""
    given = to_committee(asker, members)
    if asker.is_staff and asker.person_id in invited_to(session, meeting):
        given[Relation.INVITED] = themselves(asker)
    return given


def find_meeting(session: Session, asker: Asker, meeting_id: UUID) -> tuple[Meeting, Membership, Given]:
    """A meeting that the asker may see, who sits on its committee, and what the asker is to it.

    Raises Forbidden, also where there is none.
    """
    try:
        meeting = read_meeting(session, meeting_id)
    except Refusal:
        raise Forbidden from None
    members = membership(session, meeting.committee_id, since=min(meeting.starts.date(), asker.day))
    given = to_meeting(session, asker, meeting, members)
    require(Action.SEE_MEETING, given)
    if meeting.id in redacted_before(session) and not given.keys() & {Relation.COORDINATOR, Relation.PRIVACY}:
        raise Forbidden
    return meeting, members, given


def audience_of(context: RequestContext, members: Membership, given: Given, day: date) -> str:
    """Which audience the reader is of an agenda: all of it by role or a partner's seat, less on another or none."""
    closed = agenda_papers.closed_to(context.session, members.key, day)
    return audience_for(context.asker, members, given, day, closed)


def audience_for(asker: Asker, members: Membership, given: Given, day: date, closed: Collection[UUID]) -> str:
    """As `audience_of`, where it is known already which organizations are `closed` to what is for partners."""
    if Relation.COORDINATOR in given:
        return agenda_papers.PARTNERS
    seat = members.seat_of(asker.person_id, day) or members.seat_of(asker.person_id, asker.day)
    return agenda_papers.widest_of(seat, members.key, closed)


def find_seat(context: RequestContext, committee: Committee, seat_id: UUID) -> tuple[Seat, Actor]:
    """A seat of a committee, and the actor who says who sits on it. Raises Forbidden, also where it has none."""
    try:
        seat = seating.seat_of(context.session, committee.id, seat_id)
    except Refusal:
        raise Forbidden from None
    return seat, require(Action.KEEP_SEATS, to_program(context.asker, organizations=[seat.organization_id]))


def find_committee(context: RequestContext, key: str) -> Committee:
    """A committee's row by its key. Raises Forbidden where there is none."""
    found = next((row for row in committees(context.session).values() if row.key == key), None)
    if found is None:
        raise Forbidden
    return found


def end_feed(context: RequestContext, feed_id: UUID) -> None:
    """End one of the asker's own calendar addresses. Raises Forbidden where it is none of theirs, and Refusal."""
    whose = feeds.whose(context.session, feed_id)
    if whose is None:
        raise Forbidden
    by = require(Action.END_FEED, to_person(context.asker, whose))
    feeds.end(context.session, whose, feed_id, by=by, at=context.at)


def dismiss_draft(context: RequestContext, key: str, draft_id: UUID) -> None:
    """Plan nothing of a year that was drafted for a committee. Raises Forbidden where there is no such draft of it."""
    by = require(Action.PLAN_MEETINGS, to_program(context.asker))
    committee = find_committee(context, key)
    if not drafting.is_of(context.session, committee.id, draft_id):
        raise Forbidden
    drafting.settle(context.session, draft_id, "dismissed", by=by, at=context.at)
