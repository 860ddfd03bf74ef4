"""The dates of a committee: planning a season or a single meeting, moving, cancelling, changing the hour or the place.

Each of these changes the dates and, in the same transaction, writes to each person what their calendar has to show now:
what a verb returns is exactly what was written. `preview` runs one and takes everything back, so that what is shown
before a click is what the click will send.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, cast, func, insert
from sqlmodel import Session

from domain.casework import needed_reason
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    changes,
    col,
    every,
    first,
    local_day,
    of,
    only,
    program,
    program_of,
    rewrite,
    run,
    scalar,
    scalars,
    select,
    tuples,
)
from domain.record import events
from locales import N_
from meetings import answers, carrying, freezing, held_news, invitations, objections, posting, unclosed
from meetings.committees import committee_of, lasts
from meetings.entries import refuse_crossing
from meetings.invitations import PersonalNews
from meetings.invitees import invited_to
from meetings.local_times import moment_of, written
from meetings.locking import (
    changed_meanwhile,
    lock_meeting,
    original_of,
    parts_of_season,
    read_meeting,
    refuse_overlap,
    write_meeting,
)
from meetings.planner import refuse_disorder
from meetings.texts import checked_line, checked_url
from models.committee import Committee
from models.lifecycles import MEETING, NoSuchMove
from models.meeting import Meeting, MeetingGuest, MeetingSeries

WEEK: Final = timedelta(days=7)


def preview(session: Session, change: Callable[[], tuple[PersonalNews, ...]]) -> tuple[PersonalNews, ...]:
    """What `change` would send, and its readers; nothing of it stays. Raises what the change refuses."""
    with session.begin_nested() as point:
        told = change()
        point.rollback()
    return told


def plan_season(
    session: Session,
    committee: str,
    *,
    first: date,
    last: date,
    hour: time,
    minutes: int | None = None,
    place: str = "",
    online_url: str = "",
    without: Mapping[date, str] | None = None,
    instead: Mapping[date, datetime] | None = None,
    by: Actor,
    at: datetime,
) -> tuple[PersonalNews, ...]:
    """Plan a weekly meeting on the weekday of `first`, each week up to `last`, and invite everyone.

    `without` are days on which there is none, with the reason that the calendar shows; `instead`, local times at which
    a day's meeting is held. All times are local, in the program's zone. Raises Refusal.
    """
    row = committee_of(session, committee)
    zone = program(session).time_zone
    without, instead = without or {}, instead or {}
    refuse_disorder(first, last)
    _refuse_past(datetime.combine(first, hour), zone, at)
    if without.keys() & instead.keys():
        raise Refusal("season.both", N_("A day of the season has either no meeting or one at another time, not both."))
    _lock(session, row.id)
    refuse_overlap(session, row.id, first, last)
    terms = _Terms.of(session, row, zone, minutes, place, online_url, at)
    season = terms.season(session, first, last, hour)
    add_row(session, season)
    days = [first + WEEK * n for n in range((last - first).days // 7 + 1)]
    for day in {*without, *instead} - set(days):
        raise Refusal("season.not_its_day", N_("This day is not a day of the season."), day=day.isoformat())
    rows = [terms.of_season(season, day, instead.get(day), without.get(day)) for day in days]
    _refuse_same_day(session, row.id, [one.starts.date() for one in rows if one.state != "cancelled"])
    run(session, insert(Meeting), [one.model_dump() for one in rows])
    _refuse_disorder(session, season.id)
    facts: dict[str, events.Fact] = {"committee": committee, "first": first.isoformat(), "last": last.isoformat()}
    facts["meetings"] = len(rows) - len(without)
    events.write(session, "season.planned", "meeting_series", season.id, by=by, at=at, case_id=None, **facts)
    return invitations.tell(session, row.id, at=at)


def plan_meetings(
    session: Session,
    committee: str,
    starts: list[datetime],
    *,
    minutes: int | None = None,
    place: str = "",
    online_url: str = "",
    by: Actor,
    at: datetime,
) -> tuple[PersonalNews, ...]:
    """Plan meetings that stand alone, each under a UID of its own, at these local times, and invite everyone.

    Raises Refusal: a time has passed, does not exist, or the committee has a meeting that day already.
    """
    row = committee_of(session, committee)
    terms = _Terms.of(session, row, program(session).time_zone, minutes, place, online_url, at)
    _lock(session, row.id)
    for local in starts:
        _refuse_past(local, terms.zone, at)
        _refuse_same_day(session, row.id, [local.date()])
        meeting = terms.meeting(local)
        meeting.uid = invitations.new_uid(session)
        add_row(session, meeting)
        facts: dict[str, events.Fact] = {"committee": committee, "starts": written(local)}
        events.write(session, "meeting.planned", "meeting", meeting.id, by=by, at=at, case_id=None, **facts)
    return invitations.tell(session, row.id, at=at)


def move_meeting(
    session: Session,
    meeting_id: UUID,
    starts: datetime,
    *,
    minutes: int | None = None,
    reason: str = "",
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> tuple[PersonalNews, ...]:
    """Have a meeting at another local time, or of another length. One of a series stays between its neighbours.

    Raises Refusal, also where it would pass or touch another meeting of its series; calendars cannot show that: it is
    cancelled, and another meeting added. An objection then comes before the meeting that is next.
    """
    _lock(session, read_meeting(session, meeting_id).committee_id)
    objections.hold_with(session, meeting_id, at=at)
    row = lock_meeting(session, meeting_id, seen=seen)
    held_news.refuse_while_waiting(session, row)
    _refuse_unless_planned(row)
    _refuse_past(starts, row.time_zone, at)
    length = minutes or row.minutes
    write_meeting(session, row, **_hours(starts, length, row.time_zone), reason=checked_line(reason))
    if row.series_id is not None:
        _refuse_disorder(session, row.series_id)
    if starts.date() != row.starts.date():
        _refuse_same_day(session, row.committee_id, [starts.date()], but=meeting_id)
    if (starts, length) != (row.starts, row.minutes):
        answers.lapse(session, [meeting_id], at=at)
    was, now = written(row.starts), written(starts)
    events.write(session, "meeting.moved", "meeting", meeting_id, by=by, at=at, before=was, starts=now)
    unclosed.need_not_close(session, meeting_id, by=by, at=at)
    if (starts, length) != (row.starts, row.minutes):
        freezing.follow_move(session, meeting_id, was=row.starts, by=by, at=at)
        carrying.take_up_again(session, meeting_id, by=by, at=at)
    objections.bring_after(session, row, at=at)
    return _tell_of(session, [row], at)


def cancel_meeting(
    session: Session, meeting_id: UUID, *, reason: str, by: Actor, at: datetime, seen: int | None = None
) -> tuple[PersonalNews, ...]:
    """Cancel a meeting, with the reason; what was on its agenda waits for another, and an objection is on the next.

    Raises Refusal.
    """
    objections.hold_with(session, meeting_id, at=at)
    row = lock_meeting(session, meeting_id, seen=seen)
    held_news.refuse_while_waiting(session, row)
    why = {"reason": needed_reason(reason), "cancelled_at": at, "settled_by": by.person_id}
    write_meeting(session, row, state=meeting_state_after(row, "cancel"), **why)
    events.write(session, "meeting.cancelled", "meeting", meeting_id, by=by, at=at)
    carrying.return_to_pool(session, meeting_id, by=by, at=at)
    unclosed.need_not_close(session, meeting_id, by=by, at=at)
    objections.bring_after(session, row, at=at)
    return _tell_of(session, [row], at)


def change_place(
    session: Session,
    meeting_id: UUID,
    *,
    place: str,
    online_url: str = "",
    following: bool = False,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> tuple[PersonalNews, ...]:
    """Move one meeting elsewhere, or this one and every later one of its season, at any hour. Raises Refusal."""
    stood = read_meeting(session, meeting_id)
    parts = parts_of_season(session, stood) if following else []
    held = {one: _lock_season(session, one) for one in sorted(parts)}
    row = lock_meeting(session, meeting_id, seen=seen)
    if following and set(parts_of_season(session, row)) != held.keys():
        raise changed_meanwhile("meeting")  # another hour has cut its season again while this one waited
    held_news.refuse_while_any_waits(session, [*parts, row.series_id or row.id])
    _refuse_unless_planned(row)
    where = {"place": checked_line(place), "online_url": checked_url(online_url)}
    if following and row.series_id is not None:
        later = changes(Meeting).where(
            col(Meeting.series_id).in_(parts), col(Meeting.starts) >= row.starts, Meeting.state == "planned"
        )
        moved = later.values(**where, version=col(Meeting.version) + 1).returning(col(Meeting.id))
        elsewhere = scalars(session, moved).all()
        seasons = changes(MeetingSeries).where(
            col(MeetingSeries.id).in_(parts), col(MeetingSeries.ends_on) >= original_of(row).date()
        )
        run(session, seasons.values(**where, version=col(MeetingSeries.version) + 1))
    else:
        write_meeting(session, row, **where)
        elsewhere = [meeting_id]
    events.write(session, "meeting.place_changed", "meeting", meeting_id, by=by, at=at, following=following)
    for one_there in elsewhere:
        freezing.follow_place(session, one_there, by=by, at=at)
    return invitations.tell(session, row.committee_id, at=at)


def season_of(meeting: Meeting) -> UUID:
    """The season that a meeting's row is of. Raises Refusal for one that stands alone."""
    if meeting.series_id is None:
        raise Refusal("meeting.alone", N_("This meeting is not part of a season: move it instead."))
    return meeting.series_id


def change_hour(
    session: Session,
    series_id: UUID,
    *,
    since: date,
    hour: time,
    minutes: int | None = None,
    by: Actor,
    at: datetime,
    seen: int | None = None,
) -> tuple[PersonalNews, ...]:
    """Have a season's meetings at another local hour from a day on. What was moved stays where it was moved to.

    So does a meeting that was opened already, and those before it.

    The season ends before that day, and another one, under a UID of its own, follows it to the same last day:
    calendars disagree about any other way of saying it. Where every meeting is at that hour already, nothing changes.
    Raises Refusal.
    """
    old = _season_as_seen(session, series_id, seen)
    held_news.refuse_while_any_waits(session, [series_id])
    since = max(since, local_day(session, at))
    later = _lock_later(session, old, since, at)
    if not _is_planned(later):
        raise Refusal("season.nothing_later", N_("No meeting of this season is planned from that day on."))
    length = minutes or old.minutes
    held = {row.id: _at_hour(row, old, hour, length) for row in later}
    others = [row for row in later if (row.starts, row.minutes) != held[row.id]]
    if not _is_planned(others):
        return ()
    following = _go_on_at(session, old, original_of(later[0]).date(), hour, length, at)
    for row in later:
        original = datetime.combine(original_of(row).date(), hour)
        hours = _hours(*held[row.id], row.time_zone)
        write_meeting(session, row, series_id=following.id, original=original, **hours)
    _refuse_disorder(session, following.id)
    answers.lapse(session, [row.id for row in others], at=at)
    facts: dict[str, events.Fact] = {"since": since.isoformat(), "hour": written(hour)}
    events.write(session, "season.hour_changed", "meeting_series", following.id, by=by, at=at, case_id=None, **facts)
    for row in others:
        freezing.follow_move(session, row.id, was=row.starts, by=by, at=at)
    return _tell_of(session, others, at)


def invite_guest(
    session: Session, meeting_id: UUID, person_id: UUID, *, by: Actor, at: datetime
) -> tuple[PersonalNews, ...]:
    """Invite someone without a seat to one meeting. Raises Refusal where they are invited already."""
    row = lock_meeting(session, meeting_id)
    held_news.refuse_while_waiting(session, row)
    _refuse_unless_planned(row)
    if person_id in invited_to(session, row):
        raise Refusal("guest.already", N_("This person is invited to this meeting already."))
    guest = MeetingGuest(
        program_id=program_of(session),
        meeting_id=meeting_id,
        person_id=person_id,
        invited_by=by.person_id,
        invited_at=at,
    )
    add_row(session, guest)
    events.write(session, "guest.invited", "meeting", meeting_id, by=by, at=at, person=str(person_id))
    return invitations.tell(session, row.committee_id, at=at)


def withdraw_guest(
    session: Session, meeting_id: UUID, person_id: UUID, *, by: Actor, at: datetime
) -> tuple[PersonalNews, ...]:
    """Take a guest's invitation back. Raises Refusal where they are no guest of it."""
    row = lock_meeting(session, meeting_id)
    held_news.refuse_while_waiting(session, row)
    _refuse_unless_planned(row)
    statement = changes(MeetingGuest).where(
        MeetingGuest.meeting_id == meeting_id,
        MeetingGuest.person_id == person_id,
        col(MeetingGuest.withdrawn_at).is_(None),
    )
    taken = run(session, statement.values(withdrawn_at=at, withdrawn_by=by.role))
    if not taken.rowcount:
        raise Refusal("guest.none", N_("This person is not a guest of this meeting."))
    events.write(session, "guest.withdrawn", "meeting", meeting_id, by=by, at=at, person=str(person_id))
    return invitations.tell(session, row.committee_id, at=at)


def meeting_state_after(row: Meeting, move: str) -> str:
    """The state of a meeting after a move. Raises Refusal where its state does not allow it."""
    try:
        return MEETING.after(row.state, move)
    except NoSuchMove:
        raise Refusal("meeting.state", _ALREADY.get((row.state, move), _STANDS[row.state])) from None


#: What is said of a meeting with which something cannot be done, by the state that it is in.
_STANDS: Final[Mapping[str, str]] = {
    "planned": N_("This meeting is not open yet: open it first."),
    "under_way": N_("This meeting is under way: that can no longer be done with it."),
    "held": N_("This meeting was held and is closed: that can no longer be done with it."),
    "cancelled": N_("This meeting is cancelled: that can no longer be done with it."),
}
#: What is said where it was done already.
_ALREADY: Final[Mapping[tuple[str, str], str]] = {
    ("under_way", "open"): N_("This meeting is open already."),
    ("held", "close"): N_("This meeting is closed already."),
    ("cancelled", "cancel"): N_("This meeting is cancelled already."),
}


def _lock_later(session: Session, season: MeetingSeries, since: date, at: datetime) -> list[Meeting]:
    """The meetings to come of a season from a day on, locked; but for those up to one that was opened already."""
    to_come = of(Meeting).where(Meeting.series_id == season.id, col(Meeting.starts_at) > at)
    rows = every(session, to_come.order_by(col(Meeting.original)).with_for_update())
    begun = [place for place, row in enumerate(rows) if row.state not in ("planned", "cancelled")]
    return [row for row in rows[max(begun, default=-1) + 1 :] if original_of(row).date() >= since]


def _is_planned(rows: Sequence[Meeting]) -> bool:
    return any(row.state == "planned" for row in rows)


def _at_hour(row: Meeting, season: MeetingSeries, hour: time, minutes: int) -> tuple[datetime, int]:
    """When a meeting begins and how long it lasts once its season is at another hour: its own stays its own."""
    starts = row.starts if row.starts != row.original else datetime.combine(original_of(row).date(), hour)
    return starts, row.minutes if row.minutes != season.minutes else minutes


def _go_on_at(
    session: Session, old: MeetingSeries, first: date, hour: time, minutes: int, at: datetime
) -> MeetingSeries:
    """End a season before a day, and have another one follow it to the same last day, at another hour."""
    terms = _Terms(old.program_id, old.committee_id, old.time_zone, minutes, old.place, old.online_url, at)
    following = terms.season(session, first, old.ends_on, hour)
    following.follows_id = old.id
    add_row(session, following)
    rewrite(session, MeetingSeries, old.id, ends_on=max(old.starts_on, first - timedelta(days=1)))
    return following


def _season_as_seen(session: Session, series_id: UUID, seen: int | None) -> MeetingSeries:
    """A season's row, locked. Raises Refusal: there is none, or not in the version `seen`."""
    row = _lock_season(session, series_id)
    if row is None:
        raise Refusal("season.unknown", N_("There is no such season."))
    if seen is not None and row.version != seen:
        raise changed_meanwhile("season")
    return row


def _lock_season(session: Session, series_id: UUID | None) -> MeetingSeries | None:
    """A season's row, locked before its meetings by every verb that changes several of them. None where there is none.

    Two that locked them in another order would each wait for the other.
    """
    return first(session, of(MeetingSeries).where(MeetingSeries.id == series_id).with_for_update())


def _refuse_unless_planned(row: Meeting) -> None:
    if row.state != "planned":
        raise Refusal("meeting.not_planned", N_("Only a meeting that is planned can be changed."))


def _lock(session: Session, committee_id: UUID) -> None:
    """Two who plan the same committee at once wait for each other, so that the second sees the first's dates."""
    run(session, select(func.pg_advisory_xact_lock(func.hashtextextended(str(committee_id), 0))))


def _refuse_past(local: datetime, zone: str, at: datetime) -> None:
    if moment_of(local, zone) <= at:
        raise Refusal("meeting.past", N_("A meeting is planned for a time to come."))


def _hours(starts: datetime, minutes: int, zone: str) -> dict[str, Any]:
    """The columns that say when a meeting is."""
    starts_at = moment_of(starts, zone)
    return {
        "starts": starts,
        "minutes": minutes,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
    }


def _tell_of(session: Session, before: Sequence[Meeting], at: datetime) -> tuple[PersonalNews, ...]:
    """Tell everyone of meetings of one committee that were as `before`, also who has their agenda alone."""
    papers = posting.papers_of(session, before, at=at)
    return invitations.tell(session, before[0].committee_id, papers=papers, at=at)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the new meetings of a committee have in common: their zone, how long they last, and where they are held."""

    program_id: UUID
    committee_id: UUID
    zone: str
    minutes: int
    place: str
    online_url: str
    at: datetime

    @classmethod
    def of(
        cls, session: Session, row: Committee, zone: str, minutes: int | None, place: str, online_url: str, at: datetime
    ) -> _Terms:
        """As they were asked for, else as the committee usually meets. Raises Refusal."""
        length, where = minutes or lasts(row), checked_line(place or row.place)
        return cls(program_of(session), row.id, zone, length, where, checked_url(online_url), at)

    def season(self, session: Session, first: date, last: date, hour: time) -> MeetingSeries:
        """A season of weekly meetings, under a UID of its own."""
        return MeetingSeries(
            program_id=self.program_id,
            committee_id=self.committee_id,
            uid=invitations.new_uid(session),
            time_zone=self.zone,
            starts_on=first,
            ends_on=last,
            at=hour,
            minutes=self.minutes,
            place=self.place,
            online_url=self.online_url,
            recorded_at=self.at,
        )

    def meeting(self, starts: datetime) -> Meeting:
        """A meeting at a local time."""
        return Meeting(
            program_id=self.program_id,
            committee_id=self.committee_id,
            time_zone=self.zone,
            **_hours(starts, self.minutes, self.zone),
            place=self.place,
            online_url=self.online_url,
            recorded_at=self.at,
        )

    def of_season(self, season: MeetingSeries, day: date, instead: datetime | None, why_not: str | None) -> Meeting:
        """The meeting of a season on a day: held at another time `instead`, or off with the reason `why_not`."""
        original = datetime.combine(day, season.at)
        made = self.meeting(instead or original)
        made.series_id, made.original = season.id, original
        if why_not is not None:
            made.reason, made.state, made.cancelled_at = checked_line(why_not), "cancelled", self.at
        return made


def _refuse_same_day(session: Session, committee_id: UUID, days: Collection[date], *, but: UUID | None = None) -> None:
    """Refuse local days on which the committee has a meeting, another than `but`, that is not cancelled."""
    others = only(Meeting.starts).where(
        Meeting.committee_id == committee_id,
        Meeting.state != "cancelled",
        col(Meeting.id).is_distinct_from(but),
        cast(col(Meeting.starts), Date).in_(days),
    )
    found = scalar(session, others.order_by(col(Meeting.starts)).limit(1))
    if found is not None:
        said = N_("This committee has a meeting on that day already: %(day)s.")
        raise Refusal("meeting.same_day", said, day=found.date().isoformat())


def _refuse_disorder(session: Session, series_id: UUID) -> None:
    hours = only(Meeting.starts, Meeting.minutes).where(Meeting.series_id == series_id, Meeting.state != "cancelled")
    rows = tuples(session, hours.order_by(col(Meeting.original)))
    refuse_crossing((starts, starts + timedelta(minutes=minutes)) for starts, minutes in rows)
