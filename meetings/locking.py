"""Locking one meeting's row while a verb changes what belongs to it: its agenda, its attendance, its minutes.

The refusal of a version that another person changed meanwhile stands here too, once for all that is around meetings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session

from domain.kernel import Refusal, changes, col, first, of, only, run, surely, tuples, value_of
from locales import N_
from models.meeting import Meeting, MeetingSeries

#: By what it is that was looked at: what whoever looked at an older version of it is told.
_CHANGED: Final[Mapping[str, str]] = {
    "meeting": N_("This meeting was changed by someone else or in another window. Nothing was saved; look again."),
    "season": N_("This season was changed by someone else or in another window. Nothing was saved; look again."),
    "agenda_item": N_("This item was changed by someone else or in another window. Nothing was saved; look again."),
    "attendance": N_("This seat was recorded by someone else or in another window. Nothing was saved; look again."),
    "decision": N_("This decision was changed by someone else or in another window. Nothing was saved; look again."),
    "stray": N_("This mail was seen to by someone else or in another window. Nothing was saved; look again."),
    "discussion": N_("This case was recorded by someone else or in another window. Nothing was saved; look again."),
    "minutes": N_("These minutes were changed by someone else or in another window. Nothing was saved; look again."),
}


def read_meeting(session: Session, meeting_id: UUID, *, lock: bool = False) -> Meeting:
    """A meeting's row. Raises Refusal where there is none."""
    asked = of(Meeting).where(Meeting.id == meeting_id)
    row = first(session, asked.with_for_update() if lock else asked)
    if row is None:
        raise Refusal("meeting.unknown", N_("There is no such meeting."))
    return row


def lock_meeting(session: Session, meeting_id: UUID, *, seen: int | None = None) -> Meeting:
    """A meeting's row, locked for this transaction. Raises Refusal: there is none, or not in the version `seen`."""
    row = read_meeting(session, meeting_id, lock=True)
    if seen is not None and row.version != seen:
        raise changed_meanwhile("meeting")
    return row


def original_of(row: Meeting) -> datetime:
    """The local time by which calendars know a meeting of a season."""
    if row.original is None:
        raise ValueError("a meeting that stands alone has no original time")
    return row.original


def write_meeting(session: Session, row: Meeting, **values: Any) -> None:
    """Write columns of a locked meeting, and count its version up."""
    statement = changes(Meeting).where(Meeting.id == row.id, Meeting.version == row.version)
    done = run(session, statement.values(**values, version=row.version + 1))
    if done.rowcount != 1:
        raise RuntimeError("a locked meeting changed under its lock")


def refuse_overlap(session: Session, committee_id: UUID, first_day: date, last_day: date) -> None:
    """Refuse a season of a committee that has another one in these days; one of which nothing stands is none."""
    follows = _follows(session, committee_id)
    statement = only(
        surely(Meeting.series_id), value_of(func.min(col(Meeting.starts))), value_of(func.max(col(Meeting.starts)))
    ).where(Meeting.committee_id == committee_id, col(Meeting.series_id).is_not(None), Meeting.state != "cancelled")
    parts = run(session, statement.group_by(col(Meeting.series_id))).all()
    # One that goes on at another hour is said as the one season that it is: before its second part is its first.
    wholes: dict[UUID, tuple[datetime, datetime]] = {}
    in_the_way = set()
    for series_id, begins, ends in parts:
        whole = _first_of(series_id, follows)
        known = wholes.get(whole, (begins, ends))
        wholes[whole] = min(known[0], begins), max(known[1], ends)
        if begins.date() <= last_day and ends.date() >= first_day:
            in_the_way.add(whole)
    other = max((wholes[one] for one in in_the_way), key=lambda days: days[1], default=None)
    if other is not None:
        raise Refusal(
            "season.overlaps",
            N_(
                "From %(first)s to %(last)s another season of this committee has its meetings. Choose days before or"
                " after it, or add a single meeting."
            ),
            first=other[0].date().isoformat(),
            last=other[1].date().isoformat(),
        )


def parts_of_season(session: Session, meeting: Meeting) -> list[UUID]:
    """The seasons that the one of a meeting goes on, or that go on with it, at another hour, and itself; none alone."""
    if meeting.series_id is None:
        return []
    follows = _follows(session, meeting.committee_id)
    whole = _first_of(meeting.series_id, follows)
    return [one for one in follows if _first_of(one, follows) == whole]


def _follows(session: Session, committee_id: UUID) -> dict[UUID, UUID | None]:
    """Each season of a committee, with the one that it goes on at another hour."""
    seasons = only(MeetingSeries.id, MeetingSeries.follows_id).where(MeetingSeries.committee_id == committee_id)
    return dict(tuples(session, seasons))


def _first_of(series_id: UUID, follows: Mapping[UUID, UUID | None]) -> UUID:
    """The season with which this one began, that another hour cut into parts."""
    while (before := follows.get(series_id)) is not None:
        series_id = before
    return series_id


def changed_meanwhile(what: str) -> Refusal:
    """The refusal of an outdated version: of a meeting, season, item, attendance, decision, reply or minutes."""
    return Refusal(f"{what}.changed", _CHANGED[what])
