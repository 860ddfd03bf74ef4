"""Meetings: what was decided while people sat and by how many, minutes that never change, and who closes a sitting."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlmodel import Session

from flows import gatherings
from meetings.unclosed import CLOSE, LOOKS_BACK
from simulation.promises import found, promise


@promise("Each decision is stamped with the quorum of its instant, while its meeting sat.", stays=True)
def decided_while_they_sat(session: Session, _: datetime) -> Iterator[str]:
    """A decision of another committee, of an hour at which its meeting did not sit, or whose stamp says otherwise.

    A sitting that is recorded afterwards is opened after the hour at which it decided.
    """
    yield from found(
        session,
        """
        select 'decision', decision.id from decision
        join meeting on meeting.program_id = decision.program_id and meeting.id = decision.meeting_id
        where decision.program_id = :here and (
            meeting.committee_id <> decision.committee_id or meeting.opened_at is null
            or meeting.state not in ('under_way', 'held')
            or decision.decided_at < least(meeting.starts_at, date_trunc('minute', meeting.opened_at))
            or decision.decided_at > meeting.closed_at
            or (decision.quorum->>'is_met')::boolean is distinct from decision.has_quorum)
        """,
    )


@promise("A quorum is met by as many seats and organizations as it needs, and by no fewer.", stays=True)
def quorums_add_up(session: Session, _: datetime) -> Iterator[str]:
    """A decision whose stamp is met by fewer than it needs, or not met by enough."""
    yield from found(
        session,
        """
        select 'decision', id from decision
        where program_id = :here and has_quorum <> (
            (quorum->>'seats_present')::int >= (quorum->>'seats_needed')::int
            and (quorum->>'organizations_present')::int >= (quorum->>'organizations_needed')::int
            and jsonb_array_length(quorum->'missing_must') = 0)
        """,
    )


@promise(
    "A meeting opens two hours before its hour at the earliest, and stays at its hour once it was opened.", stays=True
)
def opened_at_its_hour(session: Session, _: datetime) -> Iterator[str]:
    """A meeting that was opened earlier than that."""
    yield from found(
        session,
        """
        select 'meeting', id from meeting
        where program_id = :here and opened_at < starts_at - interval '2 hours'
        """,
    )


@promise("An hour of attendance lies within its meeting, or a few minutes before it.", stays=True)
def came_while_they_sat(session: Session, _: datetime) -> Iterator[str]:
    """Someone who came or left at an hour at which the meeting neither was planned nor sat."""
    yield from found(
        session,
        """
        select 'attendance', attendance.id from attendance
        join meeting on meeting.program_id = attendance.program_id and meeting.id = attendance.meeting_id
        where attendance.program_id = :here
            and (least(attendance.arrived_at, attendance.left_at)
                    < least(meeting.starts_at, meeting.opened_at) - interval '15 minutes'
                or greatest(attendance.arrived_at, attendance.left_at)
                    > greatest(meeting.ends_at, meeting.closed_at) + interval '15 minutes')
        """,
    )


@promise("Minutes are approved at a later meeting of the committee, and from then on they never change.", stays=True)
def approved_for_good(session: Session, _: datetime) -> Iterator[str]:
    """Minutes that were approved elsewhere or earlier, or of which the record tells anything after that."""
    yield from found(
        session,
        """
        select 'minutes', minutes.id from minutes
        join meeting own on own.program_id = minutes.program_id and own.id = minutes.meeting_id
        left join meeting later on later.program_id = minutes.program_id and later.id = minutes.approved_in_id
        where minutes.program_id = :here and minutes.state = 'approved' and (
            later.starts_at <= own.starts_at or later.committee_id <> own.committee_id
            or own.closed_at is null or minutes.approved_at < own.closed_at
            or exists (
                select 1 from event line where line.program_id = minutes.program_id and line.subject_id = minutes.id
                and line.verb in ('minutes.drafted', 'minutes.changed', 'minutes.circulated', 'minutes.amended')
                and line.at > minutes.approved_at)
            or not exists (
                select 1 from event line where line.program_id = minutes.program_id and line.subject_id = minutes.id
                and line.verb = 'minutes.approved' and line.facts->>'digest' = minutes.digest))
        """,
    )


@promise("A meeting that no one closed is the coordinator's task.")
def unclosed_ones_are_asked(session: Session, at: datetime) -> Iterator[str]:
    """A meeting of which nobody is asked, though the round that asks was done a day after it or later."""
    yield from found(
        session,
        """
        select 'meeting', meeting.id from meeting
        where meeting.program_id = :here and meeting.state in ('planned', 'under_way')
            and meeting.starts_at >= :lately and meeting.ends_at < :then
            and exists (
                select 1 from round_mark mark where mark.program_id = meeting.program_id and mark.key = :asks
                and mark.done_up_to > meeting.ends_at + interval '1 day')
            and not exists (
                select 1 from task where task.program_id = meeting.program_id and task.step = :step
                and task.item = meeting.id::text and task.state in ('open', 'submitted'))
        """,
        step=CLOSE,
        asks=gatherings.gather.key,
        lately=at - LOOKS_BACK + timedelta(days=2),
        then=at - timedelta(days=1),
    )


@promise("Closing a meeting drafts its minutes.", stays=True)
def each_has_its_minutes(session: Session, _: datetime) -> Iterator[str]:
    """A meeting that was held and has none."""
    yield from found(
        session,
        """
        select 'meeting', meeting.id from meeting
        where meeting.program_id = :here and meeting.state = 'held' and not exists (
            select 1 from minutes where minutes.program_id = meeting.program_id and minutes.meeting_id = meeting.id)
        """,
    )


@promise("Whoever sat had that seat on the day, as its principal or an alternate, as was known then.", stays=True)
def seats_are_theirs(session: Session, _: datetime) -> Iterator[str]:
    """Someone who is on record as having sat on a seat that was not theirs, as far as was known when it was recorded.

    A departure that is reported later, with an earlier last day, ends a hold that was theirs when they were seen.
    """
    yield from found(
        session,
        """
        select 'attendance', sat.id from attendance sat
        join meeting on meeting.program_id = sat.program_id and meeting.id = sat.meeting_id
        where sat.program_id = :here and sat.person_id is not null and not exists (
            select 1 from seat_holder held where held.program_id = sat.program_id and held.seat_id = sat.seat_id
            and held.person_id = sat.person_id and held.withdrawn_at is null and held.starts_on <= meeting.starts::date
            and (coalesce(held.ends_on, 'infinity') >= meeting.starts::date or exists (
                select 1 from event where event.program_id = held.program_id and event.subject_id = held.seat_id
                and event.verb = 'seat.left' and event.at > sat.recorded_at
                and event.facts ->> 'person' = held.person_id::text
                and coalesce((event.facts ->> 'was')::date, 'infinity') >= meeting.starts::date)))
        """,
    )
